"""The small table of the README, in Markdown: WIN retrieval of our model, of baselines with a trained head, and of
bounds.
"""

import re
from pathlib import Path

from motionbeat.errors import MotionBeatError
from motionbeat.files import read_text, whole_file
from motionbeat.lab.results.printed_tables import decimal
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.results.retrieval_tables import DIRECTIONS, ROWS
from motionbeat.lab.tasks.retrieval_rows import CHANCE, MODEL

SHOWN = {row: ROWS[row] for row in (MODEL, "mel_projected", "random_projected")} | {
    "ceiling": "ceiling",
    CHANCE: "chance",
}
"""Rows of metrics/retrieve_table.csv and their names; those that were not run are left out."""
METRICS = {"r1": "R@1", "r10": "R@10"}


def readme_table(results: ResultsTable) -> str:
    """Recalls in percent with their 95 % intervals over songs."""
    columns = [(f"win.{key}", metric) for key in DIRECTIONS for metric in METRICS]
    titles = [f"{title.lower()} {short}" for title in DIRECTIONS.values() for short in METRICS.values()]
    lines = [f"| WIN | {' | '.join(titles)} |", "| --- " * (1 + len(columns)) + "|"]
    there = set(results.rows(columns[0][0]))
    for row, name in SHOWN.items():
        if row in there:
            cells = [_cell(results, task, row, metric) for task, metric in columns]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write_readme_table(results: ResultsTable, path: Path) -> None:
    """Put the table in place of the one in a README. Raises `MotionBeatError` if there is none."""
    text = read_text(path, "run in the folder of the project")
    table = re.compile(r"^\| WIN \|.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
    if not table.search(text):
        raise MotionBeatError(
            f"{path} has no table that begins with | WIN |: put its first line where the table should be"
        )
    with whole_file(path) as unfinished:
        unfinished.write_text(table.sub(lambda _: readme_table(results), text, count=1), encoding="utf-8")


def _cell(results: ResultsTable, task: str, row: str, metric: str) -> str:
    score = results.score(task, row, metric)
    if score is None or score.value is None:
        return "-"
    bounds = "" if score.low is None or score.high is None else f" [{decimal(score.low, 1)}-{decimal(score.high, 1)}]"
    return decimal(score.value, 1) + bounds
