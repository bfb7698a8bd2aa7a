"""Embeddings of music and motion windows by a trained model."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.tokens.windows import Tokens, Windows

_AT_ONCE = 256


@torch.no_grad()
def embed_windows(
    model: DualEncoder, tokens: Tokens, music: Windows, motion: Windows
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings (n, d) of the music of some windows and (m, d) of the motion of others."""
    model.eval()
    steps = np.arange(motion.beats)

    def hear(part: Windows) -> torch.Tensor:
        mel = tokens.audio["mel"][part.audio_row[:, None] + steps]
        return model.audio(*_window(tokens, mel, part)).embedding

    def see(part: Windows) -> torch.Tensor:
        features = tokens.motion["features"][part.motion_row[:, None] + steps]
        return model.motion(*_window(tokens, features, part)).embedding

    return _in_parts(music, hear), _in_parts(motion, see)


def _window(tokens: Tokens, values: NDArray[np.float32], part: Windows) -> tuple[torch.Tensor, ...]:
    """Tokens, bar positions and meter as `DualEncoder` takes them."""
    rows = part.motion_row[:, None] + np.arange(part.beats)
    return (
        torch.as_tensor(values),
        torch.as_tensor(tokens.motion["bar_position"][rows], dtype=torch.float32),
        torch.as_tensor(tokens.motion["beats_per_bar"][part.motion_row].astype(np.int64)),
        torch.ones(rows.shape, dtype=torch.bool),
    )


def _in_parts(windows: Windows, encode: Callable[[Windows], torch.Tensor]) -> NDArray[np.float32]:
    parts = [windows.take(slice(begin, begin + _AT_ONCE)) for begin in range(0, len(windows), _AT_ONCE)]
    return np.concatenate([encode(part).cpu().numpy() for part in parts])
