"""Hostile and odd corpora, stage by stage: refused by name and fix, and nothing half-written is left."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ruamel.yaml import YAML

from motionbeat.beats import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.results.training_curves import COLUMNS, read_history, training_curves
from motionbeat.tokens.signals import covered

ROOT = Path(__file__).parents[1]
RATE, BPM = 22_050, 120.0
CLIPS = [f"DANCE_C_{number}" for number in (1, 3, 5, 6, 7, 8, 9)]
Run = Callable[..., None]


def drums(seconds: float, seed: int) -> np.ndarray:
    """A stroke a beat, and softer ones between them that differ from song to song."""
    rng = np.random.default_rng(seed)
    wave = np.zeros(round(seconds * RATE), np.float32)
    for number, begin in enumerate(range(0, len(wave), round(60 / BPM * RATE / 4))):
        part = wave[begin : begin + 2000]
        loudness = 0.5 if number % 4 == 0 else 0.1 * rng.integers(0, 2)
        part += loudness * rng.normal(size=len(part)) * np.exp(-np.arange(len(part)) / 300)
    return np.clip(wave, -1, 1)


def write_dance(folder: Path, seconds: float, music_s: float) -> None:
    """A pair as Dance with Melody has them: 25 frames per second from the beginning of its music."""
    folder.mkdir(parents=True, exist_ok=True)
    seed = int(folder.name.rpartition("_")[2])
    rng = np.random.default_rng(seed)
    frames = round(seconds * 25)
    swings = rng.normal(0, 5, (23, 3)) * np.sin(np.arange(frames) / (3 + 0.2 * seed))[:, None, None]
    points = 50 * rng.normal(size=(23, 3)) + swings
    values = {"skeletons": points.tolist(), "center": np.full((frames, 3), 90.0).tolist()}
    (folder / "skeletons.json").write_text(json.dumps(values))
    (folder / "config.json").write_text(json.dumps({"start_position": 0, "end_position": frames}))
    soundfile.write(folder / "audio.wav", drums(music_s, seed), RATE)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Seven pairs of 10 s: 5 for training, 1 for validation and 1 for the test."""
    for name in CLIPS:
        write_dance(tmp_path / "pairs" / name, 10.0, 10.0)
    return tmp_path / "pairs"


