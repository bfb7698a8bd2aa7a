"""Soft-DTW, forward and backward, compared with tslearn's compiled core and tslearn's loss for torch."""

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.bench.rounds import Row, compare
from motionbeat.losses import soft_dtw

SIZES = ((64, 16), (512, 16), (64, 64), (8, 256))  # pairs, length
GAMMA = 0.1


def rows() -> Iterator[Row]:
    """For each size, both peers; only the core gets finished costs."""
    from tslearn.metrics import SoftDTW, SoftDTWLossPyTorch

    loss = SoftDTWLossPyTorch(gamma=GAMMA)
    for pairs, length in SIZES:
        generator = torch.Generator().manual_seed(0)
        x, y = torch.rand(2, pairs, length, 1, generator=generator, dtype=torch.float64).unbind()
        x.requires_grad_()
        costs = ((x.detach() - y.transpose(1, 2)) ** 2).numpy()

        def ours(x: torch.Tensor = x, y: torch.Tensor = y) -> None:
            torch.autograd.grad(soft_dtw(x, y, GAMMA).sum(), x)

        def core(costs: np.ndarray = costs) -> None:
            for cost in costs:
                recursion = SoftDTW(cost, gamma=GAMMA)
                recursion.compute()
                recursion.grad()

        def their_loss(x: torch.Tensor = x, y: torch.Tensor = y) -> None:
            torch.autograd.grad(loss(x, y).sum(), x)

        size = f"{pairs} pairs of {length}"
        yield compare("Soft-DTW", size, ours, "tslearn's compiled core", core, at_most=1.0)
        yield compare("Soft-DTW", size, ours, "tslearn's torch loss", their_loss, at_most=1.0)
