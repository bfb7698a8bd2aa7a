"""Two computations timed in turns, so that other work on the machine slows both equally."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from attrs import frozen

Compute = Callable[[], Any]
_LEAST_S = 0.05


@frozen
class Row:
    """One comparison."""

    case: str
    size: str
    ours_s: float
    """Median seconds of the thing measured."""
    beside: str
    """The computation it is compared with."""
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
) -> Row:
    """Run both in turns, once without counting and then `_often` times in every round.

    times: how often `peer` would have to run for the same work, if it gets less.
    """
    mine, theirs = _often(ours), _often(peer)
    pairs = [(_seconds(ours, mine), times * _seconds(peer, theirs)) for _ in range(rounds)]
    ratios = [mine / theirs for mine, theirs in pairs]
    ours_s, beside_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Row(case, size, ours_s, beside, beside_s, statistics.median(ratios), min(ratios), max(ratios), at_most, note)


def _often(compute: Compute) -> int:
    """Runs that last `_LEAST_S`: a shorter run could fall completely into the time slice of another program."""
    compute()  # compiles and fills caches
    if _seconds(compute, 1) >= _LEAST_S:
        return 1
    fastest = min(_seconds(compute, 1) for _ in range(3))
    return max(1, round(_LEAST_S / max(fastest, _LEAST_S / 1000)))


def _seconds(compute: Compute, runs: int) -> float:
    begin = time.perf_counter()
    for _ in range(runs):
        compute()
    return (time.perf_counter() - begin) / runs
