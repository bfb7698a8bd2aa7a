"""The diffusion process that generation reverses: cosine schedule, noising, and DDIM sampling.

Ho, Jain & Abbeel, "Denoising Diffusion Probabilistic Models", NeurIPS 2020; Nichol & Dhariwal, "Improved Denoising
Diffusion Probabilistic Models", ICML 2021 (the cosine schedule); Song, Meng & Ermon, "Denoising Diffusion Implicit
Models", ICLR 2021. Everything is in terms of the clean signal x0, which the network predicts.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

_OFFSET = 0.008
_MOST_BETA = 0.999

Predict = Callable[[Tensor, int], Tensor]
"""A noised x and its step 0..n-1 -> the clean x0."""
Settle = Callable[[Tensor, int], Tensor]
"""A sample and its step (-1: clean) -> the sample with its known parts inserted."""


def signal_levels(steps: int) -> Tensor:
    """Share of the signal's variance after each of `steps` noising steps, alpha-bar_t: (steps,) float64, decreasing.

    alpha-bar(u) = cos^2((u + s) / (1 + s) * pi / 2) / alpha-bar(0) with s = 0.008, no step taking more than 0.999.
    """
    at = torch.arange(steps + 1, dtype=torch.float64, device="cpu") / steps
    wave = torch.cos((at + _OFFSET) / (1 + _OFFSET) * math.pi / 2) ** 2
    kept = (wave[1:] / wave[:-1]).clamp(min=1 - _MOST_BETA)
    return torch.cumprod(kept, dim=0)


def noised(clean: Tensor, level: Tensor, noise: Tensor) -> Tensor:
    """q(x_t | x0): sqrt(a) x0 + sqrt(1 - a) noise. level: a = alpha-bar, broadcast against clean and noise."""
    return level.sqrt() * clean + (1 - level).sqrt() * noise


def ddim(
    predict: Predict,
    start: Tensor,
    levels: Tensor,
    steps: int,
    eta: float,
    generator: torch.Generator,
    settle: Settle | None = None,
) -> Tensor:
    """Sample by DDIM from pure noise `start`, visiting `steps` of the schedule's steps, evenly spaced.

    levels: of `signal_levels`. eta: 0 adds no noise in the steps, 1 as much as the posterior of the diffusion. settle:
    called at the start and after every step. If `predict` always returns the same x0, the result is that x0.
    """
    last = len(levels) - 1
    visited = [round(last * (1 - i / steps)) for i in range(steps)] + [-1]
    x = settle(start, last) if settle else start
    for now, then in pairwise(visited):
        clean = predict(x, now)
        if then < 0:
            x = clean
        else:
            a, b = float(levels[now]), float(levels[then])
            epsilon = (x - math.sqrt(a) * clean) / math.sqrt(1 - a)
            spread = eta * math.sqrt((1 - b) / (1 - a) * (1 - a / b))
            x = math.sqrt(b) * clean + math.sqrt(max(1 - b - spread**2, 0.0)) * epsilon
            if spread:
                fresh = torch.randn(x.shape, generator=generator, dtype=torch.float32)
                x = x + spread * fresh.to(x)
        x = settle(x, then) if settle else x
    return x
