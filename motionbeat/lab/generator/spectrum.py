"""The linear part of the denoiser: the best estimate of a clean dance if dances were Gaussian.

In the basis of cosines over time (DCT-II) and principal components over channels the coefficients of a slice are
nearly uncorrelated, so the mean and spread of the clean slice, given the noised one, are computed for each coefficient
(Wiener filter).
Axes: b batch, f 150 frames or frequencies, c 151 channels or components.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from motionbeat.lab.generator.motion_vector import FRAMES, WIDTH

_SMALLEST_POWER = 1e-12


class Spectrum(nn.Module):
    """Variances of the coefficients of slices around the mean vector, which is 0 after scaling.

    `estimate` is E[x0 | x_t], and `shaped` gives white numbers the covariance of the rest. They correspond to the skip
    and the output scale of Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", NeurIPS
    2022, section 5, but with one variance per coefficient instead of a single one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.components: Tensor
        self.power: Tensor
        self.waves: Tensor
        self.register_buffer("components", torch.eye(WIDTH))  # (c, c), one per column
        self.register_buffer("power", torch.ones(FRAMES, WIDTH))  # (f, c)
        self.register_buffer("waves", _cosines(FRAMES), persistent=False)  # (f, f), one per row

    def fit(self, slices: Iterable[Tensor]) -> None:
        """Compute components and variances from parts (b, 150, 151) of scaled slices, on the CPU and in float64.

        All frequencies share the components and have equal weight in them: channels that move together slowly mostly
        also move together fast, and one basis needs a hundredth of the work of one per frequency.
        """
        total, count = torch.zeros(FRAMES, WIDTH, WIDTH, dtype=torch.float64), 0
        for part in slices:
            waved = (self.waves @ part).transpose(0, 1)  # (f, b, c)
            total += (waved.transpose(1, 2) @ waved).double()
            count += len(part)
        total /= count
        sizes = total.diagonal(dim1=1, dim2=2).sum(dim=1).clamp(min=_SMALLEST_POWER)
        components = torch.linalg.eigh((total / sizes[:, None, None]).sum(dim=0)).eigenvectors
        power = torch.einsum("ck,fcd,dk->fk", components, total, components)
        self.power.copy_(power.clamp(min=0.0))
        self.components.copy_(components)

    def estimate(self, noised: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Expected clean slice (b, f, c) for a noised one, level (b, 1, 1), and the white coefficients behind it.

        Each coefficient of variance P is multiplied by P sqrt(a) / (a P + 1 - a); the white one is the result divided
        by sqrt(P). White coefficients are of equal size at low noise and smaller at high noise, so that all frequencies
        are visible; in slices, low frequencies are much larger.
        """
        white = self._coefficients(noised) * (level * self.power).sqrt() / self._noised_power(level)
        return self._slices(white * self.power.sqrt()), self._slices(white)

    def spread(self, level: Tensor) -> Tensor:
        """(b, 1, 1): root mean square of an estimate at a level, over frames and channels."""
        power = level * self.power.square() / self._noised_power(level)
        return power.mean(dim=(1, 2), keepdim=True).sqrt()

    def shaped(self, white: Tensor, level: Tensor) -> Tensor:
        """White (b, f, c) with the covariance of a clean slice given a noised one: each coefficient times sqrt(P (1 -
        a) / (a P + 1 - a)).
        """
        left = (self.power * (1 - level) / self._noised_power(level)).sqrt()
        return self._slices(self._coefficients(white) * left)

    def unknown(self, level: Tensor) -> Tensor:
        """Share (b, 1, 1) of the variance of slices that is still unknown after the estimate."""
        left = self.power * (1 - level) / self._noised_power(level)
        return left.sum(dim=(1, 2), keepdim=True) / self.power.sum()

    def _noised_power(self, level: Tensor) -> Tensor:
        return level * self.power + 1 - level

    def _coefficients(self, slices: Tensor) -> Tensor:
        return self.waves @ (slices @ self.components)

    def _slices(self, coefficients: Tensor) -> Tensor:
        return (self.waves.T @ coefficients) @ self.components.T


def _cosines(size: int) -> Tensor:
    """The orthonormal DCT-II as a matrix (size, size): a row is one frequency."""
    place = torch.arange(size, dtype=torch.float64)
    waves = torch.cos(math.pi * place[:, None] * (place + 0.5) / size) * math.sqrt(2 / size)
    waves[0] /= math.sqrt(2)
    return waves.float()
