"""A nominal beat grid, as in AIST++: a constant tempo with the first beat at 0 s."""

import math

import numpy as np

from motionbeat.beats.grid import EDGE_S, Beats
from motionbeat.errors import MotionBeatError

SLOWEST_BPM, FASTEST_BPM = 20.0, 400.0


def grid(duration_s: float, bpm: float, beats_per_bar: int) -> Beats:
    """Beats at k * 60 / bpm seconds, from a downbeat at 0 to the end of the audio.

    As in `Beats.extended`, a beat that would begin within the last 70 ms of `duration_s` is left out.
    """
    bpm = checked_bpm(bpm)
    count = max(math.ceil((duration_s - EDGE_S) * bpm / 60.0), 0)
    if count < 2:
        raise MotionBeatError(f"{duration_s:.2f} s have fewer than 2 beats at {bpm:g} BPM; give longer audio")
    index = np.arange(count)
    return Beats(index * 60.0 / bpm, index % beats_per_bar + 1, beats_per_bar)


def checked_bpm(bpm: float) -> float:
    """Check a tempo from a user or a file. Raises `MotionBeatError` outside 20 to 400 BPM, and for NaN."""
    if not SLOWEST_BPM <= bpm <= FASTEST_BPM:
        raise MotionBeatError(f"nominal tempo {bpm:g} BPM; give a number from {SLOWEST_BPM:g} to {FASTEST_BPM:g}")
    return bpm
