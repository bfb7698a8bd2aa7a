"""data/features -> metrics/{genre,tagging,instrument,emotion}.json: probes of the clip tasks, with intervals beside."""

from pathlib import Path
from typing import Any

import joblib

from motionbeat.errors import run
from motionbeat.files import workers, write_json
from motionbeat.lab import params
from motionbeat.lab.encoders.feature_cache import read_set
from motionbeat.lab.labelled.labelled_set import LabelledSet
from motionbeat.lab.tasks import clip_tasks
from motionbeat.lab.tasks.recognition_sets import CLIP_TASKS, Part, open_set, parts, settings_of
from motionbeat.progress import counted

FEATURES, METRICS = Path("data/features"), Path("metrics")


def main() -> None:
    settings = params.load()
    tasks = settings.tasks
    sets: dict[str, LabelledSet] = {task: open_set(name, tasks) for task, name in CLIP_TASKS.items()}
    rounds = {
        task: parts(labelled, settings_of(labelled.name, tasks).split, tasks.folds, tasks.seed)
        for task, labelled in sets.items()
    }
    jobs = [(task, encoder) for task in sets for encoder in settings.encoders.names]
    work = joblib.Parallel(n_jobs=min(workers(), len(jobs)), return_as="generator")
    answers = work(
        joblib.delayed(answer)(FEATURES / encoder, sets[task], rounds[task], tasks) for task, encoder in jobs
    )
    outcomes: dict[str, dict[str, Any]] = {task: {} for task in sets}
    for (task, encoder), outcome in zip(jobs, counted(answers, len(jobs), "probes"), strict=True):
        outcomes[task][encoder] = outcome
    for task, labelled in sets.items():
        rows = outcomes[task] | {clip_tasks.CONSTANT: clip_tasks.constant(labelled, rounds[task])}
        metrics, intervals = clip_tasks.report(rows, labelled, rounds[task], tasks)
        write_json(METRICS / f"{task}.json", metrics)
        write_json(METRICS / f"{task}_intervals.json", intervals)


def answer(folder: Path, labelled: LabelledSet, rounds: list[Part], tasks: params.Tasks) -> clip_tasks.Outcome:
    """One encoder's answers to one task."""
    features = read_set(folder / f"{labelled.name}.safetensors", [item.name for item in labelled.items])
    return clip_tasks.answers(features, labelled, rounds, tasks)


if __name__ == "__main__":
    run(main)
