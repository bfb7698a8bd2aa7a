"""The dynamic programme of Soft-DTW for CPUs, as loops compiled by numba; `soft_dtw` selects it.

It goes cell by cell, which needs fewer passes over memory than diagonals of all pairs. Pairs are divided among torch's
number of threads; the result does not depend on it. Functions and axes as in `motionbeat.losses.soft_dtw_kernel`.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

_CELLS_A_THREAD = 50_000


def table_of(steps: Tensor) -> Tensor:
    """T = -R / gamma of every cell, (b, n, m) float64, from steps = -cost / gamma (b, n, m), -inf where not allowed."""
    table = torch.empty_like(steps, memory_format=torch.contiguous_format)
    _shared(_forward, steps.contiguous(), table)
    return table


def shares_of(table: Tensor, steps: Tensor, grad: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """`grad` (b,) times the derivative of R at the last cell with respect to every cost, (b, n, m)."""
    shares = torch.empty_like(table)
    _shared(_backward, steps.contiguous(), table, grad.contiguous(), rows.contiguous(), columns.contiguous(), shares)
    return shares


def _shared(compute: Callable[..., None], *tensors: Tensor) -> None:
    arrays: list[np.ndarray[Any, Any]] = [tensor.detach().numpy() for tensor in tensors]
    threads = min(torch.get_num_threads(), len(arrays[0]), 1 + arrays[0].size // _CELLS_A_THREAD)
    if threads < 2:
        compute(*arrays)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda *parts: compute(*parts), *(np.array_split(array, threads) for array in arrays)))


@njit(nogil=True, cache=True)
def _forward(steps, table):  # type: ignore[no-untyped-def]
    pairs, n, m = steps.shape
    for b in range(pairs):
        for i in range(n):
            for j in range(m):
                down = table[b, i - 1, j] if i > 0 else -np.inf
                right = table[b, i, j - 1] if j > 0 else -np.inf
                diagonal = table[b, i - 1, j - 1] if i > 0 and j > 0 else -np.inf
                if i == 0 and j == 0:
                    diagonal = 0.0  # paths begin before the first cell
                largest = max(down, right, diagonal)
                if largest > -np.inf:
                    ways = math.exp(down - largest) + math.exp(right - largest) + math.exp(diagonal - largest)
                    largest += math.log(ways)
                elif math.isnan(down + right + diagonal):
                    largest = np.nan
                table[b, i, j] = largest + steps[b, i, j]


@njit(nogil=True, cache=True)
def _backward(steps, table, grad, rows, columns, shares):  # type: ignore[no-untyped-def]
    pairs, n, m = steps.shape
    for b in range(pairs):
        for i in range(n - 1, -1, -1):
            for j in range(m - 1, -1, -1):
                share, here = 0.0, table[b, i, j]
                for down, right in ((1, 0), (0, 1), (1, 1)):
                    row, column = i + down, j + right
                    if row < n and column < m and shares[b, row, column] != 0.0:
                        into = here - table[b, row, column] + steps[b, row, column]
                        share += shares[b, row, column] * math.exp(into)
                if i == rows[b] - 1 and j == columns[b] - 1:
                    share += grad[b]
                shares[b, i, j] = share
