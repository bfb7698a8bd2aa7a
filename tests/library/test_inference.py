"""Song2Embedding and Dance2Embedding: the tokens stage's tokens through the model, and nothing else."""

import subprocess
import sys
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from attrs import evolve

import motionbeat
from motionbeat.beats import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.inference import MotionBeat
from motionbeat.lab import params, tables
from motionbeat.lab.corpora.manifest import Clip, Corpus, Motion, Song, write_corpus
from motionbeat.lab.token_tables.build_tokens import build
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.model.encode_windows import encode_windows
from motionbeat.tokens.pooling import GridTokens, pool_frames

ROOT = Path(__file__).parents[2]
RATE = 44_100
K, SECONDS, OFFSET, FPS = 8, 12.0, 2.5, 50.0
TIMES = np.cumsum([0.2, *0.5 + 0.02 * np.sin(np.arange(22))])  # (23,) s, not quite regular
BEATS = Beats(TIMES, np.arange(23) % 4 + 1, 4)


def music(seconds: float) -> np.ndarray:
    """Noise bursts at beats of changing strength."""
    rng = np.random.default_rng(3)
    wave = 0.01 * rng.normal(size=round(seconds * RATE))
    for time, strength in zip(TIMES, 0.2 + 0.5 * rng.random(len(TIMES)), strict=True):
        begin = round(time * RATE)
        burst = wave[begin : begin + 4000]
        burst += strength * np.exp(-np.arange(len(burst)) / 800) * rng.uniform(-1, 1, len(burst))
    return np.clip(wave, -1, 1).astype(np.float32)


