"""benchmarks.beat_transfer: who trains, who is tested, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.beat_transfer import joined, lines, songs_of
from motionbeat.errors import MotionBeatError
from motionbeat.lab.labelled.labelled_set import BeatLabels, Item, LabelledSet

TIMES = np.arange(0.5, 20, 0.5)


def clip(name: str) -> Item:
    return Item(name, Path(f"{name}.flac"), "", name, BeatLabels(TIMES, None))


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(20 * 8000), 8000)
        (tmp_path / f"{name}.beats").write_text("".join(f"{time}\n" for time in TIMES))
    return tmp_path


def test_no_song_trains_or_chooses_and_every_clip_does_one_of_both(songs: Path) -> None:
    clips = tuple(clip(f"{genre}.{i:05d}") for genre in ("blues", "jazz") for i in range(10))
    whole, part = joined(LabelledSet("gtzan", "beats", (), clips, "track", "none"), songs_of(songs), 5, 0)
    assert [whole.items[i].name for i in part.test] == ["a", "b"]
    assert sorted([*part.train, *part.val]) == list(range(20))
    assert {whole.items[i].name[:4] for i in part.val} == {"blue", "jazz"}


def test_the_annotation_itself_scores_one_and_silence_nothing(songs: Path) -> None:
    found = {"right": [TIMES, TIMES], "none": [np.empty(0), np.empty(0)]}
    table = lines(found, songs_of(songs))
    assert table[2] == "| right | 1.000 / 1.000 / 1.000 | 1.000 / 1.000 / 1.000 | 1.000 / 1.000 / 1.000 |"
    assert table[3].endswith("| 0.000 / 0.000 / 0.000 |")


def test_a_name_in_capitals_is_a_song_and_a_name_of_two_files_is_refused(songs: Path) -> None:
    (songs / "a.wav").rename(songs / "a.WAV")
    assert [item.audio.name for item in songs_of(songs)] == ["a.WAV", "b.wav"]
    (songs / "b.ogg").write_bytes(b"x")
    with pytest.raises(MotionBeatError, match=r"several files are named b: keep one song"):
        songs_of(songs)


def test_a_song_without_beats_and_an_empty_folder_are_refused(songs: Path, tmp_path: Path) -> None:
    (songs / "a.beats").unlink()
    with pytest.raises(MotionBeatError, match=r"a: put NAME\.ogg and NAME\.beats there"):
        songs_of(songs)
    with pytest.raises(MotionBeatError, match="no song"):
        songs_of(tmp_path / "nowhere")
