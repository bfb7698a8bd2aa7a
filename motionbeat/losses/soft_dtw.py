"""Soft-DTW and its divergence, with an exact backward pass written by hand.

Cuturi & Blondel (2017), "Soft-DTW: a differentiable loss function for time-series"; Blondel,
Mensch & Vert (2021), "Differentiable divergences between time series". The dynamic programme always runs in float64,
along anti-diagonals: on a GPU with Triton as one kernel for each direction (`motionbeat.losses.soft_dtw_kernel`), on a
CPU with numba and without a band as compiled loops (`motionbeat.losses.soft_dtw_loops`), otherwise diagonal by diagonal
in torch.

Axes: b batch, n and m lengths, f features; i index in x, g = i + j anti-diagonal.
"""

import importlib.util
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from motionbeat.errors import MotionBeatError


def soft_dtw(
    x: Tensor,
    y: Tensor,
    gamma: float,
    *,
    band: int | None = None,
    lengths: tuple[Tensor, Tensor] | None = None,
    validate: bool = True,
) -> Tensor:
    """Soft minimum, over all monotone alignments, of the summed squared Euclidean distances.

    x: (b, n, f), y: (b, m, f). gamma > 0, in units of squared distance. Returns (b,), dtype of x.
    band: only cells (i, j) with |i - j| <= band are allowed. For unequal lengths the diagonal runs from corner to
    corner, distances are in steps of the longer series, and the band is at least half the ratio of the lengths, so that
    a path exists. None: all cells.
    lengths: the real lengths of each x and each y, two (b,); None: all steps are real.
    validate: False skips the check of lengths, so that nothing is read back from a GPU.
    Differentiable once; a second derivative raises `MotionBeatError`.
    """
    cost, rows, columns = _costs(x, y, gamma, band, lengths, validate)
    value: Tensor = _SoftDtw.apply(cost, rows, columns, float(gamma), _compiled(cost, band))
    return value.to(x.dtype)


def soft_alignment(x: Tensor, y: Tensor, gamma: float, *, band: int | None = None) -> Tensor:
    """The expected alignment of Soft-DTW: (b, n, m), the weighted share of paths through each cell.

    It is the gradient of `soft_dtw` with respect to the distances; the first and the last cell are 1. Arguments as for
    `soft_dtw`.
    """
    with torch.enable_grad():
        cost, rows, columns = _costs(x.detach(), y.detach(), gamma, band, None, True)
        value = _SoftDtw.apply(cost.requires_grad_(), rows, columns, float(gamma), None)
        (share,) = torch.autograd.grad(value.sum(), cost)
    return share.to(x.dtype)


def soft_dtw_divergence(
    x: Tensor,
    y: Tensor,
    gamma: float,
    *,
    band: int | None = None,
    lengths: tuple[Tensor, Tensor] | None = None,
    validate: bool = True,
) -> Tensor:
    """sdtw(x, y) - (sdtw(x, x) + sdtw(y, y)) / 2: at least 0, and 0 for equal series, unlike soft_dtw itself.

    Arguments and result as for `soft_dtw`.
    """
    _check(x, y, gamma, band)
    if x.shape == y.shape:
        all_lengths = None if lengths is None else _crossed_and_self(*lengths)
        left, right = _crossed_and_self(x, y)  # (3 b, n, f): one run for all three terms
        crossed, self_x, self_y = soft_dtw(left, right, gamma, band=band, lengths=all_lengths, validate=validate).chunk(
            3
        )
    else:
        rows, columns = lengths if lengths is not None else (None, None)
        of_x, of_y = (None if length is None else (length, length) for length in (rows, columns))
        crossed = soft_dtw(x, y, gamma, band=band, lengths=lengths, validate=validate)
        self_x = soft_dtw(x, x, gamma, band=band, lengths=of_x, validate=validate)
        self_y = soft_dtw(y, y, gamma, band=band, lengths=of_y, validate=validate)
    return crossed - (self_x + self_y) / 2


