"""Earth mover's distance of a bar, compared with POT's one-dimensional solvers."""

from collections.abc import Iterator

import torch

from benchmarks.bench.rounds import Row, compare
from motionbeat.losses import wasserstein_circle, wasserstein_line

BARS, BINS = 512, 16


def rows() -> Iterator[Row]:
    """512 bars of 16 bins; POT takes positions, ours are the bins. Values agree (tests/library/test_losses_emd.py)."""
    import ot

    p, q = torch.rand(2, BARS, BINS, generator=torch.Generator().manual_seed(0), dtype=torch.float64).unbind()
    p, q = (mass / mass.sum(-1, keepdim=True) for mass in (p, q))
    bins, size = torch.arange(BINS, dtype=torch.float64), f"{BARS} bars of {BINS} bins"
    line = bins[:, None].expand(BINS, BARS).contiguous()
    yield compare(
        "bar EMD on the line",
        size,
        lambda: wasserstein_line(p, q),
        "ot.wasserstein_1d",
        lambda: ot.wasserstein_1d(line, line, p.T.contiguous(), q.T.contiguous()),
        rounds=9,
        at_most=1 / 5,
    )
    turn = (bins / BINS).numpy()
    masses = list(zip(p.numpy(), q.numpy(), strict=True))[:64]

    def circle() -> None:
        for mine, other in masses:
            ot.wasserstein_circle(turn, turn, mine, other)

    yield compare(
        "bar EMD around the circle",
        size,
        lambda: wasserstein_circle(p, q),
        "ot.wasserstein_circle",
        circle,
        times=BARS / len(masses),
        at_most=1 / 50,
    )
