"""The order of an epoch: which window of each clip, on its beats or on a lattice, and which windows share a batch."""

from collections.abc import Mapping

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.token_tables.token_windows import Windows

Ints = NDArray[np.integer]

_TEMPO_JITTER = 0.05  # octaves up or down, 3.5 %: about the largest tempo difference of tempo negatives


@frozen(eq=False)
class Clips:
    """The windows of each clip: c clips, l pairs of a clip and one of its lattices."""

    first: Ints  # (c,): the clip's first window on beats; its windows are adjacent
    count: Ints  # (c,)
    first_pair: Ints  # (c,): the clip's first lattice among the pairs; these are adjacent too
    pairs: Ints  # (c,), 0 if no lattice of the clip has a window
    first_of_pair: Ints  # (l,): the first window of the clip on this lattice
    count_of_pair: Ints  # (l,)

    @classmethod
    def of(cls, windows: Windows, on_lattices: Windows | None = None, lattice: Ints | None = None) -> "Clips":
        """From windows on beats and on lattices; the latter are numbered after the former.

        lattice: the number of the lattice of each window on one.
        """
        clips, first, count = np.unique(windows.clip, return_index=True, return_counts=True)
        if on_lattices is None or lattice is None or not len(on_lattices):
            none = np.zeros(len(clips), np.int64)
            return cls(first, count, none, none, none[:0], none[:0])
        clip = on_lattices.clip
        opens = np.flatnonzero(np.append(True, (clip[1:] != clip[:-1]) | (lattice[1:] != lattice[:-1])))
        lengths = np.diff(np.append(opens, len(clip)))
        number = {name: i for i, name in enumerate(clips)}
        owner = np.array([number.get(name, -1) for name in clip[opens]])  # -1: too few beats for any window
        order = np.argsort(owner, kind="stable")
        opens, lengths, owner = opens[order], lengths[order], owner[order]
        begin, end = (np.searchsorted(owner, np.arange(len(clips)), side) for side in ("left", "right"))
        return cls(first, count, begin, end - begin, opens + len(windows), lengths)

    @property
    def on_lattices(self) -> float:
        """The share of clips with a window on a lattice, 0..1; the upper limit of the effect of `lattice_share`."""
        return float((self.pairs > 0).mean())

    def take(self, index: Ints) -> "Clips":
        """The clips of an index array, in which a clip may occur several times."""
        each = {name: getattr(self, name)[index] for name in ("first", "count", "first_pair", "pairs")}
        return evolve(self, **each)

    def one_each(self, generator: np.random.Generator, lattice_share: float = 0.0) -> Ints:
        """(c,) a random window of each clip, in random order.

        With probability lattice_share it is a random window of a random lattice of the clip, if one has windows. With a
        share of 0 no random number is drawn for it.
        """
        beats = self.first + (generator.random(len(self.first)) * self.count).astype(np.int64)
        order = generator.permutation(len(beats))
        if not lattice_share:
            return beats[order]
        shown, which, where = generator.random((3, len(beats)))
        clip = np.flatnonzero((shown < lattice_share) & (self.pairs > 0))
        pair = self.first_pair[clip] + (which[clip] * self.pairs[clip]).astype(np.int64)
        beats[clip] = self.first_of_pair[pair] + (where[clip] * self.count_of_pair[pair]).astype(np.int64)
        return beats[order]


def by_source(source: NDArray[np.object_], shares: Mapping[str, float], generator: np.random.Generator) -> Ints:
    """(c,) the clips of an epoch in which each source has its share: as many as there are clips, in arbitrary order.

    source: (c,) of each clip. All clips of a source occur equally often, some random ones once more.
    Raises `MotionBeatError` for a source with a share and no clip.
    """
    total, drawn = len(source), []
    edges = np.round(np.cumsum([0.0, *shares.values()]) * total).astype(int)
    for name, wanted in zip(shares, np.diff(edges).tolist(), strict=True):
        clips = np.flatnonzero(source == name)
        if wanted and not len(clips):
            raise MotionBeatError(f"train.shares gives {name} {shares[name]:g}, but no training clip is from {name}")
        if wanted:
            whole, rest = divmod(wanted, len(clips))
            drawn += [np.repeat(clips, whole), generator.permutation(clips)[:rest]]
    return np.concatenate(drawn)


def by_tempo(bpm: NDArray[np.float64], size: int, generator: np.random.Generator) -> list[Ints]:
    """Batches of similar tempo: indices into `bpm`, `size` per batch (fewer in the last), batches shuffled.

    The paper requires tempo-aware negatives but does not say how batches are drawn. Here windows are sorted by tempo
    (double and half tempo count as equal), with a random change of up to 5 % of an octave, and cut into batches. So the
    other clips of a batch are negatives with nearly the anchor's tempo, which tempo alone cannot distinguish. The
    disadvantage is that a batch has more clips of one song; `loss.same_song` masks those that overlap. The circle of
    tempi is cut at a random place, so that no tempo is always at the boundary.
    """
    octave = np.log2(bpm) + generator.uniform(-_TEMPO_JITTER, _TEMPO_JITTER, len(bpm)) + generator.random()
    order = np.argsort(octave % 1.0, kind="stable")
    batches = [order[begin : begin + size] for begin in range(0, len(order), size)]
    return [batches[i] for i in generator.permutation(len(batches))]