def dance() -> Motion:
    """A body that sways at slowly changing speed: 7 s from 2.5 s into the music."""
    rng = np.random.default_rng(5)
    time = np.arange(round(7.0 * FPS))[:, None, None] / FPS
    joints = rng.normal(size=(24, 3)) + 0.2 * np.sin(6.0 * time + 6 * rng.random((24, 3)))
    poses = 0.5 * np.sin(5.0 * time + 6 * rng.random((24, 3)))
    return Motion(joints.astype(np.float32), poses.astype(np.float32), FPS)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/corpus and data/tokens of one song and one dance, as the stages write them."""
    folder = tmp_path_factory.mktemp("corpus")
    soundfile.write(folder / "song.wav", music(SECONDS), RATE)
    clip = Clip("clip", "song", "x", "train", OFFSET, dance)
    write_corpus(Corpus([Song("song", folder / "song.wav")], [clip]), folder)
    columns = {"song": ["song"] * len(TIMES), "beat": np.arange(len(TIMES)), "time_s": TIMES}
    columns |= {"bar_position": BEATS.positions - 1, "beats_per_bar": np.full(len(TIMES), 4)}
    tables.write(folder / "beats.parquet", tables.BEATS, columns)
    settings = evolve(params.load(ROOT / "params.yaml").tokens, window_beats=K, subbeats=2, mel_bands=24)
    (folder / "tokens").mkdir()
    build(folder, folder / "beats.parquet", settings, folder / "tokens")
    return folder


@pytest.fixture(scope="module")
def tokens(corpus: Path) -> Tokens:
    return Tokens.load(corpus / "tokens")


def encoder(tokens: Tokens, **changes: object) -> MotionBeat:
    torch.manual_seed(0)
    settings = evolve(params.load(ROOT / "params.yaml").model, width=32, heads=4, embedding=16, layers=2)
    model = DualEncoder(evolve(ModelConfig.of(settings, tokens.layout), **changes))
    model.set_statistics(**tokens.statistics)
    return MotionBeat(model)


@pytest.fixture(scope="module")
def model(tokens: Tokens) -> MotionBeat:
    return encoder(tokens)


def unit(vectors: torch.Tensor) -> np.ndarray:
    mean = vectors.mean(0)
    return (mean / mean.norm()).numpy()


@torch.no_grad()
def by_hand(encode, values, positions, starts, size=K, **more):
    """(n, e) and (n, size, d): the model on the windows that begin at `starts`."""
    rows = np.array(starts)[:, None] + np.arange(size)
    position = torch.as_tensor(positions[rows], dtype=torch.float32)
    result = encode(torch.as_tensor(values[rows]), position, torch.full((len(starts),), 4), **more)
    return result.embedding, result.states


def test_a_song_is_the_mean_of_the_model_on_the_windows_at_every_downbeat_of_the_tokens_stage(corpus, tokens, model):
    found = model.embed_audio(corpus / "audio" / "song.flac", beats=BEATS)
    mel, positions = tokens.audio["mel"], tokens.audio["bar_position"]
    embedding, _ = by_hand(model.model.audio, mel, positions, np.flatnonzero(positions[:16] == 0))
    # 23 beats: two windows one after the other, and the last eight beats
    _, states = by_hand(model.model.audio, mel, positions, [0, 8, 15])
    np.testing.assert_allclose(found.clip, unit(embedding), atol=1e-6)
    np.testing.assert_allclose(found.tokens[:16], states[:2].reshape(16, -1), atol=1e-6)
    np.testing.assert_allclose(found.tokens[16:], states[2, 1:], atol=1e-6)
    np.testing.assert_array_equal(found.times[:-1], TIMES)
    np.testing.assert_allclose(np.diff(found.times), tokens.audio["duration_s"])


def test_a_dance_is_the_model_on_the_motion_tokens_of_the_tokens_stage(tokens, model):
    motion, rows, edges = dance(), tokens.motion, BEATS.edges() - OFFSET
    # The stage takes beats of which the clip covers a part; the library asks for whole ones.
    inside = np.array([edges[beat] >= 0 and edges[beat + 1] <= 7.0 for beat in rows["beat"]])
    beats, features, bar = rows["beat"][inside], rows["features"][inside], rows["bar_position"][inside]
    closed = np.append(beats, beats[-1] + 1)
    joints = np.round(motion.joints.astype(float), 5).astype(np.float32)  # as a corpus is written
    found = model.embed_motion(joints, FPS, edges[closed], closed % 4 + 1, motion.poses)
    count = len(beats)
    assert count == 13 and bar[0] != 0
    embedding, _ = by_hand(model.model.motion, features, bar, np.flatnonzero(bar[: count - K + 1] == 0))
    _, states = by_hand(model.model.motion, features, bar, [0, count - K])
    np.testing.assert_allclose(found.clip, unit(embedding), atol=2e-6)
    np.testing.assert_allclose(found.tokens, np.concatenate([states[0], states[1, 2 * K - count :]]), atol=2e-6)
    assert found.tokens.shape == (count, 32)


def test_a_frame_of_grid_mode_is_the_token_of_a_regular_grid_centred_on_it(model):
    wave = music(9.3)
    grid = model.embed_audio(wave, RATE, mode="grid")
    assert grid.tokens.shape == (465, 32)
    for offset in (13, 24):
        times = np.arange(offset, 465, 25) * 0.02 - 0.25
        beats = Beats(times, np.ones(len(times), int), 1)  # no bars
        found = model.embed_audio(wave, RATE, beats=beats)
        np.testing.assert_allclose(grid.tokens[offset::25], found.tokens, atol=1e-5)
    np.testing.assert_allclose(grid.times[1:-1], (np.arange(1, 465) - 0.5) * 0.02)


def test_a_song_shorter_than_a_window_is_encoded_as_if_the_window_were_as_short(model):
    wave, beats = music(3.0), Beats(TIMES[:5], np.arange(5) % 4 + 1, 4)
    # In float64, since with a mask the sums run over more terms, and float32 rounds them another way.
    exact = MotionBeat(deepcopy(model.model).double())
    found = exact.embed_audio(wave, RATE, beats=beats)
    from motionbeat.audio.decode import as_mono
    from motionbeat.audio.mel import log_mel
    from motionbeat.tokens.signals import mel_tokens

    mel = mel_tokens(log_mel(as_mono(wave, RATE, 22_050), bands=24), beats.edges(), model.layout)
    embedding, states = by_hand(exact.model.audio, mel, beats.positions - 1, [0], size=5)
    np.testing.assert_allclose(found.clip, unit(embedding), atol=1e-6)
    np.testing.assert_allclose(found.tokens, states[0], atol=1e-6)


@pytest.mark.parametrize("seconds", [0.5, 0.58, 3.0, 4.125])
def test_grid_mode_has_a_frame_each_20_ms_of_any_length(model, seconds):
    found = model.embed_audio(music(3.0)[: round(seconds * RATE)] if seconds < 3 else music(seconds), RATE, "grid")
    assert found.tokens.shape == (int(seconds * 50 + 1e-9), 32)
    assert np.isfinite(found.tokens).all() and np.linalg.norm(found.clip) == pytest.approx(1, abs=1e-6)
    assert found.times.shape == (len(found.tokens) + 1,) and (np.diff(found.times) > 0).all()
    assert found.times[0] == 0 and found.times[-1] <= seconds + 1e-9


def test_a_file_and_its_samples_are_the_same_song(corpus, model):
    samples, rate = soundfile.read(corpus / "audio" / "song.flac", dtype="float32")
    of_file = model.embed_audio(str(corpus / "audio" / "song.flac"), beats=BEATS)
    of_array = model.embed_audio(np.stack([samples, samples]), rate, beats=BEATS)
    np.testing.assert_allclose(of_file.clip, of_array.clip, atol=1e-6)
    np.testing.assert_allclose(of_file.tokens, of_array.tokens, atol=1e-5)


def test_without_madmom_librosa_tracks_and_a_warning_says_what_is_lost(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "madmom", None)
    with pytest.warns(UserWarning, match="madmom is not installed: .* bars of 4"):
        found = model.embed_audio(music(SECONDS), RATE)
    assert 60 * len(found.tokens) / (found.times[-1] - found.times[0]) == pytest.approx(120, abs=3)
    assert found.times[0] < 0.25 and found.times[-1] > SECONDS - 0.1


def test_bars_of_a_dance_are_of_four_unless_said_otherwise(model):
    motion = dance()
    dancing = partial(model.embed_motion, motion.joints, FPS)
    two = dancing([0.5, 1.0, 1.5])
    np.testing.assert_array_equal(two.clip, dancing([0.5, 1.0, 1.5], [1, 2, 3], beats_per_bar=4).clip)
    assert not np.allclose(two.clip, dancing([0.5, 1.0, 1.5], beats_per_bar=3).clip, atol=1e-4)
    waltz = np.arange(0.5, 5.0, 0.5)
    np.testing.assert_array_equal(dancing(waltz, np.arange(9) % 3 + 1).clip, dancing(waltz, beats_per_bar=3).clip)


def test_without_poses_rotations_count_as_average(tokens, model):
    motion, times = dance(), np.arange(0.25, 6.5, 0.5)
    without = model.embed_motion(motion.joints, FPS, times)
    average = torch.zeros(model.layout.motion_width)
    average[model.layout.rotation_start :] = 1e3
    moved = encoder(tokens)
    moved.model.motion_mean += average  # what the average rotation is has no part in it
    np.testing.assert_allclose(moved.embed_motion(motion.joints, FPS, times).clip, without.clip, atol=1e-6)
    given = model.embed_motion(motion.joints, FPS, times, poses=motion.poses.reshape(-1, 72))
    assert not np.allclose(given.clip, without.clip, atol=1e-3)


def test_a_model_without_rotations_takes_no_notice_of_poses(tokens):
    plain = DualEncoder(evolve(encoder(tokens).model.config, rotation_start=None, motion_width=152))
    model, motion, times = MotionBeat(plain), dance(), np.arange(0.25, 6.5, 0.5)
    with_poses = model.embed_motion(motion.joints, FPS, times, poses=motion.poses)
    np.testing.assert_array_equal(with_poses.clip, model.embed_motion(motion.joints, FPS, times).clip)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"joints": np.zeros((100, 22, 3))}, r"joints have shape \(100, 22, 3\): give \(frames, 24, 3\)"),
        ({"joints": np.zeros((1, 24, 3))}, r"2 frames or more"),
        ({"joints": np.full((100, 24, 3), np.nan)}, "joints hold NaN or infinity in frame 0"),
        ({"joints": [[1], [2, 3]]}, "joints are not an array of numbers"),
        ({"fps": 0}, "fps = 0; give the frame rate"),
        ({"fps": float("nan")}, "fps = nan"),
        ({"fps": "30"}, "fps = '30'"),
        ({"beat_times": [0.5]}, "1 of them; a grid needs at least 2"),
        ({"beat_times": [0.5, np.nan, 1.5]}, "times hold NaN"),
        ({"beat_times": [-0.5, 0.5]}, "a time before 0"),
        ({"beat_times": [0.5, 1.5, 1.0]}, "times do not increase at beat 2"),
        (
            {"beat_times": [30.0, 30.5]},
            r"run from 30\.00 to 30\.50 s, but the dance lasts 2\.00 s: count them from its",
        ),
        ({"beat_positions": [1, 2]}, r"times \(3,\) and positions \(2,\)"),
        ({"beat_positions": [0, 1, 2]}, "position 0; give positions from 1"),
        ({"beat_positions": [1.5, 2.5, 3.5]}, "give whole numbers"),
        ({"beat_positions": [1, 2, 5], "beats_per_bar": 4}, "positions 1 to 5 in bars of 4"),
        ({"beats_per_bar": 0}, "beats_per_bar = 0; give a whole number from 1"),
        ({"beats_per_bar": 9}, "the model has room for 1 to 7"),
        ({"poses": np.zeros((99, 24, 3))}, "poses have 99 frames, the joints 100"),
        ({"poses": np.zeros((100, 23, 3))}, r"poses have shape \(100, 23, 3\)"),
        ({"poses": np.full((100, 72), np.inf)}, "poses hold NaN or infinity in frame 0"),
    ],
)
def test_a_dance_that_cannot_be_used_is_refused_by_what_is_wrong(model, wrong, says):
    right = {"joints": np.zeros((100, 24, 3)), "fps": 50, "beat_times": [0.5, 1.0, 1.5]}
    with pytest.raises(MotionBeatError, match=says):
        model.embed_motion(**right | wrong)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"audio": {"song": 1}}, "a song is a dict; give a path, or an array with sample_rate= in Hz"),
        ({"mode": "frames"}, "mode = 'frames'; give beats or grid"),
        ({"sample_rate": None}, "without its rate; give sample_rate="),
        ({"audio": "song.wav"}, "a file says its own sample rate"),
        ({"audio": "gone.wav", "sample_rate": None}, "gone.wav does not exist"),
        ({"beats": BEATS}, r"the last beat is at 11\.\d+ s, but the audio lasts 3\.00 s"),
        ({"beats": TIMES}, "beats is a ndarray in mode beats; give motionbeat.beats.Beats"),
        ({"mode": "grid", "beats": BEATS}, "none in mode grid"),
        ({"beats": Beats([0.1, 0.6], [8, 9], 9)}, "the model has room for 1 to 7"),
        ({"audio": music(3.0)[: RATE // 4], "mode": "grid"}, r"lasts 0\.25 s: grid mode needs at least 0\.5 s"),
        ({"audio": np.zeros(RATE)}, "is silent"),
        ({"audio": np.eye(1, RATE, 20_000)[0]}, "finds (no|1) beat.*; or embed it in mode grid, which needs no beats"),
    ],
)
def test_a_song_that_cannot_be_used_is_refused_by_what_is_wrong(model, wrong, says):
    right = {"audio": music(3.0), "sample_rate": RATE}
    with pytest.raises(MotionBeatError, match=says):
        model.embed_audio(**right | wrong)


@pytest.mark.parametrize("mode", ["beats", "grid"])
def test_how_many_windows_are_encoded_at_once_and_pooled_at_once_changes_nothing(model, monkeypatch, mode):
    wave, beats = music(SECONDS), {"beats": BEATS} if mode == "beats" else {}
    whole = model.embed_audio(wave, RATE, mode, **beats)
    monkeypatch.setattr("motionbeat.tokens.token_sequence._TOKENS_AT_ONCE", 7)
    parts = model.embed_audio(wave, RATE, mode, batch_size=3, **beats)
    np.testing.assert_allclose(parts.clip, whole.clip, atol=1e-6)
    np.testing.assert_allclose(parts.tokens, whole.tokens, atol=1e-5)


def test_a_slice_of_grid_tokens_is_pooled_like_beats_of_the_same_place(model):
    frames = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    grid = GridTokens(frames, 50.0, 62, 0.5, 4)
    silence = np.zeros((50, 3), np.float32)
    padded = np.concatenate([silence, frames, silence])
    for part in (slice(0, 62), slice(0, 3), slice(20, 45), slice(58, 62)):
        at = np.arange(62)[part] * 0.02 + 1.0
        expected = [pool_frames(padded, 50.0, time + 0.125 * np.arange(-2, 3)).ravel() for time in at]
        np.testing.assert_allclose(grid[part], expected, atol=1e-6)


def test_a_file_is_decoded_once_for_the_spectrogram_and_the_tracker(corpus, model, monkeypatch):
    reads = []
    original = soundfile.SoundFile.read
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda self, *a, **k: reads.append(self) or original(self, *a, **k)
    )
    model.embed_audio(corpus / "audio" / "song.flac", tracker="librosa")
    assert len(reads) == 1


def test_a_torch_tensor_is_the_song_or_the_dance_that_its_array_is(model):
    wave, motion, times = music(SECONDS), dance(), np.arange(0.25, 6.5, 0.5)
    tensor = torch.tensor(wave, requires_grad=True)
    expected = model.embed_audio(wave, RATE, beats=BEATS)
    np.testing.assert_array_equal(model.embed_audio(tensor, RATE, beats=BEATS).clip, expected.clip)
    of_tensors = model.embed_motion(torch.tensor(motion.joints), FPS, torch.tensor(times))
    np.testing.assert_array_equal(of_tensors.clip, model.embed_motion(motion.joints, FPS, times).clip)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_list_and_a_folder_of_songs_give_what_each_gives_alone(model, tmp_path, monkeypatch, processes):
    monkeypatch.setenv("MOTIONBEAT_WORKERS", processes)
    (tmp_path / "more").mkdir()
    songs = [tmp_path / "b.wav", tmp_path / "more" / "a.flac"]
    for song, seconds in zip(songs, (7.0, 8.0), strict=True):
        soundfile.write(song, music(seconds), RATE)
    (tmp_path / "cover.jpg").write_bytes(b"no song")
    alone = [model.embed_audio(song, tracker="librosa") for song in songs]
    of_folder = model.embed_folder(tmp_path, tracker="librosa")
    assert list(of_folder) == songs
    for found in (model.embed_audio(songs, tracker="librosa"), list(of_folder.values())):
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_allclose(one.clip, other.clip, atol=1e-6)
            np.testing.assert_allclose(one.times, other.times, atol=1e-9)


def test_a_list_of_arrays_is_several_songs_and_a_list_of_numbers_is_one(model):
    waves = [music(SECONDS), music(SECONDS)[: 6 * RATE]]
    found = model.embed_audio(waves, RATE, mode="grid")
    assert [len(each.tokens) for each in found] == [600, 300]
    assert len(model.embed_audio(waves[1].tolist(), RATE, mode="grid").tokens) == 300
    assert model.embed_audio([]) == []


def test_the_first_song_of_a_list_that_cannot_be_used_is_named_and_embed_each_goes_on(model):
    songs = [music(3.0), None, music(3.0)]
    with pytest.raises(MotionBeatError, match="song 2 of 3: a song is a NoneType; give a path, or an array"):
        model.embed_audio(songs, RATE, mode="grid")
    found = list(model.embed_each(songs, RATE, mode="grid"))
    assert isinstance(found[1], MotionBeatError)
    np.testing.assert_array_equal(found[0].clip, found[2].clip)
    with pytest.raises(MotionBeatError, match="beats for 3 songs: give a list of as many"):
        list(model.embed_each(songs, RATE, beats=[BEATS]))


def test_a_folder_is_refused_where_a_song_is_asked_for_and_where_it_holds_none(model, tmp_path):
    with pytest.raises(MotionBeatError, match="is a folder; give one audio file in it, or call embed_folder"):
        model.embed_audio(tmp_path)
    with pytest.raises(MotionBeatError, match="has no song; give a folder of wav, flac"):
        model.embed_folder(tmp_path)
    with pytest.raises(MotionBeatError, match="is not a folder"):
        model.embed_folder(tmp_path / "gone")


def test_windows_named_by_rows_are_those_gathered_before_and_dropout_comes_back(model):
    generator = np.random.default_rng(0)
    table = generator.random((40, model.model.config.audio_token)).astype(np.float32)
    rows = generator.integers(0, 40, (9, K))
    position = np.tile(np.arange(K) % 4, (9, 1))
    network = model.model.train()
    try:
        named = encode_windows(network, "audio", table, position, 4, rows=rows, batch_size=4)
        gathered = encode_windows(network, "audio", torch.tensor(table[rows]), position, np.full(9, 4))
        assert network.training and not named.states.requires_grad
    finally:
        network.eval()
    for one, other in zip(named, gathered, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_bf16_moves_an_embedding_by_its_rounding_alone(model):
    sound = np.random.default_rng(0).normal(0, 0.1, 4 * 22050).astype(np.float32)
    exact, rounded = (
        MotionBeat(model.model, precision=each).embed_audio(sound, 22050, "grid") for each in ("float32", "bf16")
    )
    assert not np.array_equal(exact.clip, rounded.clip) and rounded.tokens.dtype == np.float32
    assert exact.clip @ rounded.clip > 0.999


def test_a_device_or_a_batch_size_that_is_none_is_refused(model, tmp_path):
    model.model.save(tmp_path)
    for device in ("gpu", "cuda:99"):
        with pytest.raises(MotionBeatError, match=f"device = '{device}' cannot be used .*give cpu"):
            motionbeat.load(tmp_path, device=device)
    assert motionbeat.load(tmp_path, device="cpu").device == torch.device("cpu")
    with pytest.raises(MotionBeatError, match="precision = 'half': give float32, bf16 or auto"):
        motionbeat.load(tmp_path, precision="half")
    with pytest.raises(MotionBeatError, match="batch_size = 0; give a whole number from 1"):
        model.embed_audio(music(SECONDS), RATE, beats=BEATS, batch_size=0)


LIGHT = """
import sys
absent = {absent!r}
for name in absent:
    sys.modules[name] = None  # as if it were not installed
