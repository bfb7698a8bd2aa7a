"""Mined negatives as tables over windows: w windows, p tempo negatives, q jitter negatives."""

from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.token_tables.token_windows import Tokens, Windows, in_subbeats

Ints = NDArray[np.int64]


@frozen(eq=False)
class Mined:
    """The negatives of each window."""

    tempo: Ints  # (w, p): index of the negative among the windows, -1 if there is none
    shift: Ints  # (w, q): sub-beats, 0 if there is none
    rolled: NDArray[np.bool_]  # (w, q): the shifted window is rolled cyclically, since its clip does not have the beats

    @classmethod
    def read(cls, folder: Path, split: str, windows: Windows, subbeats: int) -> "Mined":
        """Read the negatives of the windows of a split, as the negatives stage wrote them.

        Raises `MotionBeatError` when it names a window that is not among them.
        """
        number = {key: i for i, key in enumerate(zip(windows.clip, windows.start, strict=True))}

        def window(clip: str, start: int) -> int:
            try:
                return number[clip, start]
            except KeyError:
                raise MotionBeatError(
                    f"{folder} names the window of {clip} at beat {start}, which the tokens do not have: "
                    "run `dvc repro negatives`"
                ) from None

        rows = tables.read(folder / "tempo.parquet", tables.TEMPO_NEGATIVES)
        chosen = np.flatnonzero(rows["split"] == split)
        tempo = np.full((len(windows), int(rows["rank"][chosen].max(initial=-1)) + 1), -1)
        for i in chosen:
            anchor = window(rows["clip"][i], rows["start"][i])
            tempo[anchor, rows["rank"][i]] = window(rows["negative_clip"][i], rows["negative_start"][i])

        rows = tables.read(folder / "jitter.parquet", tables.JITTER_NEGATIVES)
        chosen = np.flatnonzero(rows["split"] == split)
        moved = {shift: in_subbeats(shift, subbeats) for shift in sorted(set(rows["shift"][chosen].tolist()))}
        column = {shift: i for i, shift in enumerate(moved)}
        shift = np.zeros((len(windows), len(moved)), np.int64)
        rolled = np.zeros(shift.shape, bool)
        for i in chosen:
            anchor = window(rows["clip"][i], rows["start"][i])
            at = anchor, column[rows["shift"][i]]
            shift[at], rolled[at] = moved[rows["shift"][i]], rows["source"][i] == "roll"
        return cls(tempo, shift, rolled)

    def on_lattices(self, lattices: Tokens, windows: Windows) -> "Mined":
        """Negatives of windows on lattices: shifts by at most one interval along the lattice, and no tempo negatives.

        A lattice has no bars, so longer shifts at which the music repeats are unknown. If the clip is too short for a
        shift, the window is rolled.
        """
        subbeats = lattices.layout.subbeats
        row = windows.motion_row
        shifts = np.array([column[column != 0][0] for column in self.shift.T], np.int64)  # (q,)
        first, end = (rows[row] * subbeats for rows in lattices.runs())
        begin = row[:, None] * subbeats + shifts
        inside = (first[:, None] <= begin) & (begin + windows.beats * subbeats <= end[:, None])
        return Mined(
            np.full((len(windows), self.tempo.shape[1]), -1),
            np.tile(np.where(np.abs(shifts) <= subbeats, shifts, 0), (len(windows), 1)),
            ~inside,
        )

    def above(self, other: "Mined") -> "Mined":
        """The rows of both, beginning with this one's."""
        return Mined(
            np.concatenate([self.tempo, other.tempo]),
            np.concatenate([self.shift, other.shift]),
            np.concatenate([self.rolled, other.rolled]),
        )
