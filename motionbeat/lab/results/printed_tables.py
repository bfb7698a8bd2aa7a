"""Tables as plain data, for pages and terminals: cells with intervals, rows, groups, and conversion to plain text.

A cell without a figure has the reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from motionbeat.lab.tasks.score_table import Score


@frozen
class Cell:
    """A figure as text with its interval, or the reason why there is none."""

    text: str
    interval: str = ""
    reason: str = ""


@frozen
class Row:
    name: str
    cells: tuple[Cell, ...]
    ours: bool = False
    main: bool = True
    """Whether it is one of the main lines, which short tables show."""


@frozen
class Group:
    title: str
    rows: tuple[Row, ...]


@frozen
class Table:
    caption: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]


def main_lines(table: Table) -> Table:
    """The table with its main lines only."""
    groups = (Group(group.title, tuple(row for row in group.rows if row.main)) for group in table.groups)
    return Table(table.caption, table.columns, tuple(groups))


def pieces(table: Table, columns: int) -> list[Table]:
    """The table split into tables of at most `columns` columns, for a terminal; all have the titles of its groups."""
    cuts = range(0, len(table.columns) - 1, columns)
    return [
        Table(
            table.caption,
            ("", *table.columns[1:][cut : cut + columns]),
            tuple(
                Group(group.title, tuple(Row(row.name, row.cells[cut : cut + columns], row.ours) for row in group.rows))
                for group in table.groups
            ),
        )
        for cut in cuts
    ]


def decimal(value: float, digits: int) -> str:
    """A number with `digits` decimals; no minus before zeros."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def interval(bounds: Sequence[float], digits: int) -> str:
    """Both bounds with a dash between them, or with `to` if one is negative."""
    low, high = (decimal(bound, digits) for bound in bounds)
    return f"{low} to {high}" if "-" in low + high else f"{low}\u2013{high}"


def figure(score: Score | None, digits: int, sign: bool = False, missing: str = "not computed") -> Cell:
    """A score with its interval as a cell; `missing` is the reason shown if there is no value. sign: positive values
    get a plus, for differences.
    """
    if score is None or score.value is None:
        return Cell("", reason=missing)
    plus = "+" if sign and round(score.value, digits) > 0 else ""
    bounds = "" if score.low is None or score.high is None else interval((score.low, score.high), digits)
    return Cell(plus + decimal(score.value, digits), bounds)


def facts(caption: str, columns: tuple[str, ...], rows: Mapping[str, tuple[str, ...]]) -> Table:
    """A table of one group: {row name: its texts}."""
    return Table(caption, columns, (Group("", tuple(Row(name, _cells(texts)) for name, texts in rows.items())),))


def _cells(texts: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(Cell(text) if text else Cell("", reason="not computed") for text in texts)


def plain(value: Any) -> str:
    """A value of a JSON or YAML file for readers: at most four significant decimals, yes and no."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def as_text(table: Table, columns: tuple[str, ...]) -> str:
    """The named columns of a table in aligned plain text, intervals in brackets."""
    chosen = [table.columns.index(column) - 1 for column in columns]
    lines: list[list[str]] = [["", *columns]]
    for group in table.groups:
        lines.append([group.title])
        lines += [[f"  {row.name}", *(terminal_cell(row.cells[place]) for place in chosen)] for row in group.rows]
    full = [line for line in lines if len(line) > 1]
    widths = [max(len(line[place]) for line in full) for place in range(len(full[0]))]
    return "\n".join([table.caption, *("  ".join(_pad(line, widths)).rstrip() for line in lines)])


def _pad(line: list[str], widths: list[int]) -> list[str]:
    if len(line) == 1:
        return line
    return [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))]


def terminal_cell(cell: Cell) -> str:
    """A cell in one line."""
    if not cell.text:
        return f"({cell.reason})"
    return f"{cell.text} [{cell.interval}]" if cell.interval else cell.text
