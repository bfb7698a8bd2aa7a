"""The bootstrap for all intervals: whole groups are drawn with replacement, such as all queries of a song.

Items of one group are similar, so drawing single items would make intervals too narrow. The weight of an item is how
often its group was drawn; with weights, 1,000 resamplings of a score cost little more than one. The same groups and
seed give the same draws, so the difference of two rows of a table can be computed in each resampling, for a paired
interval. Axes: r resamplings, n items.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

Floats = NDArray[np.floating]
PERCENTILES = (2.5, 97.5)


class Interval(NamedTuple):
    """Ends of a 95 % interval, in the unit of the score."""

    low: float
    high: float


def draws(groups: Sequence[Any] | NDArray[Any], resamplings: int, seed: int) -> NDArray[np.int64]:
    """How often each item is drawn in each resampling: (r, n). The number of drawn groups is the number of groups.

    A single group has no resamplings, (0, n): the interval would have no width.
    """
    if np.ndim(groups) != 1 or not len(groups):
        raise MotionBeatError(f"groups {np.shape(groups)}: expected the group of each item in one row, not empty")
    names, group_of_item = np.unique(np.asarray(groups), return_inverse=True)
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    drawn = generator.multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=resamplings if len(names) > 1 else 0
    )
    return drawn[:, group_of_item]


def weights_of(groups: Sequence[Any] | NDArray[Any], resamplings: int, seed: int) -> NDArray[np.float64]:
    """A row of ones, for the score itself, and then the rows of `draws`: (1 + r, n)."""
    drawn = draws(groups, resamplings, seed)
    return np.concatenate([np.ones((1, drawn.shape[1])), drawn])


def weighted_mean(values: Floats, weights: NDArray[Any]) -> Floats:
    """Mean of values (n,) under each row of weights (r, n): (r,)."""
    return weights @ values / weights.sum(axis=1)


def weighted_median(values: Floats, weights: NDArray[Any]) -> Floats:
    """Median of values (n,) under each row of integer weights (r, n): (r,), the midpoint if there are two medians."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[:, order]
    reached, total = np.cumsum(weights, axis=1), weights.sum(axis=1)
    lower = np.argmax(reached > ((total - 1) // 2)[:, None], axis=1)
    upper = np.argmax(reached > (total // 2)[:, None], axis=1)
    return (values[lower] + values[upper]) / 2


def interval(resampled: Floats) -> Interval | None:
    """95 % percentile interval of resampled scores (r,); None if no resampling has a score."""
    known = resampled[np.isfinite(resampled)]
    return Interval(*(float(bound) for bound in np.percentile(known, PERCENTILES))) if len(known) else None


def ratio_interval(total: NDArray[Any], n: NDArray[Any], resamplings: int, seed: int) -> Interval | None:
    """95 % interval of sum(total) / sum(n) over groups drawn with replacement; None with fewer than two groups.

    total, n: (groups,), the sum over a group's items and their number.
    """
    if len(n) < 2:
        return None
    drawn = draws(np.arange(len(n)), resamplings, seed)
    return interval((drawn @ total) / (drawn @ n))
