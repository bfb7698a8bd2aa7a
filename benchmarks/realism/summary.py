"""Means over clips or songs with 95 % intervals, and how they are written down."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen

from motionbeat.lab.tasks.group_bootstrap import ratio_interval

RESAMPLINGS = 1000


@frozen
class Mean:
    """A mean over `count` items; its 95 % interval, none where all are of one group; the items' own deviation."""

    value: float
    count: int
    interval: tuple[float, float] | None
    std: float


def summarise(items: Sequence[Mapping[str, float]], groups: Sequence[str], names: Sequence[str]) -> dict[str, Mean]:
    """Mean of each measure over the items that have it.

    The interval is a percentile bootstrap that draws whole groups (clips danced to one song resemble each other),
    1,000 times from a fixed seed.
    """
    return {name: mean for name in names if (mean := _mean(items, groups, name)) is not None}


def _mean(items: Sequence[Mapping[str, float]], groups: Sequence[str], name: str) -> Mean | None:
    having = [(item[name], group) for item, group in zip(items, groups, strict=True) if name in item]
    if not having:
        return None
    values = np.array([value for value, _ in having])
    _, inverse = np.unique([group for _, group in having], return_inverse=True)
    sums, counts = np.bincount(inverse, values), np.bincount(inverse)
    interval = ratio_interval(sums, counts, RESAMPLINGS, seed=0)
    return Mean(float(values.mean()), len(values), interval, float(values.std()))


def place(items: Sequence[Mapping[str, float]], name: str, value: float) -> float | None:
    """Percent of the items whose measure lies below `value` (half of the equal ones); none if no item has it."""
    having = np.array([item[name] for item in items if name in item])
    if not len(having):
        return None
    return 100 * float((having < value).mean() + 0.5 * (having == value).mean())


def number(value: float) -> str:
    """Three significant digits, without exponents and without a negative zero."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 2 if value == 0 else max(0, 2 - int(np.floor(np.log10(abs(value)))))
    text = f"{value:.{min(digits, 4)}f}"
    return text.lstrip("-") if float(text) == 0 else text


def cell(mean: Mean | None) -> str:
    """mean [low, high], or a dash."""
    if mean is None:
        return "-"
    if mean.interval is None:
        return number(mean.value)
    return f"{number(mean.value)} [{number(mean.interval[0])}, {number(mean.interval[1])}]"