def _crossed_and_self(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs (x, y), (x, x) and (y, y), concatenated."""
    return torch.cat([x, x, y]), torch.cat([y, x, y])


def _costs(
    x: Tensor, y: Tensor, gamma: float, band: int | None, lengths: tuple[Tensor, Tensor] | None, validate: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Squared distances (b, n, m) in float64, infinite where a path may not go, and the lengths (b,) of x and y."""
    _check(x, y, gamma, band)
    b, n, m = len(x), x.shape[1], y.shape[1]
    if lengths is None:
        lengths = (torch.full((b,), n, device=x.device), torch.full((b,), m, device=x.device))
    rows, columns = lengths[0].long(), lengths[1].long()
    for name, length, longest in (("x", rows, n), ("y", columns, m)):
        if length.shape != (b,) or (validate and bool((length < 1).any() | (length > longest).any())):
            raise MotionBeatError(f"lengths of {name} are {length.tolist()}; expected {b} numbers from 1 to {longest}")
    x64, y64 = x.double(), y.double()
    cost = (x64**2).sum(-1)[:, :, None] + (y64**2).sum(-1)[:, None] - 2 * x64 @ y64.transpose(1, 2)  # (b, n, m)
    return cost.masked_fill(~_allowed(n, m, rows, columns, band), torch.inf), rows, columns


def _check(x: Tensor, y: Tensor, gamma: float, band: int | None) -> None:
    if x.ndim != 3 or y.ndim != 3 or len(x) != len(y) or x.shape[2] != y.shape[2] or 0 in (*x.shape, *y.shape):
        raise MotionBeatError(
            f"series have shapes {tuple(x.shape)} and {tuple(y.shape)}; expected (batch, n, features) and "
            "(batch, m, features), none of them empty"
        )
    if not gamma > 0:
        raise MotionBeatError(f"gamma = {gamma}; expected a number above 0")
    if band is not None and band < 0:
        raise MotionBeatError(f"band = {band}; expected at least 0, or None for no band")


def _allowed(n: int, m: int, rows: Tensor, columns: Tensor, band: int | None) -> Tensor:
    """(b, n, m) True in cells that a path may use."""
    i = torch.arange(n, device=rows.device)[None, :, None]
    j = torch.arange(m, device=rows.device)[None, None, :]
    last_i, last_j = (rows - 1)[:, None, None], (columns - 1)[:, None, None]  # (b, 1, 1)
    inside = (i <= last_i) & (j <= last_j)
    if band is None:
        return inside
    longer, shorter = torch.maximum(last_i, last_j), torch.minimum(last_i, last_j)
    # |i / last_i - j / last_j| * longer <= max(band, longer / shorter / 2), times 2 * last_i * last_j: whole numbers
    off_diagonal = 2 * longer * (i * last_j - j * last_i).abs()
    half_width = torch.maximum(2 * band * last_i * last_j, longer * longer)
    return inside & ((off_diagonal <= half_width) | (shorter == 0))


def _skewed(cells: Tensor, fill: float) -> Tensor:
    """(b, n, m) -> (g, n, b) with [i + j, i] = cells[:, i, j], `fill` elsewhere."""
    b, n, m = cells.shape
    wide = torch.nn.functional.pad(cells, (0, n), value=fill).reshape(b, n * (m + n))  # row i is now n + m long
    return wide[:, : n * (m + n - 1)].reshape(b, n, m + n - 1).permute(2, 1, 0).contiguous()  # (g, n, b)


def _straight(skewed: Tensor, m: int) -> Tensor:
    """The inverse of `_skewed`: (g, n, b) -> (b, n, m)."""
    g, n, b = skewed.shape
    flat = torch.nn.functional.pad(skewed.permute(2, 1, 0).reshape(b, n * g), (0, n))
    return flat.reshape(b, n, g + 1)[:, :, :m]  # (b, n, m)


def _strip(skewed: Tensor) -> tuple[list[int], int]:
    """The first row of each anti-diagonal that a path may use, and the number of rows to compute.

    On a GPU all rows are computed, since reading which ones are needed would make the GPU wait.
    """
    g, n, _ = skewed.shape
    if skewed.device.type != "cpu":
        return [0] * g, n
    used = (skewed != -torch.inf).any(2)  # (g, n)
    first = used.int().argmax(1)
    last = n - 1 - used.flip(1).int().argmax(1)
    width = int((last - first)[used.any(1)].max()) + 1
    return first.clamp(max=n - width).tolist(), width


@cache
def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _compiled(cost: Tensor, band: int | None) -> Any:
    """The module whose `table_of` and `shares_of` run the dynamic programme; None: diagonal by diagonal.

    On a CPU with a band, only the diagonals skip the cells outside the band.
    """
    if cost.is_cuda and _installed("triton"):
        from motionbeat.losses import soft_dtw_kernel

        return soft_dtw_kernel if cost.shape[1] <= soft_dtw_kernel.LONGEST else None
    if cost.device.type == "cpu" and band is None and _installed("numba"):
        from motionbeat.losses import soft_dtw_loops

        return soft_dtw_loops
    return None


class _SoftDtw(Function):
    """R[i, j] = cost[i, j] + softmin(R[i-1, j], R[i, j-1], R[i-1, j-1]); the value is R at the last cell.

    The table holds -R / gamma, for which the soft minimum is a plain logsumexp. Only a strip of `width` rows of each
    anti-diagonal is computed; with a band it is narrow.
    """

    @staticmethod
    def forward(ctx: Any, cost: Tensor, rows: Tensor, columns: Tensor, gamma: float, compiled: Any) -> Tensor:
        b, n, m = cost.shape
        batch = torch.arange(b, device=cost.device)
        ctx.gamma, ctx.low, ctx.compiled = gamma, None, compiled
        if compiled:
            table = compiled.table_of(cost / -gamma)
            ctx.save_for_backward(cost, table, rows, columns)
            return -gamma * table[batch, rows - 1, columns - 1]  # (b,)
        skewed = _skewed(cost / -gamma, -torch.inf)  # (g, n, b)
        low, width = _strip(skewed)
        # Cell (i, j) is at [i + j + 2, i + 1]. All cells before (0, 0) are -inf except (-1, -1), where paths begin.
        table = skewed.new_full((n + m + 1, n + 1, b), -torch.inf)
        table[0, 0] = 0
        # Weight of the steps into each cell of the strip: from (i-1, j), from (i, j-1), from (i-1, j-1).
        weights = skewed.new_empty((n + m - 1, 3, width, b))
        smallest = torch.finfo(skewed.dtype).min
        for g, i in enumerate(low):
            before, twice = table[g + 1], table[g]
            ways = torch.stack([before[i : i + width], before[i + 1 : i + width + 1], twice[i : i + width]])
            total = ways.logsumexp(0)  # (width, b)
            torch.add(skewed[g, i : i + width], total, out=table[g + 2, i + 1 : i + width + 1])
            # clamped, so that a cell that cannot be reached gets weights 0; NaN stays NaN
            torch.exp(ways - total.clamp_(min=smallest), out=weights[g])
        ctx.save_for_backward(cost, weights, rows, columns)
        ctx.low = low
        return -gamma * table[rows + columns, rows, batch]  # (b,)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return _SoftDtwGradient.apply(grad, *ctx.saved_tensors, ctx.low, ctx.gamma, ctx.compiled), *[None] * 4


class _SoftDtwGradient(Function):
    """E[i, j], the derivative of the value with respect to cost[i, j]: the share of paths through that cell."""

    @staticmethod
    def forward(
        ctx: Any,
        grad: Tensor,
        cost: Tensor,
        weights: Tensor,
        rows: Tensor,
        columns: Tensor,
        low: list[int] | None,
        gamma: float,
        compiled: Any,
    ) -> Tensor:
        """weights: those of `_SoftDtw`, or the table of `compiled`, which has no `low`."""
        b, n, m = cost.shape  # an input only so that a second derivative calls `backward`, which refuses it
        if low is None:
            shares: Tensor = compiled.shares_of(weights, cost / -gamma, grad, rows, columns)
            return shares
        width = weights.shape[2]
        share = weights.new_zeros((n + m + 1, n + 1, b))  # as the table
        share[rows + columns, rows, torch.arange(b, device=grad.device)] = grad
        for g in range(n + m - 2, -1, -1):
            i = low[g]
            down, right, diagonal = weights[g] * share[g + 2, i + 1 : i + width + 1]
            share[g + 1, i : i + width] += down
            share[g + 1, i + 1 : i + width + 1] += right
            share[g, i : i + width] += diagonal
        return _straight(share[2:, 1:], m)  # (b, n, m)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        raise MotionBeatError("soft_dtw can be differentiated only once: do not differentiate its gradient")
