"""The tokens of a song or a dance, and the windows of K beats over them.

Axes: n tokens, w windows, k beats of a window.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from attrs import fields, frozen
from numpy.typing import NDArray

from motionbeat.tokens.pooling import GridTokens

_TOKENS_AT_ONCE = 8192


@frozen(eq=False)
class TokenSequence:
    """A song or a dance as input of the model: one token per beat (in grid mode: every 20 ms)."""

    tokens: NDArray[np.float32] | GridTokens
    """(n, f)"""
    times: NDArray[np.float64]
    """(n + 1,) s: token t covers [times[t], times[t + 1])."""
    bar_position: NDArray[np.int64]
    """(n,), from 0 at the downbeat."""
    beats_per_bar: int
    lattices: int = 1
    """Tokens t, t + lattices, t + 2 * lattices, ... follow each other; n is at least this."""
    has_rotations: bool = True
    """Whether the tokens of a dance have joint rotations."""
    clip_stride: int = 1
    """Windows of the clip begin at every downbeat (1), at every second (2), ..."""

    def windows(self, size: int) -> "SequenceWindows":
        """Windows of `size` tokens: at every downbeat for the clip, adjacent ones for the states.

        With lattices, each lattice has its own windows. The last of the adjacent windows ends with its lattice, and
        provides the states of the tokens that the window before does not cover. Without a downbeat (or in a song
        shorter than a window) the clip is the first window.
        """
        parts = [_of_lattice(self, size, first) for first in range(self.lattices)]
        every = SequenceWindows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        return every.take(np.argsort(every.rows[:, 0], kind="stable"))


@frozen(eq=False)
class SequenceWindows:
    """Windows over a sequence of tokens, sorted by where they begin."""

    rows: NDArray[np.int64]
    """(w, k) tokens; after the end the last one is repeated."""
    mask: NDArray[np.bool_]
    """(w, k), False after the end."""
    bar_position: NDArray[np.int64]
    """(w, k), from 0 at the downbeat."""
    lattice: NDArray[np.int64]
    """(w,) index of the window's lattice."""
    in_clip: NDArray[np.bool_]
    """(w,) whether the clip embedding includes the window."""
    gives_state: NDArray[np.bool_]
    """(w, k) True where the state of a token is taken from this window: each token from one window."""

    def take(self, index: Any) -> "SequenceWindows":
        """The windows selected by an index array, mask or slice."""
        return SequenceWindows(*(getattr(self, field.name)[index] for field in fields(SequenceWindows)))

    def blocks(self) -> Iterator["SequenceWindows"]:
        """The windows in blocks of some thousand tokens, so that few tokens are needed at once."""
        first = self.rows[:, 0]
        borders = np.searchsorted(first, np.arange(0, first[-1] + 1, _TOKENS_AT_ONCE))
        for begin, end in zip(borders, [*borders[1:], len(first)], strict=True):
            if begin < end:
                yield self.take(slice(begin, end))


def _of_lattice(sequence: TokenSequence, size: int, lattice: int) -> tuple[NDArray[Any], ...]:
    """The fields of `SequenceWindows` for one lattice."""
    bar_position = sequence.bar_position
    tokens = np.arange(lattice, len(bar_position), sequence.lattices)
    last = max(len(tokens) - size, 0)
    downbeats = np.flatnonzero(bar_position[tokens[: last + 1]] == 0)[:: sequence.clip_stride]
    of_clip = downbeats if len(downbeats) else np.zeros(1, int)
    side_by_side = np.append(np.arange(0, last, size), last)
    start = np.union1d(of_clip, side_by_side)  # many windows are used for both
    index = start[:, None] + np.arange(size)  # (w, k)
    mask = index < len(tokens)
    new_from = np.full(len(start), len(tokens))
    new_from[np.searchsorted(start, side_by_side)] = np.append(0, side_by_side[:-1] + size)
    rows = tokens[np.minimum(index, len(tokens) - 1)]
    gives_state = mask & (index >= new_from[:, None])
    return rows, mask, bar_position[rows], np.full(len(start), lattice), np.isin(start, of_clip), gives_state
