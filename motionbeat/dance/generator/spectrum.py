"""What the noise leaves unknown of a dance, if dances were Gaussian: the linear part of the denoiser.

In the basis of cosines over time (DCT-II), and for each of them its own principal components over channels, the
coefficients of a slice are nearly uncorrelated, so that mean and spread of the clean slice, given the noised one, are
those of scalars (Wiener). Axes: b batch, f 150 frames or frequencies, c 151 channels or components.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from motionbeat.dance.generator.vector import FRAMES, WIDTH


class Spectrum(nn.Module):
    """Variances of the coefficients of slices, around the mean vector, which scaling has made 0.

    `estimate` is E[x0 | x_t] and `shaped` gives white numbers the covariance of what is left. Together they are the
    skip and the output scale of Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models",
    NeurIPS 2022, section 5, with a variance for each coefficient in place of one for all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.components: Tensor
        self.power: Tensor
        self.waves: Tensor
        self.register_buffer("components", torch.eye(WIDTH).repeat(FRAMES, 1, 1))  # (f, c, c), one a column
        self.register_buffer("power", torch.ones(FRAMES, WIDTH))  # (f, c)
        self.register_buffer("waves", _cosines(FRAMES), persistent=False)  # (f, f), one a row

    def fit(self, slices: Iterable[Tensor]) -> None:
        """Take components and variances from parts (b, 150, 151) of scaled slices, on the CPU and in float64."""
        total, count = torch.zeros(FRAMES, WIDTH, WIDTH, dtype=torch.float64), 0
        for part in slices:
            waved = (self.waves @ part).transpose(0, 1)  # (f, b, c)
            total += (waved.transpose(1, 2) @ waved).double()
            count += len(part)
        power, components = torch.linalg.eigh(total / count)
        self.power.copy_(power.clamp(min=0.0))
        self.components.copy_(components)

    def estimate(self, noised: Tensor, level: Tensor) -> Tensor:
        """Expected clean slice (b, f, c) for a noised one, level (b, 1, 1): P sqrt(a) / (a P + 1 - a) of each
        coefficient of variance P."""
        return self._slices(self._coefficients(noised) * level.sqrt() * self.power / self._noised_power(level))

    def shaped(self, white: Tensor, level: Tensor) -> Tensor:
        """White (b, f, c) with the covariance that a noised slice leaves: sqrt(P (1 - a) / (a P + 1 - a)) times each
        coefficient."""
        left = (self.power * (1 - level) / self._noised_power(level)).sqrt()
        return self._slices(self._coefficients(white) * left)

    def unknown(self, level: Tensor) -> Tensor:
        """Part (b, 1, 1) of the variance of slices that the estimate leaves at a level."""
        left = self.power * (1 - level) / self._noised_power(level)
        return left.sum(dim=(1, 2), keepdim=True) / self.power.sum()

    def _noised_power(self, level: Tensor) -> Tensor:
        return level * self.power + 1 - level

    def _coefficients(self, slices: Tensor) -> Tensor:
        return ((self.waves @ slices).transpose(0, 1) @ self.components).transpose(0, 1)

    def _slices(self, coefficients: Tensor) -> Tensor:
        waved = (coefficients.transpose(0, 1) @ self.components.transpose(1, 2)).transpose(0, 1)
        return self.waves.T @ waved


def _cosines(size: int) -> Tensor:
    """The orthonormal DCT-II as a matrix (size, size): a row is a wave."""
    place = torch.arange(size, dtype=torch.float64)
    waves = torch.cos(math.pi * place[:, None] * (place + 0.5) / size) * math.sqrt(2 / size)
    waves[0] /= math.sqrt(2)
    return waves.float()
