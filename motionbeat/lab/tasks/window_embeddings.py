"""Spans of beats in the token tables, and a trained model's embeddings and states of them.

Axes: n spans, k beats of the longest, d width, e embedding.
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
    """Positions of beats in their bars, for some spans; values at masked beats have no meaning."""

    position: Tensor  # (n, k), from 0 at the downbeat
    beats_per_bar: Tensor  # (n,)
    mask: Tensor  # (n, k) bool, True = real beat


@frozen(eq=False)
class Spans:
    """Spans of consecutive beats: their first rows in the token tables, and their numbers of beats."""

    motion_row: NDArray[np.integer]
    audio_row: NDArray[np.integer]
    beats: NDArray[np.integer]

    @classmethod
    def of(cls, windows: Windows) -> "Spans":
        """Windows of K beats as spans."""
        return cls(windows.motion_row, windows.audio_row, np.full(len(windows), windows.beats))

    def __len__(self) -> int:
        return len(self.beats)

    def take(self, index: Any) -> "Spans":
        """The spans selected by an index array or mask."""
        return Spans(self.motion_row[index], self.audio_row[index], self.beats[index])

    def mask(self) -> NDArray[np.bool_]:
        """(n, k), True at real beats."""
        return np.arange(self.beats.max()) < self.beats[:, None]

    def rows(self, first: NDArray[np.integer]) -> NDArray[np.int64]:
        """(n, k) rows of a table from the spans' first rows; after the end, the last row is repeated."""
        return first[:, None] + np.minimum(np.arange(self.beats.max()), self.beats[:, None] - 1)

    def bars(self, tokens: Tokens) -> Bars:
        """Bar positions (n, K), meters (n,) and mask (n, K) of the music's beats."""
        return Bars(
            torch.as_tensor(tokens.audio["bar_position"][self.rows(self.audio_row)], dtype=torch.float32),
            torch.as_tensor(tokens.audio["beats_per_bar"][self.audio_row].astype(np.int64)),
            torch.as_tensor(self.mask()),
        )


def embed_music(model: DualEncoder, tokens: Tokens, spans: Spans) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings (n, e) and states (n, k, d) of the music of some spans; states at masked beats have no meaning."""
    encoded = encode_windows(model, "audio", tokens.audio["mel"], *spans.bars(tokens), rows=spans.rows(spans.audio_row))
    return encoded.embedding.cpu().numpy(), encoded.states.cpu().numpy()


def embed_motion(model: DualEncoder, tokens: Tokens, spans: Spans) -> NDArray[np.float32]:
    """Embeddings (n, e) of the dance of some spans."""
    encoded = encode_windows(
        model, "motion", tokens.motion["features"], *spans.bars(tokens), rows=spans.rows(spans.motion_row)
    )
    return encoded.embedding.cpu().numpy()
