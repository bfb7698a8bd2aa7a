"""Frozen features: computed once, kept by content, on one grid, and without a tracker or a label."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from attrs import evolve
from conftest import LAYOUT

from motionbeat import beats
from motionbeat.beats import librosa_tracker, madmom_tracker
from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file
from motionbeat.lab import registry
from motionbeat.lab.encoders import feature_cache, interface
from motionbeat.lab.encoders.feature_cache import FRAME_S, compute, read_set, resampled, write_set
from motionbeat.lab.encoders.frame_encoder import Frames
from motionbeat.lab.labelled.gtzan import read_beats
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder


class Loudness:
    """A frozen encoder of 3 features at 100 frames/s: mean, energy and peak of 10 ms."""

    name, width, frame_rate, identity = "mel", 3, 100.0, "a1"
    calls = 0

    def frames(self, audio: Path, sample_rate: int | None = None) -> Frames:
        type(self).calls += 1
        wave, rate = soundfile.read(audio, dtype="float32")
        if not len(wave):
            raise MotionBeatError(f"{audio} holds no samples")
        pieces = wave[: len(wave) // (rate // 100) * (rate // 100)].reshape(-1, rate // 100)
        found = np.stack([pieces.mean(axis=1), (pieces**2).mean(axis=1), np.abs(pieces).max(axis=1)], axis=1)
        return Frames(found, (np.arange(len(found)) + 0.5) / 100)


@pytest.fixture
def loudness(monkeypatch: pytest.MonkeyPatch) -> Loudness:
    """`Loudness` in the place of every encoder, one process."""
    monkeypatch.setattr(feature_cache, "_OPENED", {})
    monkeypatch.setattr(interface, "open_encoder", lambda name, settings: Loudness())
    Loudness.calls = 0
    return Loudness()


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    generator = np.random.default_rng(0)
    paths = [tmp_path / f"{name}.wav" for name in "abc"]
    for path in paths:
        soundfile.write(path, generator.uniform(-0.5, 0.5, 16_000), 8_000)
    return paths


def test_a_file_is_heard_once_and_a_second_run_hears_nothing(loudness, songs, settings, tmp_path) -> None:
    first = compute("mel", settings.encoders, songs, frames=True)
    assert Loudness.calls == 3
    again = compute("mel", settings.encoders, songs, frames=True)
    assert Loudness.calls == 3
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.clip, other.clip)
        np.testing.assert_array_equal(one.frames(), other.frames())


def test_a_killed_run_goes_on_and_a_changed_file_alone_is_heard_again(loudness, songs, settings, tmp_path) -> None:
    compute("mel", settings.encoders, songs[:2])
    compute("mel", settings.encoders, songs)
    assert Loudness.calls == 3
    songs[0].rename(tmp_path / "renamed.wav")
    soundfile.write(songs[1], np.full(16_000, 0.25), 8_000)
    found = compute("mel", settings.encoders, [tmp_path / "renamed.wav", *songs[1:]])
    assert Loudness.calls == 4
    assert found[1].clip[2] == pytest.approx(0.25)


def test_another_identity_of_the_encoder_is_another_entry(loudness, songs, settings, tmp_path, monkeypatch) -> None:
    compute("mel", settings.encoders, songs[:1])
    monkeypatch.setattr(Loudness, "identity", "b2")
    compute("mel", settings.encoders, songs[:1])
    assert Loudness.calls == 2


@pytest.mark.parametrize(
    ("name", "gpu", "alone"),
    [
        ("mel", False, False),
        ("mel", True, False),
        ("clap", False, False),
        ("clap", True, True),
        ("jukebox", False, True),
    ],
)
def test_one_process_alone_loads_jukebox_and_what_is_on_the_gpu(name, gpu, alone, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert feature_cache._alone(name) is alone


def test_every_encoder_that_asks_for_the_gpu_is_known() -> None:
    folder = Path(interface.__file__).parent
    on_gpu = {path.stem for path in folder.glob("*.py") if "best_device()" in path.read_text()}
    on_gpu = on_gpu - {"motionbeat_encoder"} | {"motionbeat", "motionbeat_timbre", "random"}  # of one module
    assert on_gpu == {name for name in registry.names("encoder") if interface.kind_of(name).uses_gpu}


def test_a_process_holds_one_encoder_at_a_time(loudness, songs, settings, tmp_path) -> None:
    for name in ("mel", "random"):
        compute(name, settings.encoders, songs[:1])
    assert [key.split()[0] for key in feature_cache._OPENED] == ["random"]


def test_files_that_cannot_be_used_are_listed_together_after_the_others_are_done(
    loudness, songs, settings, tmp_path
) -> None:
    soundfile.write(songs[0], np.zeros(0), 8_000)
    songs[1].unlink()
    with pytest.raises(MotionBeatError, match="cannot use 2 of 3 files") as error:
        compute("mel", settings.encoders, songs)
    assert "a.wav holds no samples" in str(error.value) and "b.wav: No such file" in str(error.value)
    assert Loudness.calls == 2


def test_two_processes_may_write_the_same_entry_at_once(tmp_path, monkeypatch) -> None:
    entry = tmp_path / "entry"
    with whole_file(entry) as one:
        one.write_text("one")
        monkeypatch.setattr(os, "getpid", lambda: 0)
        with whole_file(entry) as other:
            other.write_text("other")
        assert entry.read_text() == "other"
    assert entry.read_text() == "one"
    assert list(tmp_path.iterdir()) == [entry]


def test_a_cache_that_cannot_be_written_is_not_blamed_on_the_audio(
    loudness, songs, settings, tmp_path, monkeypatch, capsys
) -> None:
    (tmp_path / "file").write_text("a file in the folder's place")
    monkeypatch.setenv("MOTIONBEAT_CACHE", str(tmp_path / "file"))
    assert compute("mel", settings.encoders, songs[:1])[0].clip.shape == (3,)
    assert "not kept for the next run" in capsys.readouterr().err


def test_frames_on_the_grid_stay_as_they_are_and_a_line_stays_a_line() -> None:
    values = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    np.testing.assert_allclose(resampled(values, np.arange(50) * FRAME_S), values, atol=1e-5)
    for rate in (10.0, 62.5, 344.5):  # slower than the grid, a little faster, much faster
        times = (np.arange(int(2 * rate)) + 0.5) / rate
        line = resampled(times[:, None], times)
        grid = np.arange(len(line)) * FRAME_S
        inside = (grid > times[0] + FRAME_S) & (grid < times[-1] - FRAME_S)
        np.testing.assert_allclose(line[inside, 0], grid[inside], atol=1.5e-3)
        assert abs(len(line) * FRAME_S - 2) < 0.1


def test_times_that_do_not_rise_are_refused() -> None:
    with pytest.raises(MotionBeatError, match="do not increase"):
        resampled(np.zeros((3, 2)), np.array([0.0, 0.2, 0.1]))


def test_a_written_set_is_read_again_and_refused_for_other_clips(tmp_path) -> None:
    found = [feature_cache.Features(np.full(3, value, np.float32)) for value in (1, 2)]
    write_set(tmp_path / "x.safetensors", "mel", ["a", "b"], found)
    np.testing.assert_array_equal(read_set(tmp_path / "x.safetensors", ["a", "b"]), [[1, 1, 1], [2, 2, 2]])
    with pytest.raises(MotionBeatError, match="other clips"):
        read_set(tmp_path / "x.safetensors", ["a", "c"])
    with pytest.raises(MotionBeatError, match="is missing: run `dvc repro features`"):
        read_set(tmp_path / "y.safetensors", ["a"])


def test_no_tracker_runs_and_no_annotation_is_seen_when_features_are_made(tmp_path, settings, monkeypatch) -> None:
    """The real grid mode and the real mel on a GTZAN folder: trackers raise, and all beats are moved in between."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a beat tracker was asked")

    for module, name in ((beats, "track"), (madmom_tracker, "detect"), (librosa_tracker, "detect")):
        monkeypatch.setattr(module, name, forbidden)
    monkeypatch.setattr(feature_cache, "_OPENED", {})
    small = evolve(settings.model, width=16, layers=1, heads=2, embedding=8)
    DualEncoder(ModelConfig.of(small, LAYOUT)).save(tmp_path / "model")
    chosen = evolve(settings.encoders, motionbeat=str(tmp_path / "model"))
    song = tmp_path / "gtzan/genres/rock/rock.00000.wav"
    song.parent.mkdir(parents=True)
    soundfile.write(song, np.random.default_rng(0).uniform(-0.5, 0.5, 3 * 22_050), 22_050)
    annotation = tmp_path / "gtzan/beats/gtzan_rock_00000.beats"
    annotation.parent.mkdir()
    seen = []
    for shift in (0.0, 0.21):
        annotation.write_text("".join(f"{0.1 + shift + 0.5 * i:.3f}\t{i % 4 + 1}\n" for i in range(5)))
        audio = [item.audio for item in read_beats(tmp_path / "gtzan", lists=False).items]
        for encoder in ("motionbeat", "random", "mel"):
            monkeypatch.setenv("MOTIONBEAT_CACHE", str(tmp_path / f"cache{shift}"))
            found = compute(encoder, chosen, audio, frames=True)
            seen.append((found[0].clip.tobytes(), found[0].frames().tobytes()))
    assert seen[:3] == seen[3:]
    assert len(set(seen)) == 3
