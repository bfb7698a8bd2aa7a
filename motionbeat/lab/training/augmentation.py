"""Random changes of a batch that keep which dance fits which music.

Axes: n windows, k beats, s sub-beats, f features of a sub-beat, c bands.
"""

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray
from torch import Tensor

from motionbeat.motion.feature_blocks import mirrored_features
from motionbeat.tokens.layout import Layout

_WIDEST = 4  # of so many parts of the mel bands, one at most is silenced


@frozen
class Augmentation:
    """Chances, 0..1: of a mirrored dance, of silenced mel bands (each a window), of masked beats (a batch).

    band_shift: mel bands by which the music of a window is moved up or down at most.
    """

    mirror: float = 0.0
    band_mask: float = 0.0
    beat_mask: float = 0.0
    band_shift: int = 0


@frozen(eq=False)
class Drawn:
    """The changes drawn for one batch; None and K where nothing changes."""

    mirrored: NDArray[np.bool_] | None  # (n,)
    kept_bands: NDArray[np.bool_] | None  # (n, c)
    band_shift: NDArray[np.int64] | None  # (n,)
    beats: int  # the first so many are real


def draw(chances: Augmentation, n: int, beats: int, bands: int, generator: np.random.Generator) -> Drawn:
    """The augmentation of n windows. With a chance of 0 no random number is drawn for it."""
    mirrored = generator.random(n) < chances.mirror if chances.mirror else None
    kept = None
    if chances.band_mask:
        width = generator.integers(1, max(2, bands // _WIDEST + 1), n)
        begin = (generator.random(n) * (bands - width + 1)).astype(int)
        width = np.where(generator.random(n) < chances.band_mask, width, 0)
        band = np.arange(bands)
        kept = (band < begin[:, None]) | (band >= (begin + width)[:, None])
    most = chances.band_shift
    shift = generator.integers(-most, most + 1, n) if most else None
    # One length for a whole batch: lengths that differ would tell which dance belongs to which music.
    if chances.beat_mask and generator.random() < chances.beat_mask and beats > 1:
        return Drawn(mirrored, kept, shift, int(generator.integers(max(1, beats // 2), beats)))
    return Drawn(mirrored, kept, shift, beats)


class Mirror:
    """Features (n, k, s * f) of the mirror images of some windows."""

    def __init__(self, layout: Layout, device: torch.device) -> None:
        order, sign = mirrored_features(layout.rotation_start is not None, layout.joint_events)
        self._order, self._sign = torch.as_tensor(order, device=device), torch.as_tensor(sign, device=device)

    def __call__(self, features: Tensor, mirrored: Tensor) -> Tensor:
        """mirrored: (n,) bool."""
        parts = features.unflatten(2, (-1, len(self._order)))  # (n, k, s, f); n may be 0
        return torch.where(mirrored[:, None, None, None], parts[..., self._order] * self._sign, parts).flatten(2)


def without_bands(mel: Tensor, kept: Tensor) -> Tensor:
    """mel (n, k, s * c) or with the flux beside it (n, k, s * 2 c), zero in the bands that are not kept (n, c)."""
    n, k, _ = mel.shape
    return (mel.view(n, k, -1, kept.shape[1]) * kept[:, None, None]).flatten(2)


def moved_bands(mel: Tensor, shift: Tensor, bands: int) -> Tensor:
    """mel (n, k, s * c) or with the flux beside it, c = bands, each window moved up by its shift (n,) of bands.

    Another key and another timbre with the same rhythm. Beyond the ends the outermost band is repeated.
    """
    parts = mel.unflatten(2, (-1, bands))  # (n, k, s or 2 s, c)
    source = (torch.arange(bands, device=mel.device) - shift[:, None]).clamp(0, bands - 1)  # (n, c)
    return parts.gather(3, source[:, None, None].expand(parts.shape)).flatten(2)
