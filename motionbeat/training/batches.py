"""Tokens2Batches: windows and their mined negatives, gathered on the training device.

Axes: n windows of a batch, p tempo negatives, q jitter negatives, k beats, s sub-beats, f features.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from motionbeat import tables
from motionbeat.errors import MotionBeatError
from motionbeat.tokens.windows import Tokens


class Motion(NamedTuple):
    """Motion windows as `DualEncoder.motion` takes them."""

    features: Tensor  # (n, k, s * f)
    bar_position: Tensor  # (n, k)
    beats_per_bar: Tensor  # (n,)
    mask: Tensor  # (n, k) bool, True = real beat


class Batch(NamedTuple):
    """Paired windows, what was detected in them, and their negatives."""

    mel: Tensor  # (n, k, s * bands)
    onset: Tensor  # (n, k, s), 0..1
    motion: Motion
    contact: Tensor  # (n, k, s), 0 or 1
    energy: Tensor  # (n, k, s)
    tempo: Motion  # n * p windows
    tempo_absent: Tensor  # (n, p) bool: the anchor has no such negative
    jitter: Motion  # n * q windows
    jitter_absent: Tensor  # (n, q) bool
    same: Tensor  # (n, n) bool: other windows on overlapping beats of the same song
    clips: list[str]  # the clip that each window is from


class Batches:
    """The windows of a split and their negatives as tensors on a device.

    negatives: the folder that the negatives stage wrote. Raises `MotionBeatError` when the split
    has no window.
    """

    def __init__(self, tokens: Tokens, negatives: Path, split: str, beats: int, device: torch.device) -> None:
        self.windows = tokens.windows(split, beats)
        self.split = split
        if len(self.windows) == 0:
            raise MotionBeatError(
                f"the {split} split has no clip of {beats} beats: lower tokens.window_beats or check the split lists"
            )
        self.beats = beats
        self.device = device
        self._index = {key: i for i, key in enumerate(zip(self.windows.clip, self.windows.start, strict=True))}
        self._tempo = self._tempo_table(negatives, split)  # (W, P) window, -1 = none
        self._shift, self._rolled = self._jitter_tables(negatives, split)  # (W, Q), shift 0 = none
        _, self._song = np.unique(self.windows.song, return_inverse=True)

        def on_device(array: np.ndarray) -> Tensor:
            return torch.tensor(array, dtype=torch.float32, device=device)

        self._mel, self._onset = on_device(tokens.audio["mel"]), on_device(tokens.audio["onset"])
        motion = tokens.motion
        self._features, self._contact = on_device(motion["features"]), on_device(motion["contact"])
        self._energy, self._bar_position = on_device(motion["energy"]), on_device(motion["bar_position"])
        self._beats_per_bar = torch.as_tensor(motion["beats_per_bar"].astype(np.int64), device=device)

    @property
    def tempo_negatives(self) -> int:
        """The most tempo negatives that any window has."""
        return self._tempo.shape[1]

    @property
    def jitter_negatives(self) -> int:
        """The most jitter negatives that any window has."""
        return self._shift.shape[1]

    def epoch(self, size: int, tempo: int, jitter: int, generator: np.random.Generator) -> Iterator[Batch]:
        """Every clip once, one random window each, in random order; a last batch of one is left out.

        size: windows a batch. tempo, jitter: negatives drawn for each window from those mined.
        """
        clips, first, count = np.unique(self.windows.clip, return_index=True, return_counts=True)
        chosen = first + (generator.random(len(clips)) * count).astype(np.int64)
        chosen = generator.permutation(chosen)
        for begin in range(0, len(chosen), size):
            part = chosen[begin : begin + size]
            if len(part) > 1:
                yield self.gather(part, tempo, jitter, generator)

    def steps(self, size: int) -> int:
        """Batches in an epoch; raises `MotionBeatError` when there is none."""
        clips = len(np.unique(self.windows.clip))
        if min(size, clips) < 2:
            raise MotionBeatError(
                f"train.batch = {size}, and the {self.split} split has {clips} clips with windows: contrast needs at "
                "least 2 of each"
            )
        return clips // size + (clips % size > 1)

    def gather(self, index: np.ndarray, tempo: int, jitter: int, generator: np.random.Generator | None = None) -> Batch:
        """The batch of the windows `index`; negatives are drawn at random, or the first ones without a generator."""
        steps = np.arange(self.beats)
        motion_rows = self.windows.motion_row[index][:, None] + steps  # (n, k)
        audio_rows = self._rows(self.windows.audio_row[index][:, None] + steps)
        rows = self._rows(motion_rows)
        motion = self._motion(motion_rows)

        others = _drawn(self._tempo[index], self._tempo[index] >= 0, tempo, generator)  # (n, p)
        tempo_rows = self.windows.motion_row[np.maximum(others, 0)].reshape(-1, 1) + steps
        shift = _drawn(self._shift[index], self._shift[index] != 0, jitter, generator)  # (n, q)
        rolled = np.where(_picked(self._shift[index], shift, self._rolled[index]), self.beats, 0)
        moved = steps + shift[..., None]  # (n, q, k)
        moved = np.where(rolled[..., None] > 0, moved % self.beats, moved)
        jitter_rows = self.windows.motion_row[index][:, None, None] + moved
        # The motion is shifted against the music: other beats at the anchor's own bar positions.
        shifted = Motion(
            self._features[self._rows(jitter_rows.reshape(-1, self.beats))],
            motion.bar_position.repeat_interleave(shift.shape[1], 0),
            motion.beats_per_bar.repeat_interleave(shift.shape[1], 0),
            motion.mask.repeat_interleave(shift.shape[1], 0),
        )
        return Batch(
            mel=self._mel[audio_rows],
            onset=self._onset[audio_rows],
            motion=motion,
            contact=self._contact[rows],
            energy=self._energy[rows],
            tempo=self._motion(tempo_rows),
            tempo_absent=self._tensor(others < 0),
            jitter=shifted,
            jitter_absent=self._tensor(shift == 0),
            same=self._same(index),
            clips=self.windows.clip[index].tolist(),
        )

    def _same(self, index: np.ndarray) -> Tensor:
        song, start = self._song[index], self.windows.start[index]
        overlap = np.abs(start[:, None] - start) < self.beats
        return self._tensor((song[:, None] == song) & overlap & ~np.eye(len(index), dtype=bool))

    def _motion(self, rows: np.ndarray) -> Motion:
        at = self._rows(rows)
        whole = torch.ones(at.shape, dtype=torch.bool, device=self.device)
        return Motion(self._features[at], self._bar_position[at], self._beats_per_bar[at[:, 0]], whole)

    def _rows(self, rows: np.ndarray) -> Tensor:
        return torch.as_tensor(rows, device=self.device)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.as_tensor(array, device=self.device)

    def _tempo_table(self, negatives: Path, split: str) -> np.ndarray:
        rows = tables.read(negatives / "tempo.parquet", tables.TEMPO_NEGATIVES)
        own = np.flatnonzero(rows["split"] == split)
        table = np.full((len(self.windows), int(rows["rank"][own].max(initial=-1)) + 1), -1)
        for i in own:
            anchor = self._window(negatives, rows["clip"][i], rows["start"][i])
            table[anchor, rows["rank"][i]] = self._window(
                negatives, rows["negative_clip"][i], rows["negative_start"][i]
            )
        return table

    def _jitter_tables(self, negatives: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
        rows = tables.read(negatives / "jitter.parquet", tables.JITTER_NEGATIVES)
        own = np.flatnonzero(rows["split"] == split)
        shifts = sorted({int(shift) for shift in rows["shift"][own]})
        column = {shift: i for i, shift in enumerate(shifts)}
        table = np.zeros((len(self.windows), len(shifts)), np.int64)
        rolled = np.zeros(table.shape, bool)
        for i in own:
            anchor = self._window(negatives, rows["clip"][i], rows["start"][i])
            at = anchor, column[int(rows["shift"][i])]
            table[at], rolled[at] = rows["shift"][i], rows["source"][i] == "roll"
        return table, rolled

    def _window(self, negatives: Path, clip: str, start: int) -> int:
        try:
            return self._index[clip, start]
        except KeyError:
            raise MotionBeatError(
                f"{negatives} names the window of {clip} at beat {start}, which the tokens do not have: "
                "run `dvc repro negatives`"
            ) from None


def _drawn(values: np.ndarray, present: np.ndarray, count: int, generator: np.random.Generator | None) -> np.ndarray:
    """`count` entries of each row among those present, absent ones last, as they stand in `values`."""
    count = min(count, values.shape[1])
    order = np.where(present, generator.random(values.shape) if generator else 0.0, np.inf)
    return np.take_along_axis(values, np.argsort(order, axis=1, kind="stable")[:, :count], axis=1)


def _picked(table: np.ndarray, drawn: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """The flag that stands beside each drawn value in its row of the table."""
    match = table[:, None, :] == drawn[:, :, None]  # (n, q, Q)
    return (match & flags[:, None, :]).any(axis=2)
