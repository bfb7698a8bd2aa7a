"""Beat-jitter negatives: the same clip, its motion shifted by a beat, or by part of one, against the music.

Source: paper, section 2.1.1 ("shifting motion or audio by +-1 beat within the same clip"). Shifts by parts of a beat
are an option of ours.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.lab import tables
from motionbeat.lab.params import Negatives as Settings
from motionbeat.lab.token_tables.token_windows import Tokens, in_subbeats


def mine_jitter_negatives(tokens: Tokens, split: str, beats: int, settings: Settings) -> dict[str, list[Any]]:
    """Columns of `tables.JITTER_NEGATIVES`: every window of a split with each shift.

    The shifted sub-beats come from the clip itself where it has them (`parent`), else from the window
    rolled around (`roll`). A shift by whole bars moves no step off its place in the bar and is
    never a negative. Raises `MotionBeatError` for a shift that is no whole number of sub-beats.
    """
    subbeats = tokens.layout.subbeats
    moved = {shift: in_subbeats(shift, subbeats) for shift in settings.jitter_shifts}
    first, end = (rows * subbeats for rows in tokens.runs())
    windows = tokens.windows(split, beats)
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    motion, onset = tokens.motion, tokens.audio["onset"]
    for i in range(len(windows)):
        row = int(windows.motion_row[i])
        curve = onset[windows.audio_row[i] + np.arange(beats)].ravel()  # (K * S,)
        for shift in settings.jitter_shifts:
            if moved[shift] % (int(motion["beats_per_bar"][row]) * subbeats) == 0:
                continue
            begin = row * subbeats + moved[shift]
            inside = first[row] <= begin and begin + beats * subbeats <= end[row]
            values = (
                split,
                windows.clip[i],
                int(windows.start[i]),
                shift,
                "parent" if inside else "roll",
                _correlation(curve, np.roll(curve, -moved[shift])),
            )
            for name, value in zip(_COLUMNS, values, strict=True):
                columns[name].append(value)
    return columns


_COLUMNS = tables.JITTER_NEGATIVES.names


def _correlation(curve: NDArray[Any], shifted: NDArray[Any]) -> float | None:
    if curve.std() < 1e-9:
        return None
    return float(np.corrcoef(curve, shifted)[0, 1])
