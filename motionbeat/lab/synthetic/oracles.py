"""Oracles: the true accents as input for music, the true events as input for motion.

They are on the grid of the tokens, K beats of S parts. Replacing the tokens of one side shows how much that side loses.
The truth is on 16ths: 16th j of a beat goes to part floor(j S / 4); if several share a part, the strongest counts; with
S above 4 the other parts are 0.
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

    folder: a synthetic corpus. windows: (song, start in s), each start is moved to the nearest true beat; with beats =
    1 the result has the rows of the token tables. Errors as for `truth_windows.music_windows`.
    """
    return _on_grid(music_windows(folder, windows, beats).accents, subbeats)


def true_events(folder: Path, windows: Sequence[Window], beats: int, subbeats: int) -> NDArray[np.float32]:
    """Events of windows of dances: (N, beats * subbeats, 3), kinds as `dance_events.EVENTS`; otherwise as
    `true_accents`.
    """
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
