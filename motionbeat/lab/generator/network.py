"""The denoiser: a transformer decoder that predicts the clean dance from a noised one, its noise level and the music.

Axes: b batch, f frames of the slice, n = f / patch tokens, c music features, w width, h heads, p channel pairs of a
head.
"""

import math
from typing import NamedTuple

import torch
from attrs import frozen
from torch import Tensor, nn
from torch.nn import functional

from motionbeat.lab.generator.motion_vector import WIDTH
from motionbeat.model.rotation import rotate

_ROTARY_BASE = 10_000.0
_TIME_BASE = 10_000.0
_PULSE_WIDTH = 64
_PULSE_FRAMES = 21
"""Frames of music, 0.7 s, that determine the gain at the middle one."""


@frozen(kw_only=True)
class NetworkConfig:
    """Sizes of the denoiser; EDGE has 512 wide, 8 layers, 8 heads, feedforward 1,024, 2 condition layers, patch 1,
    not aligned."""

    condition_width: int
    """Music features per frame (c)."""
    width: int
    layers: int
    heads: int
    feedforward: int
    dropout: float
    condition_layers: int
    """Self-attention layers for the music alone."""
    patch: int
    """Neighbouring frames in one token: more frames mean less work."""
    aligned: bool
    """Whether the music at the time of a dance token is added to it and modulates it in every layer, in addition to
    attention to all music: timing needs a product of movement and music.
    """
    preconditioned: bool
    """Whether the network corrects a linear estimate (`spectrum`); otherwise it predicts the clean vectors directly."""


class EncodedMusic(NamedTuple):
    """What the denoiser computes of the music alone, which is the same at every step of the diffusion."""

    tokens: Tensor  # (b, n, w)
    attacks: Tensor | None  # (b, f, _PULSE_WIDTH), of `_Pulse`


class Denoiser(nn.Module):
    """Noised vectors and music -> clean vectors."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        parts = 2 if config.preconditioned else 1
        self.vector_in = nn.Linear(parts * config.patch * WIDTH, width)
        self.vector_out = nn.Linear(width, parts * config.patch * WIDTH)
        self.music_in = nn.Linear(config.patch * config.condition_width, width)
        self.music_layers = nn.ModuleList(_Layer(config, decoder=False) for _ in range(config.condition_layers))
        self.music_norm = nn.LayerNorm(width)
        # replaces dropped music; drawn on the CPU, since drawing on device meta imports half of PyTorch
        self.no_music = nn.Parameter(0.02 * torch.randn(width, device="cpu"))
        self.music_summary = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.time = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))
        self.layers = nn.ModuleList(_Layer(config, decoder=True) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.pulse = _Pulse(config) if config.preconditioned and config.aligned else None
        if config.preconditioned:  # at the start the network corrects nothing
            nn.init.zeros_(self.vector_out.weight)
            nn.init.zeros_(self.vector_out.bias)

    def encode_music(self, music: Tensor) -> EncodedMusic:
        """Music (b, f, c), z-scored; f is a multiple of the patch."""
        b, f, c = music.shape
        n = f // self.config.patch
        angles = _angles(n, self.config.width // self.config.heads // 2, music)
        encoded = self.music_in(music.reshape(b, n, self.config.patch * c))  # (b, n, w)
        for layer in self.music_layers:
            encoded = layer(encoded, angles)
        return EncodedMusic(self.music_norm(encoded), None if self.pulse is None else self.pulse.attacks(music))

    def forward(
        self, noised: Tensor, step: Tensor, music: Tensor | EncodedMusic | None, shown: Tensor | None = None
    ) -> Tensor:
        """noised (b, f, 151), scaled; step (b,) of the diffusion; music (b, f, c), or none -> (b, f, 151) clean.

        f is a multiple of the patch. music: encoded already if it is used at several steps. shown: (b,) bool, True
        where the music is used. If preconditioned, noised is (b, f, 302): the estimate and the white numbers behind it.
        The result is a vector plus these white numbers times a gain: the music decides when to move, which is a gain on
        movement.
        """
        b, f, _ = noised.shape
        n = f // self.config.patch
        angles = _angles(n, self.config.width // self.config.heads // 2, noised)
        condition = self.no_music.expand(b, n, -1)  # (b, n, w)
        if isinstance(music, Tensor):
            music = self.encode_music(music)
        if music is not None:
            tokens = music.tokens
            condition = (
                tokens if shown is None else torch.where(shown[:, None, None], tokens, condition.to(tokens.dtype))
            )
        state = self.time(_waves(step, self.config.width)) + self.music_summary(condition.mean(dim=1))  # (b, w)
        states = state[:, None] + condition if self.config.aligned else state[:, None]  # (b, n, w) or (b, 1, w)
        x = self.vector_in(noised.reshape(b, n, -1))  # (b, n, w)
        if self.config.aligned:
            x = x + condition
        for layer in self.layers:
            x = layer(x, angles, functional.silu(states), condition)
        vectors: Tensor = self.vector_out(self.norm(x)).view(b, f, -1)
        if self.config.preconditioned:
            added, gain = vectors.chunk(2, dim=-1)
            if self.pulse is not None and music is not None and music.attacks is not None:
                pulse = self.pulse(music.attacks, state)
                gain = gain + (pulse if shown is None else pulse * shown[:, None, None])
            return added + gain * noised[..., WIDTH:]
        return vectors


class _Pulse(nn.Module):
    """Music to gains for each frame: a dance starts and stops within a tenth of a second, which is less than a
    token.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(config.condition_width, _PULSE_WIDTH, _PULSE_FRAMES, padding=_PULSE_FRAMES // 2)
        self.film = nn.Linear(config.width, _PULSE_WIDTH)
        self.gain = nn.Linear(_PULSE_WIDTH, WIDTH)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.gain.bias)

    def attacks(self, music: Tensor) -> Tensor:
        """Music (b, f, c) -> (b, f, h)."""
        return functional.silu(self.convolution(music.transpose(1, 2)).transpose(1, 2))

    def forward(self, attacks: Tensor, state: Tensor) -> Tensor:
        """attacks (b, f, h), state (b, w) -> (b, f, 151)."""
        gain: Tensor = self.gain(attacks * (1 + self.film(functional.silu(state))[:, None]))
        return gain


