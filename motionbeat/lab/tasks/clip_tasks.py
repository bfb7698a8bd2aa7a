"""Clip tasks: probes on one vector per clip, for genre, tags, instruments and emotion.

Two heads are trained; the one that is better on validation gives the encoder's score. The score of each head alone is
reported too. In cross-validation the outputs of all rounds are pooled before scoring, so that every clip counts once;
outputs for tags are pooled as ranks within their round.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.labelled.labelled_set import LabelledSet
from motionbeat.lab.params import Tasks
from motionbeat.lab.tasks import clip_scores, probes
from motionbeat.lab.tasks.group_bootstrap import weights_of
from motionbeat.lab.tasks.recognition_sets import OURS, Fold
from motionbeat.lab.tasks.score_table import Score, differences, scored

CHOSEN = "chosen"
CONSTANT = "constant"
"""The row without features: the training clips' mean target, which is the most frequent class, or the mean."""
_ROUNDING = 1e-10
"""A deviation below this share of the largest target is rounding."""


@frozen(eq=False)
class Outcome:
    """Outputs of one encoder's probes for the tested clips, and the chosen probes.

    outputs: {head: (n, C)} with `chosen` for the head that validation chose. probes: one line per round.
    """

    outputs: Mapping[str, NDArray[np.floating]]
    probes: tuple[dict[str, Any], ...] = ()


def targets_of(labelled: LabelledSet) -> NDArray[Any]:
    """Labels of all items: (n,) int64 for classes, otherwise (n, C) float64."""
    labels = [item.label for item in labelled.items]
    return np.array(labels, np.int64 if labelled.kind == "classes" else np.float64)


def answers(features: NDArray[np.floating], labelled: LabelledSet, rounds: Sequence[Fold], options: Tasks) -> Outcome:
    """Train and test the probes of one encoder. features: (items, D) in the set's order.

    Regression targets are z-scored on the training clips of each round; outputs are converted back to their units.
    """
    targets = targets_of(labelled)
    outputs: dict[str, list[NDArray[np.floating]]] = {name: [] for name in (CHOSEN, *options.heads)}
    kept = []
    for part in rounds:
        centre, scale = _units(labelled, targets[part.train])
        unit = targets if labelled.kind == "classes" else (targets - centre) / scale
        fitted = [
            probes.fit(
                name,
                labelled.kind,
                len(labelled.classes),
                (features[part.train], unit[part.train]),
                (features[part.val], unit[part.val]),
                options,
                lambda given, true: _main_score(labelled, given, true),
            )
            for name in options.heads
        ]
        best = max(fitted, key=lambda probe: (probe.score, -probe.loss))
        for name, probe in zip((CHOSEN, *options.heads), (best, *fitted), strict=True):
            outputs[name].append(probe(features[part.test]) * scale + centre)
        kept.append({"head": best.name, "learning_rate": best.learning_rate, "epoch": best.epoch})
    return Outcome({name: np.concatenate(given) for name, given in outputs.items()}, tuple(kept))


def constant(labelled: LabelledSet, rounds: Sequence[Fold]) -> Outcome:
    """The answers of the row without features: each round's mean training target."""
    targets = targets_of(labelled)
    if labelled.kind == "classes":
        targets = np.eye(len(labelled.classes))[targets]
    return Outcome({CHOSEN: np.concatenate([np.tile(targets[p.train].mean(axis=0), (len(p.test), 1)) for p in rounds])})


def scores(
    task: str, outcomes: Mapping[str, Outcome], labelled: LabelledSet, rounds: Sequence[Fold], options: Tasks
) -> list[Score]:
    """Every figure of a task with its interval over resampled groups: METRIC, and METRIC_HEAD of each head alone.

    Rows "motionbeat minus OTHER" are paired differences; n: tested clips.
    """
    tested = np.concatenate([part.test for part in rounds])
    true = targets_of(labelled)[tested]
    weights = weights_of([labelled.items[i].group for i in tested], options.bootstrap, options.seed)
    table: list[Score] = []
    resampled: dict[str, dict[str, NDArray[np.floating]]] = {}
    for row, outcome in outcomes.items():
        pooled = {head: _comparable(outputs, labelled, rounds) for head, outputs in outcome.outputs.items()}
        for head, outputs in pooled.items():
            drawn = weights if head == CHOSEN else weights[:1]  # a head alone has no interval
            by_metric = clip_scores.scores(labelled.kind, labelled.classes, outputs, true, drawn)
            if head == CHOSEN:
                resampled[row] = by_metric
            named = {name if head == CHOSEN else f"{name}_{head}": values for name, values in by_metric.items()}
            table += scored(task, row, named, len(tested))
    return table + differences(task, OURS, resampled, len(tested))


def confusion(outcome: Outcome, labelled: LabelledSet, rounds: Sequence[Fold]) -> dict[str, Any]:
    """classes, and counts (C, C) of the tested clips by class (row) and by the answer of the chosen probes."""
    tested = np.concatenate([part.test for part in rounds])
    counts = np.zeros((len(labelled.classes),) * 2, int)
    np.add.at(counts, (targets_of(labelled)[tested], outcome.outputs[CHOSEN].argmax(axis=1)), 1)
    return {"classes": list(labelled.classes), "counts": counts.tolist()}


def _comparable(outputs: NDArray[np.floating], labelled: LabelledSet, rounds: Sequence[Fold]) -> NDArray[np.floating]:
    """Outputs (n, C) of all rounds on one scale.

    ROC-AUC and average precision compare clips with each other, and the logits of two rounds' probes have different
    scales: for tags a clip's output becomes the share of its round's clips below it, ties half, (rank - 1/2) / n.
    """
    if labelled.kind != "tags" or len(rounds) == 1:
        return outputs
    from scipy.stats import rankdata

    ends = np.cumsum([len(part.test) for part in rounds])[:-1]
    return np.concatenate(
        [
            (rankdata(outputs_of_round, axis=0) - 0.5) / len(outputs_of_round)
            for outputs_of_round in np.split(outputs, ends)
        ]
    )


def _units(labelled: LabelledSet, targets: NDArray[Any]) -> tuple[Any, Any]:
    if labelled.kind != "regression":
        return 0.0, 1.0
    scale = targets.std(axis=0)
    return targets.mean(axis=0), np.where(scale > _ROUNDING * np.abs(targets).max(axis=0), scale, 1.0)


def _main_score(labelled: LabelledSet, outputs: NDArray[np.floating], targets: NDArray[Any]) -> float:
    """What validation maximises: accuracy, ROC-AUC or the mean R2; if it is undefined, the loss decides."""
    once = np.ones((1, len(targets)))
    if labelled.kind == "tags":
        value = float(clip_scores.roc_auc(outputs, targets, once)[0])
    else:
        table = clip_scores.scores(labelled.kind, labelled.classes, outputs, targets, once)
        value = float(np.mean([values[0] for values in table.values()]))
    return value if np.isfinite(value) else -np.inf