"""
PIPELINE_ONLY = ["madmom", "pyarrow", "pandas", "dvc", "cattrs", "ruamel", "smplx", "mir_eval", "matplotlib", "jinja2"]
NOT_FOR_TRAINING = ["librosa", "soundfile", "soxr", "madmom", "smplx", "pandas", "matplotlib", "dvc", "joblib"]
NOT_FOR_TRAINING += ["scipy", "sklearn", "mir_eval", "numba", "typer"]


def in_a_fresh_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys; before = set(sys.modules); import motionbeat; print(*sorted(set(sys.modules) - before))"
    loaded = in_a_fresh_python(code).split()
    assert "motionbeat" in loaded
    assert not {"torch", "numpy", "librosa", "attrs"} & set(loaded)
    assert {name for name in loaded if name.startswith("motionbeat")} == {"motionbeat"}


def test_the_light_core_embeds_without_the_packages_of_the_pipeline(corpus, model, tmp_path):
    model.model.save(tmp_path)
    code = f"""{LIGHT.format(absent=PIPELINE_ONLY)}
import warnings
import numpy as np, motionbeat
from motionbeat.beats import Beats
model = motionbeat.load({str(tmp_path)!r})
song = {str(corpus / "audio" / "song.flac")!r}
given = model.embed_audio(song, beats=Beats({TIMES.tolist()}, [i % 4 + 1 for i in range(23)], 4))
assert given.tokens.shape == (23, 32)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    tracked = model.embed_audio(song)
assert any("madmom is not installed" in str(warning.message) for warning in caught)
grid = model.embed_audio(song, mode="grid")
dance = model.embed_motion(np.random.default_rng(0).normal(size=(99, 24, 3)), 30, [0, 1, 2], poses=np.ones((99, 72)))
print(len(tracked.tokens), len(grid.tokens), len(dance.tokens))
"""
    beats, frames, danced = map(int, in_a_fresh_python(code).split())
    assert 20 <= beats <= 26 and frames == 600 and danced == 2


def test_training_needs_no_package_of_audio_or_motion():
    code = LIGHT.format(absent=NOT_FOR_TRAINING) + "import stages.train\nprint('stages.train' in sys.modules)"
    assert in_a_fresh_python(code).strip() == "True"


def test_the_packages_own_names_are_loaded_when_asked_for():
    assert motionbeat.MotionBeat is MotionBeat
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = motionbeat.nothing
