"""Stretches of beats in the token tables, and a trained model's embeddings and states of them.

Axes: n stretches, k beats of the longest, d width, e embedding.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray
from torch import Tensor

from motionbeat.lab.token_tables.token_windows import Tokens, Windows
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.model.encode_windows import encode_windows


class Bars(NamedTuple):
    """Where in their bars the beats of some stretches are; what stands at masked beats means nothing."""

    position: Tensor  # (n, k), from 0 at the downbeat
    beats_per_bar: Tensor  # (n,)
    mask: Tensor  # (n, k) bool, True = real beat


@frozen(eq=False)
class Spans:
    """Stretches of consecutive beats: the rows of the token tables where they begin, and how many beats they have."""

    motion_row: NDArray[np.integer]
    audio_row: NDArray[np.integer]
    beats: NDArray[np.integer]

    @classmethod
    def of(cls, windows: Windows) -> "Spans":
        """Windows of K beats as stretches."""
        return cls(windows.motion_row, windows.audio_row, np.full(len(windows), windows.beats))

    def __len__(self) -> int:
        return len(self.beats)

    def take(self, index: Any) -> "Spans":
        """The stretches of an index array or mask."""
        return Spans(self.motion_row[index], self.audio_row[index], self.beats[index])

    def mask(self) -> NDArray[np.bool_]:
        """(n, k), True at real beats."""
        return np.arange(self.beats.max()) < self.beats[:, None]

    def rows(self, first: NDArray[np.integer]) -> NDArray[np.int64]:
        """(n, k) rows of a table from the stretches' first rows; past the end, the last row again."""
        return first[:, None] + np.minimum(np.arange(self.beats.max()), self.beats[:, None] - 1)

    def bars(self, tokens: Tokens) -> Bars:
        """Bar positions (n, K), meters (n,) and mask (n, K) of the music's beats."""
        return Bars(
            torch.as_tensor(tokens.audio["bar_position"][self.rows(self.audio_row)], dtype=torch.float32),
            torch.as_tensor(tokens.audio["beats_per_bar"][self.audio_row].astype(np.int64)),
            torch.as_tensor(self.mask()),
        )


def embed_music(model: DualEncoder, tokens: Tokens, spans: Spans) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings (n, e) and states (n, k, d) of the music of some stretches; states at masked beats mean nothing."""
    encoded = encode_windows(model, "audio", tokens.audio["mel"], *spans.bars(tokens), rows=spans.rows(spans.audio_row))
    return encoded.embedding.cpu().numpy(), encoded.states.cpu().numpy()


def embed_motion(model: DualEncoder, tokens: Tokens, spans: Spans) -> NDArray[np.float32]:
    """Embeddings (n, e) of the dance of some stretches."""
    encoded = encode_windows(
        model, "motion", tokens.motion["features"], *spans.bars(tokens), rows=spans.rows(spans.motion_row)
    )
    return encoded.embedding.cpu().numpy()
