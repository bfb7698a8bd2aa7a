"""A tiny model, four songs, and known beats: for the tests of libraries."""

from pathlib import Path

import numpy as np
import pytest
from rhythm_songs import RATE, load_tiny, pattern_song, registered

from motionbeat.beats import Beats
from motionbeat.search import piece_files


@pytest.fixture
def dance_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piece_files, "entry_points", lambda group: registered(group))


@pytest.fixture
def steady_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats at 120 BPM from the first sample on: what is tracked is not under test here, and takes long."""

    def tracked(audio, sample_rate=None, tracker="librosa", **options):
        from motionbeat.audio.decode import signal

        seconds = len(signal(audio, sample_rate, RATE)) / RATE
        times = np.arange(0, seconds - 0.2, 60 / options.get("bpm", 120.0))
        return Beats(times, np.arange(len(times)) % 4 + 1, 4)

    monkeypatch.setattr(piece_files, "track", tracked)


@pytest.fixture(scope="module")
def index_model(tmp_path_factory):
    return load_tiny(tmp_path_factory.mktemp("model"))


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    for number in range(4):
        pattern_song(folder / f"song{number}.wav", number)
    return folder
