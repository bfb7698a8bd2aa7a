"""The files of a task in metrics/: its main figures, the tidy table of all figures, and a description of the data.

    metrics/TASK.json        the headline figures, for `dvc metrics show` and `dvc exp show`
    metrics/TASK_table.csv   every figure: task, row, metric, value, low, high, n
    metrics/TASK_about.json  data, sizes, seeds, and how heads and probes were chosen

A row "A minus B" holds the paired difference of two rows of the same table. `motionbeat.lab.results.results_table`
reads these files.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict, fields, frozen
from numpy.typing import NDArray

from motionbeat.files import whole_file, write_json
from motionbeat.lab.tasks.group_bootstrap import interval

_DECIMALS = 6  # as `write_json`


@frozen
class Score:
    """One figure. value, low, high: in the metric's unit, None if undefined or without interval; n: number of items."""

    task: str
    row: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None


COLUMNS = tuple(field.name for field in fields(Score))
Headline = Mapping[str, tuple[str, str, str]]
"""{name for DVC: task, row and metric of the score}: only rows of ours, and few, since each is a column."""


def difference(row: str, other: str) -> str:
    """The name of the row with `row` minus `other`."""
    return f"{row} minus {other}"


def scored(task: str, row: str, resampled: Mapping[str, NDArray[np.floating]], n: int) -> list[Score]:
    """Scores of one row with their intervals. resampled: {metric: (1 + r,)}, the score itself and its resamplings."""
    rows = []
    for metric, values in resampled.items():
        bounds = interval(values[1:])
        low, high = bounds if bounds is not None else (None, None)
        value = float(values[0]) if np.isfinite(values[0]) else None
        rows.append(Score(task, row, metric, value, low, high, n))
    return rows


def differences(
    task: str, ours: str, resampled: Mapping[str, Mapping[str, NDArray[np.floating]]], n: int
) -> list[Score]:
    """Our row minus each other row, on the same resamplings. resampled: {row: {metric: (1 + r,)}}.

    The same items are hard for all rows, so a paired interval is narrower than two intervals. Empty without our row;
    metrics that only one of two rows has are left out.
    """
    rows: list[Score] = []
    for row, by_metric in resampled.items():
        if ours in resampled and row != ours:
            less = {name: resampled[ours][name] - by_metric[name] for name in by_metric if name in resampled[ours]}
            rows += scored(task, difference(ours, row), less, n)
    return rows


def write(
    folder: Path,
    task: str,
    scores: Sequence[Score],
    shown: Headline,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write the three files of a task to `folder`; without `about` its file is not written. No NaN, no infinity.

    Prints the figures of metrics/TASK.json.
    """
    with whole_file(folder / f"{task}_table.csv") as path, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _text(value) for name, value in asdict(score).items()} for score in scores)
    if about is not None:
        write_json(folder / f"{task}_about.json", about)
    figures = headline(scores, shown)
    write_json(folder / f"{task}.json", figures)
    print(f"{task}: {''.join(f'{name} {value:.4g}, ' for name, value in figures.items())}all in {task}_table.csv")


def headline(scores: Iterable[Score], shown: Headline) -> dict[str, float]:
    """The figures of metrics/TASK.json; undefined ones, and those of rows that were not run, are left out."""
    found = {(score.task, score.row, score.metric): score.value for score in scores}
    return {name: value for name, key in shown.items() if (value := found.get(key)) is not None}


def _text(value: Any) -> Any:
    return round(value, _DECIMALS) if isinstance(value, float) else value
