"""Table 1 of the paper, its right-hand side: frozen encoders on the recognition tasks, the paper's figures beside ours.

What has not been run is an empty cell that says why; a figure of the paper never stands in a row of ours.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from attrs import frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.results.result_tables import Cell, Group, Row, Table, decimal, interval

COLUMNS = {
    ("beat_tracking", "f1"): "Beat F1",
    ("beat_tracking", "cmlt"): "CMLt",
    ("beat_tracking", "amlt"): "AMLt",
    ("beat_tracking", "f1_peaks"): "Beat F1, peaks",
    ("tagging", "roc_auc"): "Tag ROC",
    ("tagging", "average_precision"): "Tag AP",
    ("genre", "accuracy"): "Genre ACC",
    ("instrument", "accuracy"): "Instr. ACC",
    ("emotion", "r2_valence"): "R2 valence",
    ("emotion", "r2_arousal"): "R2 arousal",
}
TASKS = ("beat_tracking", "tagging", "genre", "instrument", "emotion")
ROWS = {
    "motionbeat": "MotionBeat (ours)",
    "random": "MotionBeat, untrained",
    "mel": "log-mel spectrogram",
    "musicnn": "musicnn",
    "wav2vec2": "wav2vec 2.0",
    "clap": "CLAP",
    "wav2clip": "Wav2CLIP",
    "jukebox": "Jukebox",
}
CONTROLS = {"madmom": "madmom itself", "librosa": "librosa, one hop earlier", "constant": "constant answer"}
_TERMINAL = (3, 3, 2, 2)
"""Columns of each table that a terminal shows."""
PAPER = {
    "wav2vec 2.0": (0.845, 0.791, 0.878, None, 89.1, 39.2, 68.6, 66.7, 45.2, 66.5),
    "CLAP": (0.851, 0.795, 0.885, None, 88.8, 39.1, 69.3, 65.8, 48.8, 69.8),
    "Wav2CLIP": (0.848, 0.801, 0.879, None, 89.5, 39.1, 71.2, 67.2, 50.3, 70.1),
    "Jukebox": (0.865, 0.804, 0.892, None, 90.5, 40.3, 78.5, 68.8, 61.5, 72.1),
    "MotionBeat w/o ECL": (0.858, 0.801, 0.886, None, 90.4, 39.8, 77.9, 68.9, 59.3, 71.5),
    "MotionBeat w/o SRAL": (0.835, 0.799, 0.879, None, 89.8, 40.2, 78.1, 68.2, 59.8, 72.3),
    "MotionBeat": (0.878, 0.803, 0.905, None, 91.2, 40.8, 79.2, 70.8, 61.2, 73.8),
}
"""The right-hand side of the paper's Table 1, in the order of COLUMNS; printed for comparison only. None: not given."""
NOTE = (
    "Frozen encoders, one probe a task. Beats: a probe on single 20-ms frames, no tracker in the features, decoded by "
    "madmom's DBN, or by plain peaks; fractions. A log-mel frame hears 46 ms; ours pools 0.5 s and attends over 8 s "
    "(16 tokens), and so does the untrained model, which is therefore the fair control of ours. librosa's beats are "
    "put one hop (23 ms) earlier, as everywhere in this project. The other tasks: percent. Intervals: 95 %, resampled "
    "test groups; they say nothing of the seed of the training. Not run: the encoder is not in encoders.names, or the "
    "task's stage has not run. No part: the row does not answer this task. The paper gives neither intervals nor the "
    "splits that it used."
)
STANDIN_NOTE = (
    "Columns marked * were run on embedded stand-ins, synthesised by the project in the data sets' layout: their "
    "figures show that the task runs and say nothing about music. Set tasks.gtzan.root and so on to the real data."
)
_NOT_GIVEN = "not given"


@frozen
class Recognition:
    """What the probe and beat_tracking stages wrote: {task: {row: {metric: value}}} and the intervals beside."""

    metrics: Mapping[str, Mapping[str, Any]]
    intervals: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> "Recognition":
        """Read <task>.json and <task>_intervals.json of every task from `folder`; a task without them was not run."""
        there = [task for task in TASKS if (folder / f"{task}.json").is_file()]
        return cls(
            {task: _read(folder / f"{task}.json") for task in there},
            {task: _read(folder / f"{task}_intervals.json") for task in there},
        )

    def about(self, task: str) -> Mapping[str, Any]:
        """Data set, split, counts and seed of a task that was run."""
        return self.intervals[task]["about"]

    @property
    def standins(self) -> bool:
        """Whether any task was run on an embedded stand-in."""
        return any(self.about(task)["standin"] for task in self.metrics)