class _Layer(nn.Module):
    """Pre-norm self-attention and feedforward; in the decoder it also attends to the music, and each part is
    modulated.
    """

    def __init__(self, config: NetworkConfig, decoder: bool) -> None:
        super().__init__()
        width = config.width
        self.self_attention = _Attention(config)
        self.cross_attention = _Attention(config) if decoder else None
        self.widen = nn.Linear(width, config.feedforward)
        self.narrow = nn.Linear(config.feedforward, width)
        parts = 3 if decoder else 2
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(parts))
        self.films = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(parts if decoder else 0))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, angles: Tensor, state: Tensor | None = None, music: Tensor | None = None) -> Tensor:
        """x (b, n, w), angles (1, n, p), state (b, n or 1, w), music (b, n, w) -> (b, n, w)."""
        normed = self.norms[0](x)
        x = x + self._modulated(0, self.self_attention(normed, normed, angles), state)
        if self.cross_attention is not None and music is not None:
            x = x + self._modulated(1, self.cross_attention(self.norms[1](x), music, angles), state)
        update = self.narrow(self.dropout(functional.gelu(self.widen(self.norms[-1](x)))))
        return x + self._modulated(-1, update, state)

    def _modulated(self, part: int, x: Tensor, state: Tensor | None) -> Tensor:
        """FiLM (Perez et al., AAAI 2018): each channel scaled and shifted by linear functions of the state."""
        x = self.dropout(x)
        if state is None:
            return x
        scale, shift = self.films[part](state).chunk(2, dim=-1)  # (b, n or 1, w) each
        modulated: Tensor = (1 + scale) * x + shift
        return modulated


class _Attention(nn.Module):
    """Multi-head attention with rotary positions: attention depends on differences in time, within the dance and
    between dance and music.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.heads, self.dropout = config.heads, config.dropout
        self.query = nn.Linear(config.width, config.width)
        self.key_value = nn.Linear(config.width, 2 * config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor, source: Tensor, angles: Tensor) -> Tensor:
        """x (b, n, w) attends to source (b, n, w); angles (1, n, p)."""
        query = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (b, h, n, 2p)
        key, value = self.key_value(source).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(
            rotate(query, angles), rotate(key, angles), value, dropout_p=dropout
        )
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(-2))
        return out


def _angles(tokens: int, pairs: int, like: Tensor) -> Tensor:
    """(1, n, p) radians: the token's index times rates that decrease geometrically from 1."""
    rates = _ROTARY_BASE ** -(torch.arange(pairs, device=like.device, dtype=torch.float32) / pairs)
    return (torch.arange(tokens, device=like.device, dtype=torch.float32)[:, None] * rates)[None]


def _waves(step: Tensor, width: int) -> Tensor:
    """(b,) -> (b, w): sines and cosines of the diffusion step at rates that decrease geometrically from 1."""
    rates = torch.exp(-math.log(_TIME_BASE) * torch.arange(width // 2, device=step.device) / (width // 2))
    phase = step[:, None].float() * rates
    return torch.cat([phase.sin(), phase.cos()], dim=-1)
