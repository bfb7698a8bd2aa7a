"""The dynamic programme of Soft-DTW for GPUs, as one Triton kernel for each direction; `soft_dtw` selects it.

One program per pair of series, one lane per row i, one loop iteration per anti-diagonal g = i + j. The last two
diagonals are kept in registers, so that no lane waits for memory that another lane wrote. All in float64.

Axes: b batch, n and m lengths.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

LONGEST = 2048
"""The most rows (lanes)."""
_ROWS_A_WARP = 128


def table_of(steps: Tensor) -> Tensor:
    """T = -R / gamma of every cell, (b, n, m) float64, from steps = -cost / gamma (b, n, m), -inf where not allowed.

    T[i, j] = steps[i, j] + logsumexp(T[i-1, j], T[i, j-1], T[i-1, j-1]).
    """
    b, n, m = steps.shape
    table = torch.empty_like(steps, memory_format=torch.contiguous_format)
    lanes, warps = _sizes(n)
    _forward[(b,)](steps.contiguous(), table, n, m, LANES=lanes, num_warps=warps)
    return table


def shares_of(table: Tensor, steps: Tensor, grad: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """`grad` (b,) times the derivative of R at the last cell with respect to every cost: path shares (b, n, m).

    rows, columns: (b,) int64, the lengths, which say which cell is the last.
    """
    b, n, m = steps.shape
    shares = torch.empty_like(table)
    lanes, warps = _sizes(n)
    ends = rows.contiguous(), columns.contiguous()
    _backward[(b,)](steps.contiguous(), table, grad.contiguous(), *ends, shares, n, m, LANES=lanes, num_warps=warps)
    return shares


def _sizes(n: int) -> tuple[int, int]:
    lanes = triton.next_power_of_2(n)
    return lanes, max(1, lanes // _ROWS_A_WARP)


@triton.jit
def _forward(steps, table, n, m, LANES: tl.constexpr):  # type: ignore[no-untyped-def]
    pair = tl.program_id(0).to(tl.int64) * n * m
    i = tl.arange(0, LANES)
    above = tl.maximum(i - 1, 0)
    last = tl.full((LANES,), float("-inf"), tl.float64)  # T on diagonal g - 1
    before_last = last  # T on diagonal g - 2
    for g in range(n + m - 1):
        j = g - i
        inside = (i < n) & (j >= 0) & (j < m)
        step = tl.load(steps + pair + i * m + j, mask=inside, other=float("-inf"))
        down = tl.where(i > 0, tl.gather(last, above, 0), float("-inf"))
        diagonal = tl.where(i > 0, tl.gather(before_last, above, 0), float("-inf"))
        diagonal = tl.where((i == 0) & (g == 0), 0.0, diagonal)  # paths begin before the first cell
        largest = tl.maximum(tl.maximum(down, diagonal), last)
        largest = tl.where(largest == float("-inf"), 0.0, largest)
        ways = tl.exp(down - largest) + tl.exp(last - largest) + tl.exp(diagonal - largest)
        here = largest + tl.log(ways) + step
        tl.store(table + pair + i * m + j, here, mask=inside)
        before_last = last
        last = here


@triton.jit
def _backward(steps, table, grad, rows, columns, shares, n, m, LANES: tl.constexpr):  # type: ignore[no-untyped-def]
    b = tl.program_id(0).to(tl.int64)
    pair = b * n * m
    end_i = tl.load(rows + b) - 1
    end_j = tl.load(columns + b) - 1
    gradient = tl.load(grad + b)
    i = tl.arange(0, LANES)
    below = tl.minimum(i + 1, LANES - 1)
    # Of diagonals g + 1 and g + 2: the shares, and the log-sum over the predecessors of each cell, T - step.
    share_1 = tl.zeros((LANES,), tl.float64)
    share_2 = share_1
    sum_1 = tl.full((LANES,), float("inf"), tl.float64)
    sum_2 = sum_1
    for back in range(n + m - 1):
        j = n + m - 2 - back - i
        inside = (i < n) & (j >= 0) & (j < m)
        here = tl.load(table + pair + i * m + j, mask=inside, other=float("-inf"))
        step = tl.load(steps + pair + i * m + j, mask=inside, other=0.0)
        has_below = i + 1 < n
        down = tl.where(has_below, tl.gather(share_1, below, 0) * tl.exp(here - tl.gather(sum_1, below, 0)), 0.0)
        diagonal = tl.where(has_below, tl.gather(share_2, below, 0) * tl.exp(here - tl.gather(sum_2, below, 0)), 0.0)
        share = down + share_1 * tl.exp(here - sum_1) + diagonal
        share = tl.where((i == end_i) & (j == end_j), share + gradient, share)
        tl.store(shares + pair + i * m + j, share, mask=inside)
        share_2 = share_1
        sum_2 = sum_1
        share_1 = tl.where(inside, share, 0.0)
        sum_1 = tl.where(here == float("-inf"), float("inf"), here - step)  # a cell that no path reaches
