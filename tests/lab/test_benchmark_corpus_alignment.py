"""Beat alignment of a corpus: far above chance for dances that land on the beats, at chance for those that do not."""

import numpy as np
import pytest

from benchmarks.corpus_alignment import measure, row, table
from motionbeat.beats import Beats
from motionbeat.dance.alignment import DEFINITIONS, BeatAlignment
from motionbeat.lab import tables
from motionbeat.lab.corpora.beats_table import beats_columns
from motionbeat.motion.skeleton import REST_OFFSETS

BEATS = Beats(0.2 + 0.5 * np.arange(40), np.arange(40) % 4 + 1, 4)


def stamping(times):
    """A body that stands still but for its left foot, which comes down at the times."""
    frames = np.arange(1000) / 60
    joints = np.tile(REST_OFFSETS, (1000, 1, 1)).astype(np.float32)
    joints[:, [7, 8, 10, 11], 1] = 0.0
    ahead = np.min(np.where(times[:, None] > frames, times[:, None] - frames, 9.0), axis=0)
    joints[:, [7, 10], 1] += (0.3 * np.sin(np.pi * np.clip(ahead / 0.25, 0, 1)) ** 2)[:, None]
    return joints


@pytest.fixture(params=["on", "off"])
def corpus(request, tmp_path):
    (tmp_path / "motion").mkdir()
    steps = BEATS.times if request.param == "on" else np.cumsum(np.random.default_rng(1).uniform(0.3, 0.9, 30))
    names = [f"clip{number}" for number in range(4)]
    for number, name in enumerate(names):
        np.savez(tmp_path / "motion" / f"{name}.npz", joints=stamping(steps - 2.0 * number + 0.017 * (number % 2)))
    columns = {
        "clip": names,
        "song": ["a", "a", "b", "b"],
        "genre": ["x"] * 4,
        "split": ["train"] * 4,
        "fps": [60.0] * 4,
        "frames": [1000] * 4,
        "duration_s": [1000 / 60] * 4,
        "offset_s": [2.0 * number for number in range(4)],
        "has_rotations": [False] * 4,
        "motion": [f"motion/{name}.npz" for name in names],
        "audio": ["a.flac"] * 4,
        "nominal_bpm": [None] * 4,
        "nominal_beats_per_bar": [None] * 4,
    }
    tables.write(tmp_path / "manifest.parquet", tables.MANIFEST, columns)
    tables.write(tmp_path / "beats.parquet", tables.BEATS, beats_columns({"a": BEATS, "b": BEATS}))
    return request.param, tmp_path


def test_landings_on_the_beat_are_told_from_landings_anywhere(corpus):
    kind, folder = corpus
    found = {one.definition: one for one in measure(folder, folder / "beats.parquet")}
    assert set(found) == set(DEFINITIONS)
    landing = found["landing"]
    assert (landing.songs, landing.clips) == (2, 4)
    if kind == "on":
        assert landing.value > 0.8 and landing.low > 0.4 and landing.z > 2
    else:
        assert abs(landing.excess) < 0.15 and landing.value < 0.5
    assert {one.clips for one in measure(folder, folder / "beats.parquet", 1)} == {2}


def test_a_song_counts_once_however_many_clips_it_has():
    scores = [BeatAlignment(0.9, 0.3, 0.1, 6.0)] * 9 + [BeatAlignment(0.5, 0.3, 0.1, 2.0)]
    found = row("landing", ["a"] * 9 + ["b"], scores)
    assert (found.value, found.excess) == (pytest.approx(0.7), pytest.approx(0.4))
    assert found.low == pytest.approx(0.2) and found.high == pytest.approx(0.6)
    assert "+0.400 [+0.200, +0.600]" in table([found])
