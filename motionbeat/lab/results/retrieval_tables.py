"""Table 2 of the paper and ours: retrieval in both directions under every protocol."""

from collections.abc import Iterator

from motionbeat.lab import registry
from motionbeat.lab.results.paper_figures import TABLE_1, TABLE_2, TABLE_2_NOTE
from motionbeat.lab.results.printed_tables import Cell, Group, Row, Table, figure
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.tasks.retrieval_rows import ADDITIVE, CHANCE, MODEL

PAPER_NOTE = TABLE_2_NOTE
DIRECTIONS = {"music_to_motion": "Music to motion", "motion_to_music": "Motion to music"}
PROTOCOLS = {
    "win": "WIN: windows, same song and beats",
    "slice": "SLICE: slices of some seconds, same song and time",
    "seq": "SEQ: whole sequences, same song",
}
PROJECTED = {
    entry.name: entry.short or entry.title
    for entry in sorted(reversed(registry.ENTRIES["encoder"]), key=lambda entry: entry.title not in TABLE_1)
}
"""Encoders by their name in encoders.names, each with a trained projection head; the paper's baselines first."""
ROWS = {
    MODEL: "MotionBeat (ours)",
    **{f"{name}_projected": f"{label} + head" for name, label in PROJECTED.items()},
    "accents_projected": "true accents + head (oracle)",
    "model_normalised": "ours, normalised",
    "ceiling_normalised": "ceiling, normalised",
    "ceiling": "ceiling, not normalised",
    f"{ADDITIVE}_normalised": "additive ceiling, normalised",
    ADDITIVE: "additive ceiling, not normalised",
    "random": "random embeddings",
    "tempo_only": "tempo alone",
    "genre_only": "genre alone",
    CHANCE: "chance",
}
METRICS = {"r1": "R@1 (%)", "r5": "R@5 (%)", "r10": "R@10 (%)", "medr": "MedR", "meanr": "MeanR", "nll": "NLL (nats)"}
_DIGITS = {"nll": 2}
MINUS = "ours minus this, R@1"
_MISSING = {
    "ceiling": "this corpus has no truth",
    "ceiling_normalised": "this corpus has no truth",
}
_SHORT = (MODEL, "model_normalised", "ceiling_normalised", CHANCE)
"""Our rows in a terminal, besides encoders that were run."""


def retrieval_tables(results: ResultsTable) -> list[Table]:
    """One table per direction: the paper's rows, then ours under each protocol; encoders that were not run are left
    out.
    """
    columns = ("", *METRICS.values(), MINUS)
    tables = []
    for direction, title in DIRECTIONS.items():
        groups = [Group("Paper, Table 2 (protocol not given)", tuple(_paper_rows(direction)))]
        for protocol, story in PROTOCOLS.items():
            task = f"{protocol}.{direction}"
            if not results.rows(task):
                continue
            sizes = results.about["retrieve"]["sizes"][protocol][direction]
            size = f"{sizes['queries']:,} queries, gallery {sizes['gallery']:,}, {sizes['songs']} songs"
            groups.append(Group(f"{story} ({size})", tuple(_our_rows(results, task))))
        tables.append(Table(f"{title}: recall and rank", columns, tuple(groups)))
    return tables


def _paper_rows(direction: str) -> Iterator[Row]:
    for name, figures in TABLE_2[direction].items():
        cells = (Cell(figures[metric]) if metric in figures else Cell("", reason="not given") for metric in METRICS)
        yield Row(f"{name} (paper)", (*cells, Cell("", reason="other data")))


def _our_rows(results: ResultsTable, task: str) -> Iterator[Row]:
    there = results.rows(task)
    for name in [row for row in ROWS if row in there]:
        cells = [_cell(results, task, name, metric) for metric in METRICS]
        minus = results.minus(task, MODEL, name, "r1")
        other = "is ours" if name == MODEL else "not taken" if name == CHANCE else _MISSING.get(name, "not computed")
        cells.append(figure(minus, 1, sign=True, missing=other))
        main = name in _SHORT or name.endswith("_projected")
        yield Row(ROWS[name], tuple(cells), ours=name == MODEL, main=main)


def _cell(results: ResultsTable, task: str, row: str, metric: str) -> Cell:
    missing = _MISSING.get(row, "not a probability" if metric == "nll" else "not computed")
    return figure(results.score(task, row, metric), _DIGITS.get(metric, 1), missing=missing)
