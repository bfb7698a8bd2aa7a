"""One interface over every frozen encoder; our own three are what embed_audio and the tokens are made of."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import conftest
import numpy as np
import pytest
import soundfile
import torch
from attrs import evolve

import motionbeat
from motionbeat.audio.mel import log_mel
from motionbeat.audio.onsets import band_flux
from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, registry
from motionbeat.lab.encoders.frame_encoder import Frames, clip, join, spans
from motionbeat.lab.encoders.interface import check, open_encoder
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder

ROOT = Path(__file__).parents[2]
RATE = 22_050
LAYOUT = evolve(conftest.LAYOUT, mel_bands=24, motion_width=20, rotation_start=None)


def music(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(3)
    return (0.2 * rng.normal(size=round(seconds * RATE)) * (1 + np.sin(np.arange(round(seconds * RATE)) / 900))) / 4


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> params.Encoders:
    """A model trained by nobody in a folder, with statistics that are not those of a new one."""
    folder = tmp_path_factory.mktemp("model")
    knobs = params.load(ROOT / "params.yaml")
    torch.manual_seed(5)
    model = DualEncoder(ModelConfig.of(evolve(knobs.model, width=32, heads=4, embedding=16, layers=1), LAYOUT))
    model.set_statistics(np.full(24, 0.7), np.full(24, 0.4), np.zeros(20), np.ones(20))
    model.save(folder)
    return evolve(knobs.encoders, motionbeat=str(folder), offline=True, jukebox="nobody/nothing")


def test_motionbeat_is_grid_mode(settings: params.Encoders) -> None:
    found = open_encoder("motionbeat", settings).frames(music(6.3), RATE)
    grid = motionbeat.load(settings.motionbeat).embed_audio(music(6.3), RATE, mode="grid")
    np.testing.assert_array_equal(found.features, grid.tokens)
    np.testing.assert_allclose(found.times[1:-1], (grid.times[1:-2] + grid.times[2:-1]) / 2)


def test_mel_is_what_tokens_are_pooled_from(settings: params.Encoders) -> None:
    wave = music(2.0).astype(np.float32)
    found = open_encoder("mel", settings).frames(wave, RATE)
    np.testing.assert_array_equal(found.features, log_mel(wave, RATE, 24)[: len(found.times)])
    np.testing.assert_allclose(found.times, np.arange(100) / 50)


def test_random_has_the_statistics_of_the_trained_model_and_other_weights(settings: params.Encoders) -> None:
    random = open_encoder("random", settings)
    state = torch.random.get_rng_state()
    again = open_encoder("random", settings)
    assert torch.equal(state, torch.random.get_rng_state())
    trained = open_encoder("motionbeat", settings)
    frames = [encoder.frames(music(3.0), RATE).features for encoder in (random, again, trained)]
    np.testing.assert_array_equal(frames[0], frames[1])
    assert not np.allclose(frames[0], frames[2], atol=0.1)
    moved = DualEncoder.load(settings.motionbeat)
    moved.mel_std *= 2
    folder = Path(settings.motionbeat).with_name("moved")
    moved.save(folder)
    other = open_encoder("random", evolve(settings, motionbeat=str(folder)))
    assert other.identity != random.identity == again.identity != trained.identity


def test_timbre_is_the_mean_of_a_window_of_mel_and_flux_beside_the_states(settings: params.Encoders) -> None:
    wave = music(12.0).astype(np.float32)
    wave[: 6 * RATE] *= 0.01
    found = open_encoder("motionbeat_timbre", settings).frames(wave, RATE)
    states = open_encoder("motionbeat", settings).frames(wave, RATE)
    half = round(25 * DualEncoder.load(settings.motionbeat).config.window_beats / 2)
    heard = np.concatenate([log_mel(wave, RATE, 24), band_flux(log_mel(wave, RATE, 24))], axis=1)
    np.testing.assert_array_equal(found.features[:, : states.features.shape[1]], states.features)
    for frame in (0, 10, 250, 311, len(found.times) - 1):
        mean = heard[max(frame - half, 0) : frame + half + 1].mean(0)
        np.testing.assert_allclose(found.features[frame, states.features.shape[1] :], mean, atol=1e-5)


@pytest.mark.parametrize("name", ["motionbeat", "motionbeat_timbre", "mel", "random"])
def test_an_encoder_keeps_its_promises(name: str, settings: params.Encoders, tmp_path: Path) -> None:
    encoder = open_encoder(name, settings)
    soundfile.write(tmp_path / "song.wav", music(4.0), RATE, subtype="FLOAT")
    found = encoder.frames(tmp_path / "song.wav")
    assert encoder.name == name and encoder.frame_rate == pytest.approx(50)
    assert found.features.shape == (200, encoder.width) and found.features.dtype == np.float32
    assert (np.diff(found.times) > 0).all() and found.times[0] >= 0 and found.times[-1] < 4.0
    np.testing.assert_allclose(clip(found), found.features.astype(float).mean(axis=0), atol=1e-6)
    np.testing.assert_array_equal(found.features, encoder.frames(tmp_path / "song.wav").features)
    with pytest.raises(MotionBeatError, match=rf"lasts 0\.300 s; encoder {name} needs at least 0\.5 s"):
        encoder.frames(music(0.3), RATE)
    (tmp_path / "song.wav").write_bytes(b"RIFF no more")
    with pytest.raises(MotionBeatError, match=r"song\.wav cannot be decoded"):
        encoder.frames(tmp_path / "song.wav")


def test_frames_do_not_depend_on_the_number_of_threads(settings: params.Encoders) -> None:
    encoder, threads = open_encoder("motionbeat", settings), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = encoder.frames(music(6.0), RATE).features
        torch.set_num_threads(2)
        two = encoder.frames(music(6.0), RATE).features
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_check_lists_every_encoder_that_cannot_be_loaded(settings: params.Encoders) -> None:
    broken = evolve(settings, wav2clip="gone.pt", wav2vec2="./gone", motionbeat=settings.motionbeat)
    with pytest.raises(MotionBeatError) as error:
        check(["mel", "wav2clip", "wav2vec2", "motionbeat"], broken)
    text = str(error.value)
    assert text.startswith("2 encoders of encoders.names cannot be loaded")
    assert "wav2clip: encoders.wav2clip = gone.pt" in text and "wav2vec2: " in text and "mel" not in text
    with pytest.raises(MotionBeatError, match=r"an encoder .*\n  motionbeat: .*config\.json is missing"):
        check(["motionbeat"], evolve(settings, motionbeat="gone"))


def test_check_gives_identities(settings: params.Encoders) -> None:
    found = check(["mel", "random"], settings)
    assert found == {name: open_encoder(name, settings).identity for name in ("mel", "random")}


def test_every_name_that_params_take_is_known_and_others_are_refused(settings: params.Encoders) -> None:
    for name in registry.names("encoder"):
        try:
            open_encoder(name, settings)
        except MotionBeatError as error:
            assert "is unknown" not in str(error)
    with pytest.raises(
        MotionBeatError, match=r"encoder 'openl3' is unknown; expected one of motionbeat, motionbeat_timbre, "
    ):
        open_encoder("openl3", settings)


@pytest.mark.parametrize(
    ("length", "window", "overlap"), [(1000, 300, 60), (300, 300, 60), (90, 300, 60), (301, 300, 0)]
)
def test_windows_cover_a_clip_once_and_speak_for_what_they_have_seen(length: int, window: int, overlap: int) -> None:
    found = list(spans(length, window, overlap))
    assert found[0][2] == 0 and found[-1][3] == length
    for begin, end, first, last in found:
        assert end - begin == min(window, length) and begin <= first < last <= end
    for (_, end, _, last), (begin, _, first, _) in pairwise(found):
        assert last == first and end - begin >= overlap and first == (end + begin) / 2


def test_joined_windows_of_a_long_clip_are_those_of_the_whole() -> None:
    signal = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    parts = []
    for begin, end, first, last in spans(1000, 300, 60):
        parts.append((signal[begin:end], np.arange(begin, end) + 0.5, first, last))
    found = join(parts)
    np.testing.assert_array_equal(found.features, signal)
    np.testing.assert_array_equal(found.times, np.arange(1000) + 0.5)


def test_frames_refuse_nan_and_other_lengths() -> None:
    with pytest.raises(MotionBeatError, match="NaN or infinity"):
        Frames(np.full((3, 2), np.nan, np.float32), np.arange(3.0))
    with pytest.raises(MotionBeatError, match=r"shape \(3, 2\) at times of shape \(4,\)"):
        Frames(np.zeros((3, 2), np.float32), np.arange(4.0))


def test_naming_the_encoders_imports_nothing_heavy() -> None:
    code = "import sys, motionbeat.lab.encoders, motionbeat.lab.encoders.interface; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"torch", "librosa", "transformers", "musicnn", "tensorflow"} & set(done.stdout.split())