@pytest.fixture
def run(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run stages in a folder of their own, after a change of params by dotted keys."""
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.chdir(corpus.parent)

    def stages(*names: str, **changes: object) -> None:
        yaml = YAML(typ="safe", pure=True)
        values = yaml.load(ROOT / "params.yaml")
        values["corpus"] |= {"name": "dance_with_melody", "root": "pairs"}
        values["beats"]["tracker"] = "librosa"
        values["tokens"]["mel_bands"] = 16
        for key, value in changes.items():
            section, _, name = key.partition("__")
            values[section][name] = value
        yaml.dump(values, Path("params.yaml"))
        for name in names:
            importlib.import_module(f"stages.{name}").main()

    return stages


def left() -> list[str]:
    """Outputs of stages, whole or unfinished."""
    return sorted(path.as_posix() for folder in ("data", "models", "metrics") for path in Path(folder).glob("*"))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros(0), RATE)


def silent(path: Path) -> None:
    soundfile.write(path, np.zeros(RATE), RATE)


def unreadable_codec(path: Path) -> None:
    """The format tag of Windows Media Audio in a wav header."""
    data = bytearray(path.read_bytes())
    data[20:22] = (0x0161).to_bytes(2, "little")
    path.write_bytes(data)


DAMAGES = {
    cut_short: "its header promises 441000 bytes of audio, but it contains 19956: the file is truncated",
    no_samples: "holds no samples; give audio of at least 0.1 s",
    silent: "is silent (no sample above -80 dBFS); give audio with music in it",
    unreadable_codec: "it is damaged, or in a format that libsndfile cannot read; "
    "copy it again or convert it to wav or flac",
}


def test_every_unusable_song_of_a_corpus_is_named_at_once(run: Run, corpus: Path) -> None:
    for name, damage in zip(CLIPS, DAMAGES, strict=False):
        damage(corpus / name / "audio.wav")
    with pytest.raises(MotionBeatError) as refused:
        run("corpus")
    lines = str(refused.value).splitlines()
    assert len(lines) == len(DAMAGES)
    for line, name, says in zip(lines, CLIPS, DAMAGES.values(), strict=False):
        assert line.startswith(f"pairs/{name}/audio.wav") and says in line
    assert left() == []


def test_a_dance_that_begins_after_its_music_has_ended_is_refused(run: Run, corpus: Path) -> None:
    (corpus / CLIPS[0] / "config.json").write_text('{"start_position": 500, "end_position": 750}')
    with pytest.raises(
        MotionBeatError, match=r"clip DANCE_C_1 begins 20\.00 s into DANCE_C_1, a song of 10\.00 s: give"
    ):
        run("corpus")
    assert left() == []


def test_a_song_without_a_pulse_stops_the_beats_stage_by_name(run: Run, corpus: Path) -> None:
    soundfile.write(corpus / CLIPS[2] / "audio.wav", np.full(10 * RATE, 0.3) * np.linspace(0.5, 1, 10 * RATE), RATE)
    with pytest.raises(MotionBeatError) as refused:
        run("corpus", "beats")
    assert f"{CLIPS[2]}: " in str(refused.value) and "finds no beats" in str(refused.value)
    assert "set beats.tracker in params.yaml" in str(refused.value)
    assert left() == ["data/corpus"]


def test_the_nominal_tracker_refuses_a_corpus_that_declares_no_tempo(run: Run) -> None:
    with pytest.raises(MotionBeatError, match=r"no nominal tempo and meter for DANCE_C_1, .* set beats\.tracker to"):
        run("corpus", "beats", beats__tracker="nominal")
    assert left() == ["data/corpus"]


def test_an_unknown_tracker_is_refused_with_those_there_are(run: Run) -> None:
    with pytest.raises(MotionBeatError, match=r"beats\.tracker = 'aubio'; expected one of madmom, librosa, nominal"):
        run("beats", beats__tracker="aubio")
    assert left() == []


def test_a_clip_shorter_than_a_window_is_counted_and_skipped(
    run: Run, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = [{"id": name, "split": "val" if name == CLIPS[-1] else "train"} for name in CLIPS]
    (corpus / "checked.json").write_text(json.dumps(listed))
    write_dance(corpus / CLIPS[-1], 5.0, 10.0)
    run("corpus", "beats", "tokens")
    found = json.loads(Path("metrics/tokens.json").read_text())
    assert found["clips_shorter_than_a_window"] == 1 and found["windows"]["test"] == 0
    said = capsys.readouterr()
    assert f"skipped, shorter than a window of 16 beats: 1 ({CLIPS[-1]})\n" in said.out
    assert "no test clip has 16 beats, and stage retrieve will refuse" in said.err
    with pytest.raises(MotionBeatError, match=r"no test clip has 16 beats: lower tokens\.window_beats"):
        run("retrieve")


def test_clips_that_are_all_shorter_than_a_window_stop_the_tokens_stage(run: Run) -> None:
    with pytest.raises(
        MotionBeatError, match=r"no training clip has 64 beats: lower tokens\.window_beats in params\.yaml"
    ):
        run("corpus", "beats", "tokens", tokens__window_beats=64)
    assert "data/tokens" not in left() and not [name for name in left() if "unfinished" in name]


def test_a_dance_longer_than_its_music_has_the_beats_of_its_music_alone(run: Run, corpus: Path) -> None:
    write_dance(corpus / CLIPS[0], 30.0, 10.0)
    run("corpus", "beats", "tokens")
    motion = tables.read(Path("data/tokens/motion.parquet"), tables.MOTION_TOKENS)
    audio = tables.read(Path("data/tokens/audio.parquet"), tables.AUDIO_TOKENS)
    danced, sounding = (rows["beat"][rows["song"] == CLIPS[0]] for rows in (motion, audio))
    np.testing.assert_array_equal(danced, sounding)
    assert 18 <= len(danced) <= 22
    assert all(np.isfinite(np.stack(list(motion[name]))).all() for name in ("features", "contact", "energy"))


def test_beats_of_other_songs_are_refused_by_the_tokens_stage(run: Run) -> None:
    run("corpus", "beats")
    path = Path("data/beats/beats.parquet")
    rows = tables.read(path, tables.BEATS)
    kept = rows["song"] != CLIPS[1]
    tables.write(path, tables.BEATS, {name: values[kept] for name, values in rows.items()})
    with pytest.raises(MotionBeatError, match=f"has no beats of {CLIPS[1]}: run `dvc repro beats`"):
        run("tokens")
    assert not [name for name in left() if name.startswith("data/tokens")]


def test_a_corpus_without_validation_windows_is_refused_before_training(run: Run, corpus: Path) -> None:
    listed = [{"id": name, "split": "val" if name == CLIPS[-1] else "train"} for name in CLIPS]
    (corpus / "checked.json").write_text(json.dumps(listed))
    run("corpus")
    manifest = tables.read(Path("data/corpus/manifest.parquet"), tables.MANIFEST)
    for name in manifest["clip"][manifest["split"] == "val"]:
        write_dance(corpus / str(name), 5.0, 10.0)
    with pytest.raises(
        MotionBeatError, match=r"the val split has no clip of 16 beats: lower tokens\.window_beats or check"
    ):
        run("corpus", "beats", "tokens", "negatives", "train")
    assert not [name for name in left() if name.startswith("models")]


@pytest.mark.parametrize("bpm", [90.0, 110.0, 130.0])
def test_rounding_takes_no_beat_from_a_clip_that_ends_with_one(bpm: float) -> None:
    times = np.arange(17) * 60 / bpm
    beats = Beats(times, np.arange(17) % 4 + 1, 4)
    for offset in (0.0, times[3], 0.1 + 0.2):
        for count in (1, 5, 12):
            index = covered(beats, offset, times[count], 1.0)
            first = int(np.searchsorted(times, offset - 1e-9))
            last = int(np.flatnonzero(beats.edges() <= offset + times[count] + 1e-9)[-1])
            np.testing.assert_array_equal(index, np.arange(first, last))
    # However little has to be covered, a beat that only touches the clip is none of its beats.
    np.testing.assert_array_equal(covered(beats, times[3], times[2], 0.0), [3, 4])


def test_a_clip_has_a_beat_at_its_edge_if_it_covers_enough_of_it() -> None:
    beats = Beats(np.arange(9.0), np.arange(9) % 4 + 1, 4)
    np.testing.assert_array_equal(covered(beats, 1.1, 3.75, 0.8), [1, 2, 3, 4])
    np.testing.assert_array_equal(covered(beats, 1.3, 3.35, 0.8), [2, 3])
    np.testing.assert_array_equal(covered(beats, 1.1, 0.5, 0.8), [])
    np.testing.assert_array_equal(covered(beats, 20.0, 5.0, 0.8), [])


def test_a_history_without_an_accuracy_that_no_pair_could_tell_is_drawn(tmp_path: Path) -> None:
    row = {name: "1" for name in COLUMNS if name != "tempo_accuracy"}
    path = tmp_path / "train_history.csv"
    path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8")
    history = read_history(path)
    assert np.isnan(history["tempo_accuracy"]).all() and history["jitter_accuracy"] == [1.0]
    training_curves(history, 1)
