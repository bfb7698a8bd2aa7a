"""Two computations timed in turns, so that what else the machine does slows both alike."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from attrs import frozen

Compute = Callable[[], Any]


@frozen
class Row:
    """One comparison."""

    case: str
    size: str
    ours_s: float
    """Median seconds of the thing measured."""
    beside: str
    """What it is compared with."""
    beside_s: float
    ratio: float
    """Median over rounds of `ours / beside`: below 1 is faster."""
    low: float
    high: float
    """Least and greatest ratio of a round."""
    at_most: float | None = None
    """The target for `ratio`, if there is one."""
    note: str = ""


@frozen
class LeftOut:
    """A case that cannot be measured here, and why."""

    case: str
    reason: str


def compare(
    case: str,
    size: str,
    ours: Compute,
    beside: str,
    peer: Compute,
    *,
    rounds: int = 5,
    times: float = 1.0,
    at_most: float | None = None,
    note: str = "",
    warm: bool = True,
) -> Row:
    """Run both in turns. times: how often `peer` would have to run for the same work, where it is given less.

    warm: once each before, not counted.
    """
    if warm:
        ours(), peer()
    pairs = [(_seconds(ours), times * _seconds(peer)) for _ in range(rounds)]
    ratios = [mine / theirs for mine, theirs in pairs]
    medians = (statistics.median(column) for column in zip(*pairs, strict=True))
    mine, theirs = medians
    return Row(case, size, mine, beside, theirs, statistics.median(ratios), min(ratios), max(ratios), at_most, note)


def _seconds(compute: Compute) -> float:
    begin = time.perf_counter()
    compute()
    return time.perf_counter() - begin
