"""Oracles: the true accents as music input, the true events as motion input.

On the grid of the tokens, K beats of S parts. Either in place of tokens shows which side
loses how much. The truth is on 16ths: 16th j of a beat stands in part floor(j S / 4), the strongest of those that share
a part; with S above 4 the parts between hold 0.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.synthetic.plan import SUBBEATS
from motionbeat.lab.synthetic.truth_windows import Array, Window, motion_windows, music_windows


def true_accents(folder: Path, windows: Sequence[Window], beats: int, subbeats: int) -> NDArray[np.float32]:
    """Accents of windows of music: (N, beats * subbeats, 3), parts as `rhythm.PARTS`; 0 beyond a song's end.

    folder: a synthetic corpus. windows: (song, start in s), each start taken as the nearest true beat; beats = 1 gives
    rows of the token tables. Raises `MotionBeatError` as `truth_windows.music_windows`.
    """
    return _on_grid(music_windows(folder, windows, beats).accents, subbeats)


def true_events(folder: Path, windows: Sequence[Window], beats: int, subbeats: int) -> NDArray[np.float32]:
    """Events of windows of dances: (N, beats * subbeats, 3), kinds as `dance_events.EVENTS`; otherwise as above."""
    return _on_grid(motion_windows(folder, windows, beats), subbeats)


def _on_grid(rows: Array, subbeats: int) -> NDArray[np.float32]:
    """(N, 3, 16ths) -> (N, beats * subbeats, 3)."""
    if subbeats < 1:
        raise MotionBeatError(f"subbeats = {subbeats}; expected at least 1")
    count, kinds, slots = rows.shape
    beats = np.nan_to_num(rows).reshape(count, kinds, slots // SUBBEATS, SUBBEATS)
    grid = np.zeros((count, slots // SUBBEATS, subbeats, kinds), np.float32)
    for slot in range(SUBBEATS):
        part = grid[:, :, slot * subbeats // SUBBEATS]
        np.maximum(part, beats[..., slot].transpose(0, 2, 1), out=part)
    return grid.reshape(count, -1, kinds)
