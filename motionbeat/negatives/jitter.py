"""Beat-jitter negatives: the same clip, its motion shifted by a beat against the music.

Source: paper, section 2.1.1 ("shifting motion or audio by +-1 beat within the same clip").
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat import tables
from motionbeat.params import Negatives as Settings
from motionbeat.tokens.windows import Tokens


def mine_jitter_negatives(tokens: Tokens, split: str, beats: int, settings: Settings) -> dict[str, list[Any]]:
    """Columns of `tables.JITTER_NEGATIVES`: every window of a split with each shift.

    The shifted beats come from the clip itself where it has them (`parent`), else from the window
    rolled around (`roll`). A shift by whole bars moves no step off its place in the bar and is
    never a negative.
    """
    windows = tokens.windows(split, beats)
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    motion, onset = tokens.motion, tokens.audio["onset"]
    for i in range(len(windows)):
        row = int(windows.motion_row[i])
        curve = onset[windows.audio_row[i] + np.arange(beats)]
        for shift in settings.jitter_shifts:
            if shift % int(motion["beats_per_bar"][row]) == 0:
                continue
            values = (
                split,
                windows.clip[i],
                int(windows.start[i]),
                shift,
                "parent" if _has_beats(tokens, row, row + shift, beats) else "roll",
                _correlation(curve, np.roll(curve, -shift, axis=0)),
            )
            for name, value in zip(_COLUMNS, values, strict=True):
                columns[name].append(value)
    return columns


_COLUMNS = tables.JITTER_NEGATIVES.names


def _has_beats(tokens: Tokens, row: int, first: int, beats: int) -> bool:
    """Whether rows first .. first + beats - 1 are consecutive beats of the clip of `row`."""
    clip, beat = tokens.motion["clip"], tokens.motion["beat"]
    last = first + beats - 1
    inside = first >= 0 and last < len(clip) and clip[first] == clip[row] == clip[last]
    return bool(inside and beat[last] - beat[first] == beats - 1)


def _correlation(curve: NDArray[Any], shifted: NDArray[Any]) -> float | None:
    if curve.std() < 1e-9:
        return None
    return float(np.corrcoef(curve.ravel(), shifted.ravel())[0, 1])
