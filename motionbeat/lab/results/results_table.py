"""All figures of a run in one tidy table, read once for the page, the terminal and the README.

The stages write metrics/TASK_table.csv (`motionbeat.lab.tasks.score_table`); train.json and beats.json, which have no
intervals, are read as rows of the tasks `train` and `beats`.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from attrs import field, frozen

from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded, read_json, read_text
from motionbeat.lab.labelled.labelled_set import ClipTask
from motionbeat.lab.results.paper_figures import TABLE_1_COLUMNS
from motionbeat.lab.tasks.recognition_sets import BEAT_TASK, declared_tasks
from motionbeat.lab.tasks.score_table import COLUMNS, Score, difference


def _place(task: ClipTask) -> int:
    """The position of the task in the paper's Table 1; other tasks come last."""
    first = next(iter(task.columns))
    column = task.of_paper.get(first, first)
    return TABLE_1_COLUMNS.index(column) if column in TABLE_1_COLUMNS else len(TABLE_1_COLUMNS)


CLIP_TASKS = sorted(declared_tasks().values(), key=_place)
RECOGNITION = (BEAT_TASK, *(task.name for task in CLIP_TASKS))
TABLES = ("retrieve", *RECOGNITION, "dance")
"""Tasks with a file TASK_table.csv; that of `retrieve` must exist, the others only if their stage has run."""
PLAIN = {"train": "model", "beats": "tracker"}
"""Files TASK.json of plain figures, and the name of their row."""


@frozen(eq=False)
class ResultsTable:
    """table: one line per figure, columns task, row, metric, value, low, high, n.

    about: {task: its data and settings}.
    """

    table: pd.DataFrame
    about: Mapping[str, Mapping[str, Any]]
    _scores: Mapping[tuple[str, str, str], Score] = field(init=False)

    def __attrs_post_init__(self) -> None:
        scores = [_score(*line) for line in self.table[list(COLUMNS)].itertuples(index=False, name=None)]
        by_key = {(score.task, score.row, score.metric): score for score in scores}
        if len(by_key) < len(scores):
            raise MotionBeatError("metrics/*_table.csv have a figure twice: run `dvc repro`")
        object.__setattr__(self, "_scores", by_key)

    @classmethod
    def read(cls, folder: Path) -> "ResultsTable":
        """Read metrics/. Raises `MotionBeatError` for a file that is missing, broken or has other columns."""
        names = [name for name in TABLES if name == "retrieve" or (folder / f"{name}_table.csv").is_file()]
        parts = [_read_csv(folder / f"{name}_table.csv") for name in names]
        parts += [_read_plain(folder / f"{task}.json", task, row) for task, row in PLAIN.items()]
        about = {name: _read_json(folder / f"{name}_about.json") for name in names if name != "dance"}
        return cls(pd.concat(parts, ignore_index=True), about)

    def score(self, task: str, row: str, metric: str) -> Score | None:
        """One figure, None if it does not exist; its value is None if it is undefined."""
        return self._scores.get((task, row, metric))

    def value(self, task: str, row: str, metric: str) -> float | None:
        """The value of a figure, None if it is missing or undefined."""
        score = self.score(task, row, metric)
        return None if score is None else score.value

    def minus(self, task: str, row: str, other: str, metric: str) -> Score | None:
        """The paired difference `row` minus `other`."""
        return self.score(task, difference(row, other), metric)

    def rows(self, task: str) -> list[str]:
        """Names of a task's rows in the order of its file, without paired differences; empty if it has not run."""
        names = dict.fromkeys(score.row for score in self._scores.values() if score.task == task)
        return [name for name in names if " minus " not in name]

    def metrics(self, task: str, row: str) -> dict[str, float | None]:
        """{metric: value} of one row, in the order of its file."""
        wanted = (task, row)
        return {score.metric: score.value for score in self._scores.values() if (score.task, score.row) == wanted}


def _score(task: str, row: str, metric: str, value: Any, low: Any, high: Any, n: Any) -> Score:
    known = [None if pd.isna(number) else float(number) for number in (value, low, high)]
    return Score(task, row, metric, known[0], known[1], known[2], None if pd.isna(n) else int(n))


def _read_csv(path: Path) -> pd.DataFrame:
    text = read_text(path, "run `dvc repro` to make it")
    with guarded(path, "is not a table of figures", "run `dvc repro`"):
        table = pd.read_csv(io.StringIO(text), dtype={"task": str, "row": str, "metric": str})
        if tuple(table.columns) != COLUMNS:
            raise MotionBeatError(f"{path} has the columns {list(table.columns)}, not {list(COLUMNS)}: run `dvc repro`")
        return table.astype({"value": float, "low": float, "high": float, "n": "Int64"})


def _read_plain(path: Path, task: str, row: str) -> pd.DataFrame:
    values = _read_json(path)
    wrong = [key for key, value in values.items() if isinstance(value, bool) or not isinstance(value, int | float)]
    if wrong:
        raise MotionBeatError(f"{path}: {wrong[0]} is not a number: run `dvc repro`")
    lines = [(task, row, key, float(value), None, None, None) for key, value in values.items()]
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype({"low": float, "high": float, "n": "Int64"})


def _read_json(path: Path) -> dict[str, Any]:
    values = read_json(path, "run `dvc repro` to make it")
    if not isinstance(values, dict):
        raise MotionBeatError(f"{path} has no named values: run `dvc repro`")
    return values
