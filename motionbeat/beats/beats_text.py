"""Text2Beats: a text file with one beat per line: its time in seconds and optionally its position in the bar."""

from pathlib import Path

import numpy as np

from motionbeat.beats.grid import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.files import read_text

_LARGEST = 1e6
BEATS_PER_BAR = 4
"""Beats per bar if no line has a position in the bar; bars are then counted from the first beat."""


def read_beats(path: Path) -> Beats:
    """Read a .beats file: one beat per line, its time in seconds and optionally its position in the bar, from 1.

    The two are separated by spaces, a tab, `,` or `;`; `#` begins a comment. The meter follows from the positions
    (`Beats.from_positions`); without positions, bars of 4 are counted and `.downbeats` is False. Raises
    `MotionBeatError` naming the file, the line and the fix.
    """
    text = read_text(path, "write one beat per line")
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split("#")[0].replace(",", " ").replace(";", " ").split()
        if not cells:
            continue
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            rows.append([])
        if len(rows[-1]) not in (1, 2) or len(rows[-1]) != len(rows[0]) or not max(map(abs, rows[-1])) < _LARGEST:
            raise MotionBeatError(
                f"{path} line {number}: {line.strip()!r}; give seconds, and the position in the bar on every line or "
                "on no line"
            )
    if len(rows) < 2:
        raise MotionBeatError(f"{path} has {len(rows)} beats; give at least 2, or remove the file")
    table = np.array(rows)
    try:
        if table.shape[1] == 2:
            return Beats.from_positions(table[:, 0], table[:, 1])
        return Beats(table[:, 0], np.arange(len(table)) % BEATS_PER_BAR + 1, BEATS_PER_BAR, downbeats=False)
    except MotionBeatError as error:
        raise MotionBeatError(f"{path}: {error}") from None
