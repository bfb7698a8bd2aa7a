"""The clip tasks: every encoder's probes on genre, tags, instruments and emotion, and their scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from motionbeat.lab.encoders.feature_cache import read_set
from motionbeat.lab.labelled.labelled_set import ClipTask, LabelledSet
from motionbeat.lab.params import Tasks
from motionbeat.lab.tasks import clip_tasks
from motionbeat.lab.tasks.clip_tasks import Outcome
from motionbeat.lab.tasks.recognition_sets import OURS, Fold, about, declared_tasks, open_set, parts, settings_of
from motionbeat.lab.tasks.score_table import Headline, Score
from motionbeat.parallel import in_parallel


@frozen
class TaskResult:
    """A task's scores, the names of those that DVC shows, and settings."""

    scores: list[Score]
    shown: Headline
    about: dict[str, Any]


def run_probes(features: Path, encoders: Sequence[str], options: Tasks) -> dict[str, TaskResult]:
    """{task: result} of all clip tasks. features: the folder of the stage `features`."""
    declared = {task.name: (name, task) for name, task in declared_tasks().items()}
    sets: dict[str, LabelledSet] = {task: open_set(name, options) for task, (name, _) in declared.items()}
    rounds = {
        task: parts(labelled, settings_of(labelled.name, options).split, options.folds, options.seed)
        for task, labelled in sets.items()
    }
    jobs = [(task, encoder) for task in sets for encoder in encoders]
    calls = [(features / encoder, sets[task], rounds[task], options) for task, encoder in jobs]
    outcomes: dict[str, dict[str, Outcome]] = {task: {} for task in sets}
    for (task, encoder), outcome in zip(jobs, in_parallel(_answers, calls, "probes"), strict=True):
        outcomes[task][encoder] = outcome
    return {task: result(declared[task][1], outcomes[task], sets[task], rounds[task], options) for task in sets}


def result(
    task: ClipTask, outcomes: dict[str, Outcome], labelled: LabelledSet, rounds: list[Fold], options: Tasks
) -> TaskResult:
    """A task's result from the answers of all encoders and of the row without features."""
    rows = outcomes | {clip_tasks.CONSTANT: clip_tasks.constant(labelled, rounds)}
    scores = clip_tasks.scores(task.name, rows, labelled, rounds, options)
    kept = {row: list(outcome.probes) for row, outcome in outcomes.items()}
    facts = about(labelled, rounds, options) | {"probes": kept}
    if labelled.kind == "classes" and OURS in outcomes:
        facts["confusion"] = clip_tasks.confusion(outcomes[OURS], labelled, rounds)
    return TaskResult(scores, task.shown, facts)


def _answers(folder: Path, labelled: LabelledSet, rounds: list[Fold], options: Tasks) -> Outcome:
    """One encoder's answers to one task."""
    features = read_set(folder / f"{labelled.name}.safetensors", [item.name for item in labelled.items])
    return clip_tasks.answers(features, labelled, rounds, options)
