"""Self-attention over beats with phase rotation (eq. 7) and, for motion, contact guidance (eqs. 8-9).

Axes: b batch, k beats, d width, h heads, c = d / h channels of a head, p = c / 2 pairs of channels.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionbeat.model.rotation import rotate

INITIAL_ALPHA = 0.1


class PhaseAttention(nn.Module):
    """Multi-head attention; with `contact`, beats in which a foot contact begins get more weight.

    logits: <q~_t, k~_u> / sqrt(c) + alpha_logit . r_u; values: (1 + alpha_value . r_u) * v_u. r_u has `contacts`
    numbers per beat: 1 as in the paper, or one per sub-beat. Both alphas have as many; they are the softplus of learnt
    numbers and sum to 0.1 at the start. If both are 0 it is plain attention.
    """

    def __init__(self, width: int, heads: int, dropout: float, contacts: int) -> None:
        super().__init__()
        self.heads, self.dropout, self.contact = heads, dropout, contacts > 0
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        if contacts:
            before_softplus = torch.full((contacts,), math.log(math.expm1(INITIAL_ALPHA / contacts)))
            self.alpha_logit_raw = nn.Parameter(before_softplus.clone())
            self.alpha_value_raw = nn.Parameter(before_softplus.clone())

    @property
    def alpha_logit(self) -> Tensor:
        """(r,) at least 0, eq. 8."""
        return functional.softplus(self.alpha_logit_raw)

    @property
    def alpha_value(self) -> Tensor:
        """(r,) at least 0, eq. 9."""
        return functional.softplus(self.alpha_value_raw)

    def queries_keys_values(self, x: Tensor, angles: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """q~, k~ (turned) and v (not turned), each (b, h, k, c)."""
        b, k, d = x.shape
        qkv = self.qkv(x).view(b, k, 3 * self.heads, d // self.heads).transpose(1, 2)  # (b, 3 h, k, c)
        turned, v = qkv.split([2 * self.heads, self.heads], dim=1)
        q, key = rotate(turned, angles).chunk(2, dim=1)  # 2 of (b, h, k, c)
        return q, key, v

    def bias(self, mask: Tensor, contact: Tensor | None, dtype: torch.dtype) -> Tensor:
        """(b, 1, 1, k) to add to the logits of each key: the contact term, and a large negative number if it is masked.

        It is finite, not minus infinity, so that a sequence without real beats gives no NaN; with any real key, the
        softmax of a masked key is exactly zero.
        """
        bias = torch.zeros_like(mask, dtype=dtype)
        if self.contact and contact is not None:
            bias = (contact @ self.alpha_logit).to(dtype)  # (b, k)
        return bias.masked_fill(~mask, torch.finfo(dtype).min / 2)[:, None, None]  # (b, 1, 1, k)

    def forward(self, x: Tensor, angles: Tensor | None, mask: Tensor, contact: Tensor | None = None) -> Tensor:
        """x (b, k, d), angles (b, k, p), mask (b, k) True = real beat, contact (b, k, r) -> (b, k, d)."""
        b, k, d = x.shape
        q, key, v = self.queries_keys_values(x, angles)
        if self.contact and contact is not None:
            v = (v * (1 + contact @ self.alpha_value)[:, None, :, None]).to(q.dtype)  # (b, h, k, c)
        bias = self.bias(mask, contact, q.dtype).expand(b, self.heads, k, k)  # (b, h, k, k)
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(q, key, v, attn_mask=bias, dropout_p=dropout)  # (b, h, k, c)
        return self.out(mixed.transpose(1, 2).reshape(b, k, d))  # (b, k, d)
