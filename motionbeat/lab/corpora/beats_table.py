"""Grids2Table: the beat grids of songs as rows of the table `motionbeat.lab.tables.BEATS`, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.beats.grid import Beats


def beats_columns(grids: Mapping[str, Beats]) -> dict[str, list[Any]]:
    """Columns of the table from the songs' grids, sorted by song and beat; positions in the table begin at 0."""
    columns: dict[str, list[Any]] = {"song": [], "beat": [], "time_s": [], "bar_position": [], "beats_per_bar": []}
    for name in sorted(grids):
        beats = grids[name]
        columns["song"] += [name] * len(beats.times)
        columns["beat"] += range(len(beats.times))
        columns["time_s"] += beats.times.tolist()
        columns["bar_position"] += (beats.positions - 1).tolist()
        columns["beats_per_bar"] += [int(beats.beats_per_bar)] * len(beats.times)
    return columns


def beats_grids(columns: Mapping[str, NDArray[Any]]) -> dict[str, Beats]:
    """The songs' grids from columns of `motionbeat.lab.tables.BEATS`: the inverse of `beats_columns`."""
    grids = {}
    for song in np.unique(columns["song"]).tolist():
        rows = columns["song"] == song
        meter = int(columns["beats_per_bar"][rows][0])
        grids[song] = Beats(columns["time_s"][rows], columns["bar_position"][rows] + 1, meter)
    return grids
