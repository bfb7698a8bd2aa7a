"""Windows2Embeddings: run a model on windows of music or dance, in batches, on a device; not used in training.

Axes: n windows, k beats, e embedding, d width.
"""

from collections.abc import Iterator
from typing import Any, Literal, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionbeat.errors import MotionBeatError
from motionbeat.model.device import autocast, chosen_device, chosen_precision
from motionbeat.model.dual_encoder import DualEncoder, EncodedAudio, EncodedMotion

WINDOWS_AT_ONCE = 256
Values = NDArray[Any] | Tensor


@overload
def encode_windows(model: DualEncoder, kind: Literal["audio"], *args: Any, **settings: Any) -> EncodedAudio: ...
@overload
def encode_windows(model: DualEncoder, kind: Literal["motion"], *args: Any, **settings: Any) -> EncodedMotion: ...
def encode_windows(
    model: DualEncoder,
    kind: Literal["audio", "motion"],
    tokens: Values,
    bar_position: Values,
    beats_per_bar: Values | int,
    mask: Values | None = None,
    has_rotations: bool = True,
    rows: NDArray[np.integer] | None = None,
    *,
    device: torch.device | str | None = None,
    batch_size: int = WINDOWS_AT_ONCE,
    precision: str = "float32",
) -> EncodedAudio | EncodedMotion:
    """Embeddings and head outputs of n windows of music or dance, without gradients and without dropout.

    tokens: (n, k, f), or a table (N, f) together with `rows` (n, k), the table's rows in each window; then only one
    batch of windows at a time is in memory. bar_position: (n, k), from 0 at the downbeat. beats_per_bar: (n,), or one
    for
    all. mask: (n, k), True = real beat; None: all are real. has_rotations: False for motion tokens without joint
    rotations. device: the model is moved there; None: it stays where it is. batch_size: windows per batch; it changes
    results by rounding only. precision: of matrix products, float32, bf16 or auto (`chosen_precision`). Returns the
    fields of `DualEncoder.audio` or `.motion` for all windows, on the device. Raises `MotionBeatError` if there is no
    window, for a batch size below 1, and for input that the model refuses.
    """
    count = len(bar_position)
    if not count:
        raise MotionBeatError("there is no window to encode: give at least one")
    device = next(model.parameters()).device if device is None else chosen_device(device)
    was_training = model.training
    model.to(device).eval()
    parts: list[Any] = []
    with torch.no_grad(), autocast(chosen_precision(precision, device), device):
        for part in batches_of(count, batch_size):
            window = (
                torch.as_tensor(tokens[part] if rows is None else tokens[rows[part]], device=device),
                torch.as_tensor(bar_position[part], dtype=torch.float32, device=device),
                _meters(beats_per_bar, part, device),
                None if mask is None else torch.as_tensor(mask[part], device=device),
            )
            if kind == "audio":
                parts.append(model.audio(*window))
            else:
                without = None if has_rotations else torch.zeros(len(window[0]), dtype=torch.bool, device=device)
                parts.append(model.motion(*window, without))
    model.train(was_training)
    if len(parts) == 1:
        return parts[0]
    return type(parts[0])(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))


def batches_of(count: int, batch_size: int = WINDOWS_AT_ONCE) -> Iterator[slice]:
    """Slices of `batch_size` windows that cover `count` windows in order."""
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise MotionBeatError(f"batch_size = {batch_size!r}; give a whole number from 1, such as {WINDOWS_AT_ONCE}")
    for begin in range(0, count, batch_size):
        yield slice(begin, min(begin + batch_size, count))


def _meters(beats_per_bar: Values | int, part: slice, device: torch.device) -> Tensor:
    if isinstance(beats_per_bar, int | np.integer):
        return torch.full((part.stop - part.start,), int(beats_per_bar), device=device)
    return torch.as_tensor(beats_per_bar[part], device=device)
