"""Lattices: regular beat grids without a tracker, so that the encoders also learn to encode music without one.

Grid mode (`MotionBeat.embed_audio(mode="grid")`) runs the encoder over intervals of one fixed length that begin
anywhere. So it must be trained on tokens of such intervals, with many lengths and phases.
"""

import numpy as np

from motionbeat.beats.grid import Beats

_ROUNDING_S = 1e-6


def lattice(song: str, number: int, duration_s: float, shortest_s: float, longest_s: float) -> Beats | None:
    """Lattice `number` of a song: equal intervals over its audio, as a beat grid.

    The period is uniform in [shortest_s, longest_s) and the phase uniform in the period; both follow from the song's
    name and the number. A lattice has no bars: every interval is one bar, so its phase is 0. Every interval ends within
    `duration_s`; the result is None if fewer than two do.
    """
    # A name has no zero byte, so different (number, name) have different seeds.
    generator = np.random.default_rng([number, *song.encode()])
    period = generator.uniform(shortest_s, longest_s)
    phase = generator.uniform(0.0, period)
    count = int((duration_s - phase + _ROUNDING_S) / period)
    if count < 2:
        return None
    index = np.arange(count)
    return Beats(phase + index * period, np.ones(count, int), 1, downbeats=False)
