"""Means over seeds with their 95 % intervals, and differences between variants that share their seeds."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen

CONFIDENCE = 0.95


@frozen
class Estimate:
    """A mean over `n` seeds; without an interval where one seed alone cannot give one."""

    mean: float
    low: float | None
    high: float | None
    n: int


def estimate(values: Sequence[float]) -> Estimate | None:
    """The mean of `values` with Student's t interval, mean +- t(n - 1) * s / sqrt(n); None of no values.

    One value has no interval: a spread cannot be told from it.
    """
    n = len(values)
    if not n:
        return None
    mean = float(np.mean(values))
    if n == 1:
        return Estimate(mean, None, None, 1)
    from scipy.stats import t

    half = float(t.ppf(0.5 + CONFIDENCE / 2, n - 1)) * float(np.std(values, ddof=1)) / n**0.5
    return Estimate(mean, mean - half, mean + half, n)


def paired(values: Mapping[int, float], base: Mapping[int, float]) -> Estimate | None:
    """Mean of values[seed] - base[seed] over the seeds that both have, with its interval; None without such a seed.

    A seed is a corpus and an initialisation. What makes one corpus harder than another falls out of the difference.
    """
    return estimate([values[seed] - base[seed] for seed in sorted(values.keys() & base.keys())])
