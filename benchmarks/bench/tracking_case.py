"""Beats of two songs by madmom, in one process and in two."""

from collections.abc import Iterator

import numpy as np

from benchmarks.bench.rounds import LeftOut, Row, compare
from motionbeat.beats import track
from motionbeat.errors import MotionBeatError

SECONDS, RATE = 10, 44_100


def rows() -> Iterator[Row | LeftOut]:
    """Two songs of 10 s; two processes can at best halve the time of one, on two idle cores."""
    import joblib

    generator = np.random.default_rng(0)
    songs = [0.1 * generator.standard_normal(SECONDS * RATE).astype(np.float32) for _ in range(2)]
    for song in songs:
        song[:: RATE // 2] = 1  # a click on each beat
    try:
        track(songs[0][: 5 * RATE], RATE, tracker="madmom")
    except MotionBeatError as error:
        yield LeftOut("beats by madmom", str(error))
        return

    def by(processes: int) -> None:
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            joblib.Parallel(n_jobs=processes)(joblib.delayed(track)(song, RATE, "madmom") for song in songs)

    size, note = f"2 songs of {SECONDS} s", "per song: half of these seconds"
    yield compare("beats by madmom", size, lambda: by(2), "in one process", lambda: by(1), rounds=2, note=note)
