"""Tokens2Batches: windows and their mined negatives, gathered on the training device.

All tables are there, except those mapped from disk. A step draws its windows and negatives on the CPU and sends their
indices in one copy.
Axes: n windows of a batch, p tempo negatives, q jitter negatives, k beats, s sub-beats, f features.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.token_tables.mapped_tables import stacked
from motionbeat.lab.token_tables.token_windows import Tokens, Windows
from motionbeat.lab.training.augmentation import Augmentation, Mirror, draw, moved_bands, without_bands
from motionbeat.lab.training.batch_order import Clips, by_source, by_tempo
from motionbeat.lab.training.read_negatives import Mined
from motionbeat.model.device import sent

_KINDS = ("motion", "audio")
_HIGHEST = float(np.finfo(np.float32).max)
_TOUCHING_US = 1000  # windows that share less than this only touch: the times of their beats are rounded


class Motion(NamedTuple):
    """Motion windows as arguments of `DualEncoder.motion`."""

    features: Tensor  # (n, k, s * f)
    bar_position: Tensor  # (n, k)
    beats_per_bar: Tensor  # (n,)
    mask: Tensor  # (n, k) bool, True = real beat


class Batch(NamedTuple):
    """Paired windows, the curves detected in them, and their negatives."""

    mel: Tensor  # (n, k, s * bands)
    onset: Tensor  # (n, k, s), 0..1
    motion: Motion
    contact: Tensor  # (n, k, s), 0 or 1
    energy: Tensor  # (n, k, s)
    tempo: Motion  # n * p windows
    tempo_absent: Tensor  # (n, p) bool: the anchor has no such negative
    tempo_same_phase: Tensor  # (n, p) bool: it has the anchor's meter and bar phase
    jitter: Motion  # n * q windows
    jitter_absent: Tensor  # (n, q) bool
    same: Tensor  # (n, n) bool: other windows that overlap in the time of the same song
    positives: Tensor  # (n, n) bool: those of them that begin on the same beat (of the same lattice)
    clips: list[str]  # the clip that each window is from


class Batches:
    """The windows of a split and their negatives as tensors on a device.

    negatives: the folder that the negatives stage wrote. If tokens were loaded with lattices, windows on lattices
    follow `windows`, which are on beats. Raises `MotionBeatError` when the split has no window.
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
        sources, windows = [tokens], [self.windows]
        mined = Mined.read(negatives, split, self.windows, tokens.layout.subbeats)
        self._sequences = Clips.of(self.windows)
        song_of_clip = self.windows.song[self._sequences.first]
        self._source = np.array([tokens.sources.get(song, "") for song in song_of_clip], object)
        if tokens.lattices is not None and len(others := tokens.lattices.windows(split, beats)):
            sources.append(tokens.lattices)
            windows.append(others)
            mined = mined.above(mined.on_lattices(tokens.lattices, others))
            lattice = tokens.lattices.motion["lattice"][others.motion_row]
            self._sequences = Clips.of(self.windows, others, lattice)
        self._layout = tokens.layout
        self._clip = np.concatenate([part.clip for part in windows])
        self._steps = torch.arange(beats, device=device)
        self._place_windows(sources, windows)
        self._place_negatives(mined, tokens.layout.subbeats)

        def on_device(kind: Literal["audio", "motion"], name: str, dtype: torch.dtype = torch.float32) -> Tensor:
            values = stacked([getattr(part, kind)[name] for part in sources])
            mapped = isinstance(values, np.memmap)
            return torch.from_numpy(values) if mapped else torch.tensor(values, dtype=dtype, device=device)

        self._mel, self._onset = on_device("audio", "mel"), on_device("audio", "onset")
        self._features, self._contact = on_device("motion", "features"), on_device("motion", "contact")
        self._energy, self._bar_position = on_device("motion", "energy"), on_device("motion", "bar_position")
        self._beats_per_bar = on_device("motion", "beats_per_bar", torch.int64)
        self.meters = tuple(sorted({int(m) for part in sources for m in np.unique(part.motion["beats_per_bar"])}))
        for part in sources:
            _check_ranges(part)

    @cached_property
    def _mirror(self) -> Mirror:
        return Mirror(self._layout, self.device)

    @property
    def tempo_negatives(self) -> int:
        """The most tempo negatives that any window has."""
        return self._tempo.shape[1]

    @property
    def jitter_negatives(self) -> int:
        """The most jitter negatives that any window has."""
        return self._shift.shape[1]

    @property
    def on_lattices(self) -> float:
        """The share of clips, 0..1, that have a window on a lattice within their time."""
        return self._sequences.on_lattices

    def described(self, lattice_share: float) -> str:
        """One line: the number of windows and, if lattices are used, their share of each epoch."""
        of_lattices = f", of each epoch {lattice_share * self.on_lattices:.0%} on lattices" if lattice_share else ""
        return f"{len(self.windows):,} windows of the {self.split} split{of_lattices}"

    def epoch(
        self,
        size: int,
        tempo: int,
        jitter: int,
        generator: np.random.Generator,
        lattice_share: float = 0.0,
        sampling: Literal["shuffled", "tempo"] = "shuffled",
        augmentation: Augmentation | None = None,
        shares: Mapping[str, float] | None = None,
    ) -> Iterator[Batch]:
        """Every clip once, one random window each, in random order; a last batch of one is left out.

        size: windows per batch. tempo, jitter: numbers of mined negatives to draw for each window.
        lattice_share: probability that a clip is on one of its lattices instead of its beats.
        sampling: batches of random clips, or of clips of similar tempo
        (`motionbeat.lab.training.batch_order.by_tempo`).
        augmentation: random changes of each batch, by default none.
        shares: the share of each corpus of a mix; clips may then be left out or occur several times.
        Raises `MotionBeatError` if lattices are requested and there are none.
        """
        if lattice_share and len(self._clip) == len(self.windows):
            raise MotionBeatError(
                f"train.lattice_share = {lattice_share}, but no clip of the {self.split} split has a lattice of "
                f"{self.beats} intervals: raise tokens.lattices or lower tokens.lattice_max_s"
            )
        sequences = self._sequences.take(by_source(self._source, shares, generator)) if shares else self._sequences
        chosen = sequences.one_each(generator, lattice_share)
        if sampling == "tempo":
            parts = [chosen[part] for part in by_tempo(self._bpm[chosen], size, generator)]
        else:
            parts = [chosen[begin : begin + size] for begin in range(0, len(chosen), size)]
        for part in parts:
            if len(part) > 1:
                batch = self.gather(part, tempo, jitter, generator)
                yield self._augmented(batch, augmentation, generator) if augmentation else batch

    def steps(self, size: int) -> int:
        """Batches in an epoch; raises `MotionBeatError` when there is none."""
        clips = len(self._sequences.first)
        if min(size, clips) < 2:
            raise MotionBeatError(
                f"train.batch = {size}, and the {self.split} split has {clips} clips with windows: contrast needs at "
                "least 2 of each"
            )
        return clips // size + (clips % size > 1)

    def gather(
        self, index: NDArray[np.integer], tempo: int, jitter: int, generator: np.random.Generator | None = None
    ) -> Batch:
        """The batch of the windows `index`; negatives are drawn at random, or the first ones without a generator."""
        of_tempo = _drawn(self._has_tempo[index], tempo, generator)  # (n, p)
        of_jitter = _drawn(self._has_jitter[index], jitter, generator)  # (n, q)
        drawn = sent(np.concatenate([index[:, None], of_tempo, of_jitter], axis=1), self.device)
        at, p = drawn[:, 0], of_tempo.shape[1]
        rows = self._motion_row[at, None] + self._steps  # (n, k)
        audio_rows = self._audio_row[at, None] + self._steps
        motion = self._motion(rows)
        others = self._tempo[at].gather(1, drawn[:, 1 : 1 + p])  # (n, p)
        shift = self._shift[at].gather(1, drawn[:, 1 + p :])  # (n, q)
        rolled = self._rolled[at].gather(1, drawn[:, 1 + p :])
        same = self._same(at)
        return Batch(
            mel=_taken(self._mel, audio_rows),
            onset=_taken(self._onset, audio_rows),
            motion=motion,
            contact=_taken(self._contact, rows),
            energy=_taken(self._energy, rows),
            tempo=self._motion((self._motion_row[others.clamp(min=0)][..., None] + self._steps).flatten(0, 1)),
            tempo_absent=others < 0,
            tempo_same_phase=(self._phase(others.clamp(min=0)) == self._phase(at)[:, None]).all(-1),
            jitter=self._jittered(motion, self._motion_row[at], shift, rolled),
            jitter_absent=shift == 0,
            same=same,
            positives=same & (audio_rows[:, :1] == audio_rows[:, 0]),
            clips=self._clip[index].tolist(),
        )

    def _augmented(self, batch: Batch, chances: Augmentation, generator: np.random.Generator) -> Batch:
        """The batch with its random changes; negatives are mirrored and masked like their anchor."""
        n = len(batch.mel)
        drawn = draw(chances, n, self.beats, self._layout.mel_bands, generator)
        mel = batch.mel
        if drawn.band_shift is not None:
            mel = moved_bands(mel, sent(drawn.band_shift, self.device), self._layout.mel_bands)
        if drawn.kept_bands is not None:
            mel = without_bands(mel, sent(drawn.kept_bands, self.device))
        parts = [batch.motion, batch.tempo, batch.jitter]
        if drawn.mirrored is not None:
            mirrored = sent(drawn.mirrored, self.device)
            of_anchor = [mirrored.repeat_interleave(len(part.features) // n) for part in parts]
            parts = [
                part._replace(features=self._mirror(part.features, chosen))
                for part, chosen in zip(parts, of_anchor, strict=True)
            ]
        if drawn.beats < self.beats:
            real = self._steps < drawn.beats  # (k,)
            parts = [part._replace(mask=part.mask & real) for part in parts]
        motion, tempo, jitter = parts
        return batch._replace(mel=mel, motion=motion, tempo=tempo, jitter=jitter)

    def _jittered(self, motion: Motion, row: Tensor, shift: Tensor, rolled: Tensor) -> Motion:
        """The motion shifted relative to the music: other beats at the bar positions of the anchor.

        row: (n,) where the windows begin; shift: (n, q) in parts of beats; rolled: (n, q) bool.
        """
        parts, q = self._parts, shift.shape[1]
        moved = torch.arange(self.beats * parts, device=self.device) + shift[..., None]  # (n, q, k * parts)
        moved = torch.where(rolled[..., None], moved % (self.beats * parts), moved) + row[:, None, None] * parts
        pieces = self._features.view(len(self._features) * parts, -1)
        return Motion(
            _taken(pieces, moved).reshape(len(row) * q, self.beats, self._features.shape[1]),
            *(tensor.repeat_interleave(q, 0) for tensor in motion[1:]),
        )

    def _phase(self, windows: Tensor) -> Tensor:
        """(..., 2) bar position of the first beat, and meter, of windows (...)."""
        row = self._motion_row[windows]
        return torch.stack([self._bar_position[row], self._beats_per_bar[row].float()], dim=-1)

    def _same(self, at: Tensor) -> Tensor:
        song, begin, end = self._song[at], self._begin_us[at] + _TOUCHING_US, self._end_us[at]
        overlap = begin[:, None] < end
        itself = torch.eye(len(at), dtype=torch.bool, device=self.device)
        return (song[:, None] == song) & overlap & overlap.T & ~itself

    def _motion(self, rows: Tensor) -> Motion:
        whole = torch.ones(rows.shape, dtype=torch.bool, device=self.device)
        return Motion(_taken(self._features, rows), self._bar_position[rows], self._beats_per_bar[rows[:, 0]], whole)

    def _place_windows(self, sources: list[Tokens], windows: list[Windows]) -> None:
        """The rows of each window in the concatenated tables of all sources, and its time in the song."""
        motion, audio = (np.cumsum([0, *(len(getattr(part, kind)["beat"]) for part in sources)]) for kind in _KINDS)
        begin, end = (np.concatenate(parts) for parts in zip(*map(_times, sources, windows), strict=True))
        self._bpm = 60.0 * self.beats / (end - begin)
        _, song = np.unique(tables.works(np.concatenate([part.song for part in windows])), return_inverse=True)
        self._song = self._sent(song)
        self._begin_us, self._end_us = (self._sent(np.round(1e6 * time)) for time in (begin, end))
        numbered = list(enumerate(windows))
        self._motion_row = self._sent(np.concatenate([motion[i] + part.motion_row for i, part in numbered]))
        self._audio_row = self._sent(np.concatenate([audio[i] + part.audio_row for i, part in numbered]))

    def _place_negatives(self, mined: Mined, subbeats: int) -> None:
        self._has_tempo, self._has_jitter = mined.tempo >= 0, mined.shift != 0
        # Whole beats are gathered as whole rows, which is faster.
        self._parts = subbeats if (mined.shift % subbeats).any() else 1
        self._shift = self._sent(mined.shift * self._parts // subbeats)
        self._tempo, self._rolled = self._sent(mined.tempo), torch.as_tensor(mined.rolled, device=self.device)

    def _sent(self, numbers: NDArray[Any]) -> Tensor:
        return torch.as_tensor(numbers.astype(np.int64), device=self.device)


def _check_ranges(tokens: Tokens) -> None:
    """Checks of values that a step does not repeat for every batch."""
    for kind, name, highest in (("audio", "onset", 1.0), ("motion", "contact", 1.0), ("motion", "energy", _HIGHEST)):
        values = getattr(tokens, kind)[name]
        if not ((values >= 0) & (values <= highest)).all():
            raise MotionBeatError(
                f"data/tokens/{kind}.parquet: {name} has values outside 0..{highest:g}: run `dvc repro tokens`"
            )


def _taken(table: Tensor, rows: Tensor) -> Tensor:
    """table[rows], in a form that is faster for rows of numbers; a mapped table stays on the CPU."""
    return functional.embedding(rows.to(table.device), table).to(rows.device)


def _times(tokens: Tokens, windows: Windows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When each window begins and ends, in seconds of its song."""
    time, last = tokens.audio["time_s"], windows.audio_row + windows.beats - 1
    return time[windows.audio_row], time[last] + tokens.audio["duration_s"][last]


def _drawn(present: NDArray[np.bool_], count: int, generator: np.random.Generator | None) -> NDArray[np.intp]:
    """For each row, `count` random columns of present entries; absent ones come last."""
    order = np.where(present, generator.random(present.shape) if generator else 0.0, np.inf)
    return np.argsort(order, axis=1, kind="stable")[:, :count]
