"""Beat-jitter negatives: the same clip, its motion shifted against the music.

Source: paper, section 2.1.1 ("shifting motion or audio by +-1 beat within the same clip"). Shifts by parts of a beat
and by whole bars are not in the paper. A shift by whole bars keeps the position of every step in the bar, so it is a
negative only if the music of the two windows differs.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from motionbeat.lab.negatives.tempo_negatives import unit_curves
from motionbeat.lab.params import Negatives as Settings
from motionbeat.lab.token_tables.token_windows import Tokens, in_subbeats


def mine_jitter_negatives(tokens: Tokens, split: str, beats: int, settings: Settings) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.JITTER_NEGATIVES`: every window of a split with each of its valid shifts.

    The shifted sub-beats come from the clip if it has them (`parent`), otherwise from the window rolled cyclically
    (`roll`). A shift by whole bars is left out if the onset curves at both places correlate by
    `settings.bar_correlation` or more, or are flat: the dance would fit both. Raises `MotionBeatError` for a shift that
    is not a whole number of sub-beats.
    """
    subbeats = tokens.layout.subbeats
    first, end = (rows * subbeats for rows in tokens.runs())
    windows = tokens.windows(split, beats)
    meters = tokens.motion["beats_per_bar"]
    onset = tokens.audio["onset"].ravel()  # sub-beats of all songs, one after another
    for i in range(len(windows)):
        row, music = int(windows.motion_row[i]), int(windows.audio_row[i]) * subbeats
        meter = int(meters[row])
        shifts = [*settings.jitter_shifts, *(bars * meter for bars in settings.bar_shifts)]
        here = onset[music : music + beats * subbeats]
        for shift in dict.fromkeys(shifts):
            moved = in_subbeats(shift, subbeats)
            begin = row * subbeats + moved
            inside = first[row] <= begin and begin + beats * subbeats <= end[row]
            there = onset[music + moved :][: len(here)] if inside else np.roll(here, -moved)
            alike = float(np.einsum("t,t->", *unit_curves(np.stack([here, there]))))
            if moved % (meter * subbeats) == 0 and not alike < settings.bar_correlation:
                continue
            yield (
                split,
                windows.clip[i],
                int(windows.start[i]),
                float(shift),
                "parent" if inside else "roll",
                None if np.isnan(alike) else alike,
            )
