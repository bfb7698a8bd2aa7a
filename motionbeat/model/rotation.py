"""Bar-equivariant phase rotations (eq. 7): queries and keys are rotated by the phase of their beat.

Adding a constant to the phase of every beat rotates all queries and keys equally and does not change any attention
weight.

Axes: b batch, k beats, h heads, c channels of a head, p = c / 2 pairs of channels.
"""

import math

import torch
from torch import Tensor

ROTARY_BASE = 100.0
"""The slowest rotary pair turns 1 / ROTARY_BASE rad a beat: with the usual 10,000 it would hardly move in 16 beats."""


def bar_phase(bar_position: Tensor, beats_per_bar: Tensor) -> Tensor:
    """phi = 2 pi * bar_position / B, radians. (b, k) and (b,) -> (b, k); positions may be fractional."""
    return 2 * math.pi * bar_position / beats_per_bar.to(bar_position.dtype)[:, None]  # (b, k)


def rotation_angles(kind: str, phase: Tensor, beats_per_bar: Tensor, subbeats: int, pairs: int) -> Tensor | None:
    """Angle of every channel pair of a head at every beat, radians; None if nothing is rotated.

    kind: `paper` turns every pair by phi (eq. 7). `harmonic` turns pair i of the first half by
    (1 + i mod floor(B S / 2)) * phi, where B is the sequence's meter, and the pairs of the second half by the beat's
    index in the window at geometric rates (rotary position), since beats t and t + B have the same phase. `rotary`
    turns every pair by the index and does not use the bar: if `harmonic` is better, the reason is the phase. `none`
    turns nothing; without any other position, attention treats the window as a set.
    phase: (b, k). beats_per_bar: (b,). Returns (b, k, p).
    """
    if kind == "none":
        return None
    if kind == "paper":
        return phase[..., None].expand(*phase.shape, pairs)  # (b, k, p)
    harmonic_pairs = 0 if kind == "rotary" else (pairs + 1) // 2
    highest = (beats_per_bar.long() * subbeats // 2).clamp(min=1)
    harmonics = 1 + torch.arange(harmonic_pairs, device=phase.device) % highest[:, None]  # (b, p / 2)
    in_bar = phase[..., None] * harmonics.to(phase.dtype)[:, None]  # (b, k, p / 2)
    rotary_pairs = pairs - harmonic_pairs
    steps = torch.arange(rotary_pairs, device=phase.device, dtype=phase.dtype) / max(rotary_pairs - 1, 1)
    beats = torch.arange(phase.shape[1], device=phase.device, dtype=phase.dtype)
    in_window = beats[:, None] * ROTARY_BASE**-steps  # (k, p / 2)
    return torch.cat([in_bar, in_window.expand(phase.shape[0], -1, -1)], dim=-1)  # (b, k, p)


def rotate(x: Tensor, angles: Tensor | None) -> Tensor:
    """Turn channel pairs (2i, 2i + 1) of every head by (cos, -sin; sin, cos) of their angle.

    x: (b, h, k, c). angles: (b, k, p), or None for x itself. Returns the shape and type of x.
    """
    if angles is None:
        return x
    pairs = x.to(torch.promote_types(x.dtype, angles.dtype)).unflatten(-1, (-1, 2))  # (b, h, k, p, 2)
    if torch.compiler.is_compiling():  # torch.compile has no complex numbers; it fuses this form
        cos, sin = angles.cos()[:, None], angles.sin()[:, None]  # (b, 1, k, p)
        first, second = pairs.unbind(-1)  # (b, h, k, p)
        turned = torch.stack([cos * first - sin * second, sin * first + cos * second], dim=-1)  # (b, h, k, p, 2)
    else:  # as complex numbers each pair is read and written once
        angles = angles.to(pairs.dtype)
        turn = torch.polar(torch.ones_like(angles), angles)[:, None]  # (b, 1, k, p)
        turned = torch.view_as_real(torch.view_as_complex(pairs) * turn)  # (b, h, k, p, 2)
    return turned.flatten(-2).to(x.dtype)  # (b, h, k, c)
