"""From one state a beat to one embedding a window: mean, or the harmonics of the bar.

Axes: b batch, k beats, d width, n harmonics, e embedding.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionbeat.model.config import ModelConfig


def bar_harmonics(
    states: Tensor, phase: Tensor, beats_per_bar: Tensor, mask: Tensor, highest: int
) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of c_h = mean_t exp(-i h phi_t) y_t for h = 0..floor(B / 2), over real beats alone.

    Shifting the content by delta beats, which adds 2 pi delta / B to every phi_t, multiplies c_h by
    exp(-2 pi i h delta / B): a cyclic shift in time is a rotation in latent space.
    states: (b, k, d). phase: (b, k) rad. beats_per_bar: (b,). mask: (b, k) True = real beat.
    highest: largest h that there is room for; c_h above floor(B / 2) of a sequence is zero.
    Returns two (b, highest + 1, d). A sequence without real beats gives zeros.
    """
    h = torch.arange(highest + 1, device=states.device)  # (n,)
    kept = (h <= beats_per_bar.long()[:, None] // 2).to(states.dtype)  # (b, n)
    angles = phase[:, :, None] * h.to(phase.dtype)  # (b, k, n)
    weight = (mask.to(states.dtype) / mask.sum(1, keepdim=True).clamp(min=1))[:, :, None] * kept[:, None]  # (b, k, n)
    states = states.masked_fill(~mask[:, :, None], 0)[:, :, None]  # (b, k, 1, d)
    real = ((weight * angles.cos())[..., None] * states).sum(1)  # (b, n, d)
    imaginary = -((weight * angles.sin())[..., None] * states).sum(1)  # (b, n, d)
    return real, imaginary


class Readout(nn.Module):
    """Pool the states, map them to the embedding, scale it to length 1.

    `mean` is c_0 alone (paper). `bar_harmonic` takes every c_h, real and imaginary parts side by
    side (the imaginary part of c_0 is zero and left out).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.highest = config.max_beats_per_bar // 2 if config.readout == "bar_harmonic" else 0
        self.project = nn.Linear(config.width * (1 + 2 * self.highest), config.embedding)

    def forward(self, states: Tensor, phase: Tensor, beats_per_bar: Tensor, mask: Tensor) -> Tensor:
        """states (b, k, d), phase (b, k), beats_per_bar (b,), mask (b, k) -> (b, e), L2-normalised."""
        real, imaginary = bar_harmonics(states, phase, beats_per_bar, mask, self.highest)
        pooled = torch.cat([real, imaginary[:, 1:]], dim=1).flatten(1)  # (b, (1 + 2 highest) d)
        embedding = self.project(pooled)  # (b, e)
        return functional.normalize(embedding.to(torch.promote_types(embedding.dtype, torch.float32)), dim=-1)
