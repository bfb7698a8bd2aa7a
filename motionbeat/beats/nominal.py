"""The grid that a corpus itself declares: a constant tempo with the first beat at 0 s, as AIST++ has it."""

import math

import numpy as np

from motionbeat.beats.grid import EDGE_S, Beats
from motionbeat.errors import MotionBeatError


def grid(duration_s: float, bpm: float, beats_per_bar: int) -> Beats:
    """Beats at k * 60 / bpm seconds, beginning with a downbeat at 0, to the end of the audio.

    As in `Beats.extended`, a beat that would begin within the last 70 ms of `duration_s` is left out.
    """
    if not (math.isfinite(bpm) and bpm > 0):
        raise MotionBeatError(f"nominal tempo {bpm} BPM; give a number above 0")
    count = max(math.ceil((duration_s - EDGE_S) * bpm / 60.0), 0)
    if count < 2:
        raise MotionBeatError(f"{duration_s:.2f} s hold fewer than 2 beats at {bpm:g} BPM; give longer audio")
    index = np.arange(count)
    return Beats(index * 60.0 / bpm, index % beats_per_bar + 1, beats_per_bar)
