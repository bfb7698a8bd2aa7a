"""From the states of the beats to one embedding per window: mean, harmonics of the bar, or harmonics of the window.

Axes: b batch, k beats, d width, c channels of a beat's code, n harmonics, e embedding.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionbeat.model.config import ModelConfig


def bar_harmonics(
    states: Tensor, phase: Tensor, beats_per_bar: Tensor, mask: Tensor, highest: int
) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of c_h = mean_t exp(-i h phi_t) y_t for h = 0..floor(B / 2), over real beats only.

    Shifting the content by delta beats, which adds 2 pi delta / B to every phi_t, multiplies c_h by
    exp(-2 pi i h delta / B): a cyclic shift in time is a rotation in latent space.
    states: (b, k, d). phase: (b, k) rad. beats_per_bar: (b,). mask: (b, k) True = real beat.
    highest: the largest h of the output; c_h above floor(B / 2) of a sequence is zero.
    Returns two (b, highest + 1, d). For a sequence without real beats they are zero.
    """
    h = torch.arange(highest + 1, device=states.device)  # (n,)
    kept = (h <= beats_per_bar.long()[:, None] // 2).to(states.dtype)  # (b, n)
    angles = phase[:, :, None] * h.to(phase.dtype)  # (b, k, n)
    weight = (mask.to(states.dtype) / mask.sum(1, keepdim=True).clamp(min=1))[:, :, None] * kept[:, None]  # (b, k, n)
    states = states.masked_fill(~mask[:, :, None], 0)[:, :, None]  # (b, k, 1, d)
    real = ((weight * angles.cos())[..., None] * states).sum(1)  # (b, n, d)
    imaginary = -((weight * angles.sin())[..., None] * states).sum(1)  # (b, n, d)
    return real, imaginary


def window_harmonics(code: Tensor, mask: Tensor, period: int) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of C_n = sum_t exp(-2 pi i n t / period) y_t, n = 0..floor(period / 2), over real beats.

    t is the beat's index in the window; beats beyond the period wrap around. Rolling the content of a window
    of `period` beats by delta beats multiplies C_n by exp(-2 pi i n delta / period). Together the C_n determine every
    beat of the window at its position. The harmonics of the bar are those at n = h * period / B.
    code: (b, k, c). mask: (b, k) True = real beat. Returns two (b, period // 2 + 1, c).
    """
    n = torch.arange(period // 2 + 1, device=code.device)
    turns = torch.outer(n, torch.arange(code.shape[1], device=code.device)) % period  # (n, k), exact whole numbers
    angles = turns.to(code.dtype) * (2 * math.pi / period)
    code = code.masked_fill(~mask[:, :, None], 0)  # (b, k, c)
    return angles.cos() @ code, -(angles.sin() @ code)  # (b, n, c)


class BarReadout(nn.Module):
    """Pool the states over the window, map them to the embedding, scale it to length 1.

    `mean` is c_0 alone (paper). `bar_harmonic` concatenates real and imaginary parts of every c_h (the imaginary part
    of c_0 is zero and left out). Neither keeps the information in which bar of the window an event was.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.highest = config.max_beats_per_bar // 2 if config.readout == "bar_harmonic" else 0
        self.project = nn.Linear(config.width * (1 + 2 * self.highest), config.embedding)

    def forward(self, states: Tensor, phase: Tensor, beats_per_bar: Tensor, mask: Tensor) -> Tensor:
        """states (b, k, d), phase (b, k), beats_per_bar (b,), mask (b, k) -> (b, e), L2-normalised."""
        real, imaginary = bar_harmonics(states, phase, beats_per_bar, mask, self.highest)
        pooled = torch.cat([real, imaginary[:, 1:]], dim=1).flatten(1)  # (b, (1 + 2 highest) d)
        return _unit(self.project(pooled))  # (b, e)


class WindowReadout(nn.Module):
    """A code of e / K channels for each beat, and the harmonics of the window over it, scaled to length 1.

    The transform is unitary except for one learnt gain per harmonic, so the cosine of two windows compares them beat by
    beat: what is learnt about matching one beat applies to all beats and bars, and no weights depend on its position in
    the window.
    """

    times: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.period = config.window_beats
        self.project = nn.Linear(config.width, config.embedding // self.period)
        harmonics = self.period // 2 + 1
        self.gain_raw = nn.Parameter(torch.full((harmonics,), math.log(math.expm1(1.0))))
        # A real signal has each C_n twice, as C_n and its conjugate, except n = 0 and n = K / 2, which are real.
        self.both = slice(1, (self.period + 1) // 2)
        times = torch.ones(harmonics)
        times[self.both] = math.sqrt(2.0)
        self.register_buffer("times", times, persistent=False)

    @property
    def gain(self) -> Tensor:
        """(n,) above 0, and 1 at the start."""
        return functional.softplus(self.gain_raw)

    def forward(self, states: Tensor, phase: Tensor, beats_per_bar: Tensor, mask: Tensor) -> Tensor:
        """states (b, k, d), mask (b, k) -> (b, e), L2-normalised; phase and meter are not used."""
        code = self.project(states)  # (b, k, c)
        real, imaginary = window_harmonics(code, mask, self.period)
        weight = self.gain * self.times.to(code.dtype)  # (n,)
        real, imaginary = weight[:, None] * real, weight[:, None] * imaginary  # (b, n, c)
        return _unit(torch.cat([real, imaginary[:, self.both]], dim=1).flatten(1))  # (b, e)


def readout(config: ModelConfig) -> nn.Module:
    """The readout that `config.readout` names."""
    return WindowReadout(config) if config.readout == "window_harmonic" else BarReadout(config)


def _unit(embedding: Tensor) -> Tensor:
    return functional.normalize(embedding.to(torch.promote_types(embedding.dtype, torch.float32)), dim=-1)
