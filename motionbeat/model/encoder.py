"""A pre-norm Transformer over the beats of a window, one for audio and one for motion.

Axes: b batch, k beats, d width, p pairs of channels of a head.
"""

import torch
from torch import Tensor, nn

from motionbeat.model.attention import PhaseAttention
from motionbeat.model.config import ModelConfig
from motionbeat.model.rotation import rotation_angles


class Block(nn.Module):
    """x + attention(norm x), then x + feed-forward(norm x), GELU, four times as wide."""

    def __init__(self, config: ModelConfig, contacts: int) -> None:
        super().__init__()
        d = config.width
        self.norm_attention = nn.LayerNorm(d)
        self.attention = PhaseAttention(d, config.heads, config.dropout, contacts)
        self.norm_feed = nn.LayerNorm(d)
        self.feed = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, angles: Tensor | None, mask: Tensor, contact: Tensor | None) -> Tensor:
        x = x + self.dropout(self.attention(self.norm_attention(x), angles, mask, contact))
        return x + self.dropout(self.feed(self.norm_feed(x)))  # (b, k, d)


class Encoder(nn.Module):
    """Z-scored tokens -> one state per beat.

    With `config.phase_features`, sin and cos of the bar phase enter through a linear layer (the
    paper's additive bar-phase encoding); the states then change when the phases shift. contacts: how many numbers of
    r_t guide attention; 0: no guidance.
    """

    def __init__(self, config: ModelConfig, token: int, contacts: int = 0) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Linear(token, config.width)
        self.embed_phase = nn.Linear(2, config.width, bias=False) if config.phase_features else None
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, contacts) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(
        self, tokens: Tensor, phase: Tensor, beats_per_bar: Tensor, mask: Tensor, contact: Tensor | None = None
    ) -> Tensor:
        """tokens (b, k, token), phase (b, k) rad, beats_per_bar (b,), mask (b, k) True = real.

        contact: (b, k, contacts), if attention is guided.

        Returns (b, k, d). Attention ignores masked beats; the states at masked beats have no meaning.
        """
        pairs = self.config.width // self.config.heads // 2
        angles = rotation_angles(self.config.rotation, phase, beats_per_bar, self.config.subbeats, pairs)  # (b, k, p)
        # Under bf16 autocast the residual stream stays in the precision of the weights.
        x = self.embed(tokens).to(self.norm.weight.dtype)  # (b, k, d)
        if self.embed_phase is not None:
            x = x + self.embed_phase(torch.stack([phase.sin(), phase.cos()], dim=-1))  # (b, k, d)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, angles, mask, contact)
        return self.norm(x)  # (b, k, d)
