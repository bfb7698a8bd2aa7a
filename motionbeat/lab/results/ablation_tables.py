"""A table of the paper with ours beside it, in the shape that pages and terminals print (`result_tables`).

The paper's figures have columns of their own: they are of AIST++, from one run, and no difference is taken with them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from motionbeat.lab.results.ablation_results import Ablation, Figure, Line
from motionbeat.lab.results.measures import Measure
from motionbeat.lab.results.result_tables import Cell, Group, Row, Table, terminal_cell
from motionbeat.lab.results.seeds import Estimate
from motionbeat.lab.results.variants import FULL
from motionbeat.lab.tasks.recognition_sets import STANDINS

OURS, PAPER, DIFFERENCE, SEEDS, N = "ours", "paper", "minus full", "seeds", "N"
_ARROWS = {1: "\u2191", -1: "\u2193"}
_NOT_PRINTED = Cell("", reason="not printed")


def comparison(ablation: Ablation) -> Table:
    """The paper's layout, a variant a row: its figures, ours, and the learning core's own columns."""
    columns = ["variant"]
    for measure in ablation.measures:
        heading = heading_of(measure)
        columns += [f"{heading}, {PAPER}", f"{heading}, {OURS}"] if _printed(ablation, measure) else [heading]
    rows = []
    for line in ablation.lines:
        cells = []
        for measure in ablation.measures:
            if _printed(ablation, measure):
                cells.append(_paper(line, measure))
            cells.append(_ours(line.figures[measure.name], measure))
        rows.append(Row(line.variant.label, (*cells, _count(line)), ours=line.variant.name == FULL))
    return Table(f"Table {ablation.number} of the paper, and ours", (*columns, SEEDS), (Group("", tuple(rows)),))


def details(ablation: Ablation) -> Table:
    """A measure a group: the paper's figure, ours, and the difference from the full model, paired by seed."""
    groups = []
    for measure in ablation.measures:
        rows = []
        for line in ablation.lines:
            figure = line.figures[measure.name]
            count = Cell(str(figure.over_seeds.n)) if figure.over_seeds else Cell("0")
            cells = (_paper(line, measure), _ours(figure, measure), _minus(line, figure, measure), count)
            rows.append(Row(line.variant.label, cells, ours=line.variant.name == FULL))
        groups.append(Group(heading_of(measure), tuple(rows)))
    caption = f"Table {ablation.number} of the paper, and ours: mean over seeds [95 % t interval]"
    return Table(caption, ("variant", PAPER, OURS, DIFFERENCE, N), tuple(groups))


def heading_of(measure: Measure) -> str:
    """The heading with an arrow to the better side."""
    return f"{measure.heading} {_ARROWS[measure.better]}"


def notes(ablation: Ablation) -> list[str]:
    """How to read the table, and what of it is missing."""
    seeds = "another corpus and another training" if ablation.embedded else "another training on the same corpus"
    said = [
        f"A seed is {seeds}. Intervals: 95 %, Student's t over seeds; a mean of one seed has none.",
        "The paper's figures are of AIST++, one run, and stand beside ours for comparison of kind, not of size.",
    ]
    if ablation.common.get("corpus.name") == "synthetic":
        said.append("Corpus of ours: embedded (made by the project itself). Its figures say nothing about real dance.")
    if standins := [key.split(".")[1] for key, value in ablation.common.items() if _is_standin(key, value)]:
        said.append(
            f"Beat tracking and recognition: small stand-ins, made by the pipeline, take the place of the paper's sets "
            f"({', '.join(sorted(standins))}). Their figures move in large steps."
        )
    if ablation.number == 3:
        said.append(
            "Without BEP, queries and keys turn with the beat index alone (rotary), with it with the bar's phase too."
        )
    said += [f"{line.variant.label}: {note}." for line in ablation.lines for note in line.notes]
    return said


def _is_standin(key: str, value: Any) -> bool:
    return key.startswith("tasks.") and key.endswith(".root") and Path(str(value)).is_relative_to(STANDINS)


def _printed(ablation: Ablation, measure: Measure) -> bool:
    return any(measure.heading in line.variant.paper for line in ablation.lines)


def _paper(line: Line, measure: Measure) -> Cell:
    figure = line.variant.paper.get(measure.heading)
    return _NOT_PRINTED if figure is None else Cell(figure)


def _ours(figure: Figure, measure: Measure) -> Cell:
    return _cell(figure.over_seeds, measure.decimals, "") if figure.over_seeds else Cell("", reason=figure.reason)


def _minus(line: Line, figure: Figure, measure: Measure) -> Cell:
    if line.variant.name == FULL:
        return Cell("", reason="is full")
    if figure.minus_full is None:
        return Cell("", reason="no seed in common" if figure.over_seeds else "not run")
    return _cell(figure.minus_full, measure.decimals, "+")


def _cell(value: Estimate, decimals: int, sign: str) -> Cell:
    text = f"{value.mean:{sign}.{decimals}f}"
    if value.low is None or value.high is None:
        return Cell(text)
    return Cell(text, f"{value.low:{sign}.{decimals}f} to {value.high:{sign}.{decimals}f}")


def _count(line: Line) -> Cell:
    return Cell(", ".join(map(str, line.seeds))) if line.seeds else Cell("", reason="none")


def as_markdown(table: Table) -> str:
    """A table in Markdown; intervals in brackets, reasons in italics."""
    lines = [list(table.columns), ["---"] * len(table.columns)]
    for group in table.groups:
        if group.title:
            lines.append([f"**{group.title}**", *[""] * (len(table.columns) - 1)])
        lines += [[row.name, *map(_markdown_cell, row.cells)] for row in group.rows]
    return "\n".join(_markdown_line(line) for line in lines)


def _markdown_cell(cell: Cell) -> str:
    return terminal_cell(cell) if cell.text else f"*{cell.reason}*"


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
