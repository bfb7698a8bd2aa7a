"""Scores of the clip tasks, with intervals: accuracy, ROC-AUC, average precision, R2, all in percent.

Each score uses weights of the clips, one row per resampling, so that an interval costs little more than the score
itself: a clip drawn twice has weight 2. A row of ones gives the plain score. Axes: r resamplings, n clips, c classes.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.labelled.labelled_set import Kind

Floats = NDArray[np.floating]
_ROUNDING = 1e-20
"""A variance below this share of the mean square is rounding."""


def accuracy(outputs: Floats, classes: NDArray[np.integer], weights: Floats) -> Floats:
    """Percent of clips whose greatest output is their class. outputs (n, c), classes (n,), weights (r, n) -> (r,)."""
    right = outputs.argmax(axis=1) == classes
    return 100 * (weights @ right) / weights.sum(axis=1)


def roc_auc(outputs: Floats, marks: Floats, weights: Floats) -> Floats:
    """Area under the ROC curve in percent, mean over the tags. outputs, marks (0 or 1): (n, c), weights (r, n) -> (r,).

    The probability that a marked clip has a higher output than an unmarked one; ties count half. A tag that all or none
    of the drawn clips have is left out of that resampling's mean; NaN if no tag is left.
    """
    return _mean_over_tags(_auc, outputs, marks, weights)


def average_precision(outputs: Floats, marks: Floats, weights: Floats) -> Floats:
    """Average precision in percent, mean over the tags; axes and left out tags as in `roc_auc`.

    The sum over thresholds of the gain in recall times the precision there, without interpolation.
    """
    return _mean_over_tags(_ap, outputs, marks, weights)


def r2(outputs: Floats, targets: Floats, weights: Floats) -> Floats:
    """Coefficient of determination in percent: 100 (1 - squared error / variance). All (n,), weights (r, n) -> (r,).

    NaN if the targets do not vary.
    """
    mean = weights @ targets / weights.sum(axis=1)
    around = (weights * (targets - mean[:, None]) ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = 100 * (1 - weights @ (outputs - targets) ** 2 / around)
    return np.where(around > _ROUNDING * (weights @ targets**2), score, np.nan)


def scores(
    kind: Kind, classes: Sequence[str], outputs: Floats, targets: NDArray[Any], weights: Floats
) -> dict[str, Floats]:
    """Every score of a kind of task, each (r,): accuracy; roc_auc and average_precision; r2_<quantity>."""
    if len(outputs) != len(targets) or weights.shape[1:] != (len(targets),) or not len(targets):
        raise MotionBeatError(
            f"{len(outputs)} outputs for {len(targets)} targets with weights {weights.shape}: expected the same number "
            "of each"
        )
    if not np.isfinite(outputs).all():
        raise MotionBeatError("a probe's output is NaN or infinite: lower tasks.learning_rates")
    if not np.isfinite(targets).all():
        raise MotionBeatError("a label of a tested clip is NaN or infinite: correct it, or leave the clip out")
    if np.shape(targets)[1:] != (() if kind == "classes" else outputs.shape[1:]) or (
        kind == "classes" and not 0 <= np.min(targets) <= np.max(targets) < outputs.shape[1]
    ):
        raise MotionBeatError(
            f"targets {np.shape(targets)} do not fit outputs {outputs.shape} of a task of kind {kind}"
        )
    weights = np.asarray(weights, np.float64)
    if kind == "classes":
        return {"accuracy": accuracy(outputs, targets, weights)}
    if kind == "tags":
        return {
            "roc_auc": roc_auc(outputs, targets, weights),
            "average_precision": average_precision(outputs, targets, weights),
        }
    if kind == "regression":
        return {f"r2_{name}": r2(outputs[:, i], targets[:, i], weights) for i, name in enumerate(classes)}
    raise MotionBeatError(f"no clip score for a task of kind {kind}")


def _mean_over_tags(score: Callable[..., Floats], outputs: Floats, marks: Floats, weights: Floats) -> Floats:
    total, tags = np.zeros((2, len(weights)))
    for column in range(marks.shape[1]):
        values = score(outputs[:, column], marks[:, column] > 0, weights)
        known = np.isfinite(values)
        total[known] += values[known]
        tags += known
    return 100 * np.divide(total, tags, out=np.full(len(weights), np.nan), where=tags > 0)


def _steps(outputs: Floats, marked: NDArray[np.bool_], weights: Floats) -> tuple[Floats, Floats]:
    """Weight of the marked and of the unmarked clips at each distinct output, greatest output first: (r, steps)
    each.
    """
    order = np.argsort(-outputs, kind="stable")
    first = np.flatnonzero(np.diff(outputs[order], prepend=np.inf))
    sorted_weights, positive = weights[:, order], marked[order]
    gained = np.add.reduceat(sorted_weights * positive, first, axis=1)
    return gained, np.add.reduceat(sorted_weights * ~positive, first, axis=1)


def _auc(outputs: Floats, marked: NDArray[np.bool_], weights: Floats) -> Floats:
    gained, false = _steps(outputs, marked, weights)
    above = np.cumsum(gained, axis=1) - gained / 2
    positives, negatives = gained.sum(axis=1), false.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (above * false).sum(axis=1) / (positives * negatives)


def _ap(outputs: Floats, marked: NDArray[np.bool_], weights: Floats) -> Floats:
    gained, false = _steps(outputs, marked, weights)
    positives, negatives = gained.sum(axis=1), false.sum(axis=1)
    hits, ranked = np.cumsum(gained, axis=1), np.cumsum(gained + false, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(ranked > 0, hits / ranked, 0.0)
        ap = (gained * precision).sum(axis=1) / positives
    return np.where((positives > 0) & (negatives > 0), ap, np.nan)
