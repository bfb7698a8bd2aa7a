"""The interface of frozen encoders, and functions for all of them: audio, digests of weights, long clips."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.audio.decode import signal
from motionbeat.errors import MotionBeatError
from motionbeat.lab import params

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]
Audio = str | Path | NDArray[Any]


@frozen(eq=False)
class Frames:
    """Features over time: `features` (T, D) float32 and `times` (T,) s, the centre of each frame, increasing."""

    features: Floats
    times: NDArray[np.float64]

    def __attrs_post_init__(self) -> None:
        if self.features.ndim != 2 or self.times.shape != self.features.shape[:1] or not len(self.times):
            raise MotionBeatError(f"frames of shape {self.features.shape} at times of shape {self.times.shape}")
        if self.features.dtype != np.float32 or not np.isfinite(self.features).all():
            raise MotionBeatError(
                f"frames are {self.features.dtype}, or contain NaN or infinity: the weights are damaged"
            )


class FrozenEncoder(Protocol):
    """An encoder that is not trained here. The same audio gives the same frames in any order of calls."""

    name: str
    width: int
    """D."""
    frame_rate: float
    """Nominal frames per second."""
    identity: str
    """Hex digest of weights, configuration and the version of the encoder's code, which is increased by hand."""

    def frames(self, audio: Audio, sample_rate: int | None = None) -> Frames:
        """Features of a file, or of an array (n,) with its rate in Hz. Unusable audio raises `MotionBeatError`."""
        ...


@frozen
class EncoderKind:
    """How to open and run an encoder; its module has one for each name in `ENCODERS`.

    open: the section encoders -> the encoder with its weights. uses_gpu: it runs on a GPU if there is one. alone: only
    one process may load it, since two would fill the memory.
    """

    open: Callable[[params.Encoders], FrozenEncoder]
    uses_gpu: bool = True
    alone: bool = False


def clip(frames: Frames) -> Floats:
    """(D,) float32: the mean of the features over time, which represents the whole clip."""
    return frames.features.mean(axis=0, dtype=np.float64).astype(np.float32)


def samples(name: str, audio: Audio, sample_rate: int | None, rate: int, shortest_s: float) -> Floats:
    """(n,) mono samples at `rate` Hz; audio that cannot be used or is too short raises `MotionBeatError`."""
    wave = signal(audio, sample_rate, rate)
    if len(wave) < shortest_s * rate:
        what = audio if isinstance(audio, str | Path) else "the audio"
        raise MotionBeatError(
            f"{what} lasts {len(wave) / rate:.3f} s; encoder {name} needs at least {shortest_s:g} s: leave it out"
        )
    return wave


def digest(version: str, settings: Any, tensors: Mapping[str, "torch.Tensor"]) -> str:
    """SHA-256 over a version, settings as JSON, and every tensor's name, type, shape and bytes."""
    import torch

    sums = hashlib.sha256(json.dumps([version, settings], sort_keys=True, default=str).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        sums.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sums.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sums.hexdigest()


def spans(length: int, window: int, overlap: int) -> Iterator[tuple[int, int, float, float]]:
    """Windows over a long clip: begin, end, and the part [first, last) of the clip for which each window is used.

    Windows have length `window` and begin `window - overlap` after the one before; the last ends with the clip, so it
    may overlap more. Each of two neighbours is used for half of their overlap, so no frame is from the edge of a
    window. A clip up to `window` long is a single window. All in samples (or frames).
    """
    if not 0 <= overlap < window:
        raise MotionBeatError(f"overlap = {overlap}; give 0 or more, below the window of {window}")
    last = max(length - window, 0)
    begins = [*range(0, last, window - overlap), last]
    borders = [0.0, *((a + window + b) / 2 for a, b in pairwise(begins)), float(length)]
    for index, begin in enumerate(begins):
        yield begin, min(begin + window, length), borders[index], borders[index + 1]


def join(parts: list[tuple[Floats, NDArray[np.float64], float, float]]) -> Frames:
    """Join windows into one sequence: features (t, D), times (t,) s, and the seconds [first, last) to use of each."""
    kept = [(times >= first) & (times < last) for _, times, first, last in parts]
    features = np.concatenate([part[0][keep] for part, keep in zip(parts, kept, strict=True)])
    times = np.concatenate([part[1][keep] for part, keep in zip(parts, kept, strict=True)])
    return Frames(features.astype(np.float32, copy=False), times)
