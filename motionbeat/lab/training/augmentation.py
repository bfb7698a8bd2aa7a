"""Random changes of a batch that do not change which dance fits which music.

Axes: n windows, k beats, s sub-beats, f features of a sub-beat, c bands.
"""

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray
from torch import Tensor

from motionbeat.motion.feature_blocks import mirrored_features
from motionbeat.tokens.layout import Layout

_WIDEST = 4  # the mel bands are divided into this many parts; at most one is silenced


@frozen
class Augmentation:
    """Probabilities, 0..1: of a mirrored dance and of silenced mel bands (per window), of masked beats (per batch).

    band_shift: the most mel bands by which the music of a window is moved up or down.
    """

    mirror: float = 0.0
    band_mask: float = 0.0
    beat_mask: float = 0.0
    band_shift: int = 0


@frozen(eq=False)
class Drawn:
    """The changes for one batch; None and K mean no change."""

    mirrored: NDArray[np.bool_] | None  # (n,)
    kept_bands: NDArray[np.bool_] | None  # (n, c)
    band_shift: NDArray[np.int64] | None  # (n,)
    beats: int  # number of real beats


def draw(chances: Augmentation, n: int, beats: int, bands: int, generator: np.random.Generator) -> Drawn:
    """Draw the augmentation of n windows. With a probability of 0 no random number is drawn."""
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
    # One length for a whole batch: different lengths would reveal which dance belongs to which music.
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
    """mel (n, k, s * c) or with the flux after it (n, k, s * 2 c), zero in the bands that are not kept (n, c)."""
    n, k, _ = mel.shape
    return (mel.view(n, k, -1, kept.shape[1]) * kept[:, None, None]).flatten(2)


def moved_bands(mel: Tensor, shift: Tensor, bands: int) -> Tensor:
    """mel (n, k, s * c) or with the flux after it, c = bands, each window moved up by its shift (n,) of bands.

    This changes key and timbre, but not the rhythm. Beyond the ends the outermost band is repeated.
    """
    parts = mel.unflatten(2, (-1, bands))  # (n, k, s or 2 s, c)
    source = (torch.arange(bands, device=mel.device) - shift[:, None]).clamp(0, bands - 1)  # (n, c)
    return parts.gather(3, source[:, None, None].expand(parts.shape)).flatten(2)