def table(results: Recognition) -> Table:
    """The whole right-hand side: the paper's rows, ours, and what stands beside them for scale."""
    named = {key: f"{title}{'*' * _standin(results, key[0])}" for key, title in COLUMNS.items()}
    paper = Group("Paper, Table 1", tuple(Row(f"{name} (paper)", _paper(name)) for name in PAPER))
    return Table("Recognition with frozen encoders", ("", *named.values()), (paper, Group("Ours", _rows(results))))


def narrow(results: Recognition) -> list[Table]:
    """The same in tables of at most three columns, as a terminal has room for."""
    whole = table(results)
    ends = list(accumulate(_TERMINAL))
    pieces = []
    for begin, end in zip((0, *ends), ends, strict=False):
        groups = tuple(
            Group(group.title, tuple(Row(row.name, row.cells[begin:end], row.ours) for row in group.rows))
            for group in whole.groups
        )
        pieces.append(Table(whole.caption, ("", *whole.columns[1 + begin : 1 + end]), groups))
    return pieces


def _rows(results: Recognition) -> tuple[Row, ...]:
    rows = [
        Row(title, tuple(_cell(results, name, key) for key in COLUMNS), name == "motionbeat")
        for name, title in ROWS.items()
    ]
    rows += [Row(title, tuple(_control(results, name, key) for key in COLUMNS)) for name, title in CONTROLS.items()]
    rows.append(Row("test clips N", tuple(_count(results, task) for task, _ in COLUMNS)))
    return tuple(rows)


def _cell(results: Recognition, row: str, key: tuple[str, str]) -> Cell:
    task, metric = key
    if task not in results.metrics:
        return Cell("", reason="not run")
    if row not in results.metrics[task]:
        return Cell("", reason="not run")
    value = results.metrics[task][row][metric]
    if value is None:
        return Cell("", reason="not defined on these clips")
    bounds = results.intervals[task][row][metric]
    digits = 3 if task == "beat_tracking" else 1
    return Cell(decimal(value, digits), interval(bounds, digits) if bounds else "")


def _control(results: Recognition, row: str, key: tuple[str, str]) -> Cell:
    task, metric = key
    if task in results.metrics and metric not in results.metrics[task].get(row, {}):
        return Cell("", reason="no part")
    return _cell(results, row, key)


def _paper(name: str) -> tuple[Cell, ...]:
    return tuple(
        Cell("", reason=_NOT_GIVEN) if value is None else Cell(f"{value:.3f}" if value < 1 else f"{value:.1f}")
        for value in PAPER[name]
    )


def _standin(results: Recognition, task: str) -> bool:
    return task in results.metrics and bool(results.about(task)["standin"])


def _count(results: Recognition, task: str) -> Cell:
    return Cell(f"{results.about(task)['test']:,}") if task in results.metrics else Cell("", reason="not run")


def sizes(results: Recognition) -> Sequence[tuple[str, str]]:
    """Task and what it was run on, a line a task."""
    lines = []
    for task in results.metrics:
        about = results.about(task)
        left = "".join(f"; left out, {reason}: {count}" for reason, count in about["left_out"].items())
        again = ", a round" if "rounds" in about else ""
        groups = f" of {about['groups']} {about['grouped_by']}s" if about["grouped_by"] != "clip" else ""
        text = (
            f"{about['data_set']}{' (stand-in)' * about['standin']}, {about['split']}: {about['train']} train and "
            f"{about['val']} validation clips{again}; {about['test']} test clips{groups}{left}; "
            f"one seed of the probes, {about['seed']}"
        )
        lines.append((task.replace("_", " "), text))
    return lines


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MotionBeatError(f"{path} is missing: run `dvc repro` to make it") from None
    except json.JSONDecodeError as error:
        raise MotionBeatError(f"{path} is not JSON ({error}): run `dvc repro`") from None
