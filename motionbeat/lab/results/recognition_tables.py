"""Table 1 of the paper, right half: frozen encoders on the recognition tasks, the paper's figures and ours.

The paper's figures and ours are never in the same row. Rows and tasks that were not run are left out.
"""

from collections.abc import Sequence

from motionbeat.lab import registry
from motionbeat.lab.results.paper_figures import TABLE_1
from motionbeat.lab.results.printed_tables import Cell, Group, Row, Table, figure, pieces
from motionbeat.lab.results.results_table import CLIP_TASKS, RECOGNITION, ResultsTable

COLUMNS = {
    ("beat_tracking", "f1"): "Beat F1",
    ("beat_tracking", "cmlt"): "CMLt",
    ("beat_tracking", "amlt"): "AMLt",
    ("beat_tracking", "f1_peaks"): "Beat F1, peaks",
} | {(task.name, metric): title for task in CLIP_TASKS for metric, title in task.columns.items()}
_OF_PAPER = {(task.name, metric): column for task in CLIP_TASKS for metric, column in task.of_paper.items()}
"""Columns of the paper's table that are not named by the metric."""
ROWS = {entry.name: entry.title for entry in registry.ENTRIES["encoder"]}
CONTROLS = {"madmom": "madmom itself", "librosa": "librosa, one hop earlier", "constant": "constant answer"}
_TERMINAL = 3
"""Columns of each table in a terminal."""
NOTE = (
    "Frozen encoders, one probe per task. Beats: a probe on single 20-ms frames, no tracker in the features, decoded "
    "by "
    "madmom's DBN, or by plain peaks; fractions. A log-mel frame spans 46 ms; ours pools 0.5 s and attends over 8 s "
    "(16 tokens), and so does the untrained model, which is therefore the right control for ours. librosa's beats are "
    "moved one hop (23 ms) earlier, as everywhere in this project. The other tasks: percent. Intervals: 95 %, "
    "resampled "
    "test groups; they do not cover the seed of the training. No part: the row does not do this task. The paper states "
    "neither intervals nor the splits that it used."
)
STANDIN_NOTE = (
    "Columns marked * were run on synthetic stand-ins, synthesised by the project in the data sets' layout: their "
    "figures show that the task runs and say nothing about music. Set tasks.gtzan.root and so on to the real data."
)
NOT_RUN = "No recognition task has been run: dvc repro probe beat_tracking."


def tasks_run(results: ResultsTable) -> list[str]:
    """The recognition tasks of this run."""
    return [task for task in RECOGNITION if results.rows(task)]


def standins(results: ResultsTable) -> bool:
    """Whether any task was run on a synthetic stand-in."""
    return any(results.about[task]["standin"] for task in tasks_run(results))


def note(results: ResultsTable) -> str:
    """How to read the table, or why there is none."""
    if not tasks_run(results):
        return NOT_RUN
    return f"{NOTE} {STANDIN_NOTE}" if standins(results) else NOTE


def table(results: ResultsTable) -> Table | None:
    """The whole right half: the paper's rows, ours, and reference rows; None without tasks."""
    columns = [key for key in COLUMNS if key[0] in tasks_run(results)]
    if not columns:
        return None
    named = [f"{COLUMNS[key]}{'*' * bool(results.about[key[0]]['standin'])}" for key in columns]
    paper = tuple(Row(f"{name} (paper)", tuple(_paper(name, key) for key in columns)) for name in TABLE_1)
    there = {row for task in tasks_run(results) for row in results.rows(task)}
    ours = [
        Row(title, tuple(_cell(results, name, key) for key in columns), name == "motionbeat")
        for name, title in (ROWS | CONTROLS).items()
        if name in there
    ]
    ours.append(Row("test clips N", tuple(Cell(f"{results.about[task]['test']:,}") for task, _ in columns)))
    groups = (Group("Paper, Table 1", paper), Group("Ours", tuple(ours)))
    return Table("Recognition with frozen encoders", ("", *named), groups)


def narrow(results: ResultsTable) -> list[Table]:
    """The same as tables of at most three columns, for a terminal."""
    whole = table(results)
    return [] if whole is None else pieces(whole, _TERMINAL)


def _cell(results: ResultsTable, row: str, key: tuple[str, str]) -> Cell:
    task, metric = key
    if row not in results.rows(task):
        return Cell("", reason="no part" if row in CONTROLS else "not run")
    score = results.score(task, row, metric)
    missing = "no part" if score is None else "not defined on these clips"
    return figure(score, 3 if task == "beat_tracking" else 1, missing=missing)


def _paper(name: str, key: tuple[str, str]) -> Cell:
    text = TABLE_1[name].get(_OF_PAPER.get(key, key[1]))
    return Cell("", reason="not given") if text is None else Cell(text)


def sizes(results: ResultsTable) -> Sequence[tuple[str, str]]:
    """The task and its data, one line per task."""
    lines = []
    for task in tasks_run(results):
        about = results.about[task]
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
