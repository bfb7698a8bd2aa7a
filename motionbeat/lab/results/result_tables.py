"""Tables as plain data: the paper's Table 2 beside ours, and facts of a run; and one as text for a terminal.

A cell that has no figure says why. The page's template and the terminal print the same tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.results.result_files import Results

DIRECTIONS = {"music_to_motion": "Music to motion", "motion_to_music": "Motion to music"}
PROTOCOLS = {
    "win": "WIN: windows, same song and beats",
    "slice": "SLICE: slices of some seconds, same song and time",
    "seq": "SEQ: whole sequences, same song",
}
PROJECTED = {
    "wav2vec2": "wav2vec 2.0",
    "clap": "CLAP",
    "wav2clip": "Wav2CLIP",
    "jukebox": "Jukebox",
    "musicnn": "musicnn",
    "mel": "log-mel",
    "random": "untrained",
    "motionbeat": "our states",
}
"""Encoders by their name in encoders.names, each through a trained projection head; the paper's baselines first."""
ROWS = {
    "model": "MotionBeat (ours)",
    **{f"{name}_projected": f"{label} + head" for name, label in PROJECTED.items()},
    "ceiling": "ceiling",
    "random": "random embeddings",
    "tempo_only": "tempo alone",
    "genre_only": "genre alone",
}
METRICS = {"r1": "R@1 (%)", "r5": "R@5 (%)", "r10": "R@10 (%)", "medr": "MedR", "meanr": "MeanR"}
PAPER = {
    "wav2vec 2.0": ((13.7, 31.2, 44.5, 39), (13.1, 30.8, 43.8, 40)),
    "CLAP": ((15.6, 33.9, 47.2, 36), (15.2, 33.1, 46.7, 37)),
    "Wav2CLIP": ((16.2, 34.7, 48.6, 34), (15.8, 34.0, 47.9, 35)),
    "Jukebox": ((19.8, 40.5, 53.2, 27), (18.8, 38.9, 52.5, 29)),
    "MotionBeat": ((22.1, 42.5, 58.3, 22), (21.7, 41.9, 57.6, 23)),
}
"""Table 2 of the paper, printed for comparison only: R@1, R@5, R@10 and MedR of both directions."""
PAPER_NOTE = (
    "The paper (AIST++) gives neither the gallery nor the number of queries. Its table cannot be right as printed: "
    "an R@10 above 50 % means that more than half of the queries have a rank of at most 10, so MedR cannot be 22."
)
_NO_TRUTH = "this corpus has no truth"
_NOT_GIVEN = "not given"
_NOT_TRAINED = "not trained"
_NOT_RUN = "not run"
_MAIN = ("model", "ceiling", "chance")
"""The rows of ours that a terminal shows, besides encoders that were run."""


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
    """Whether it is shown where there is room for the main lines only."""


@frozen
class Group:
    title: str
    rows: tuple[Row, ...]


@frozen
class Table:
    caption: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]


def retrieval_tables(results: Results, seed: int) -> list[Table]:
    """One table a direction: the paper's rows, then ours under each protocol. `seed`: of the training run."""
    columns = ("", *METRICS.values(), "queries N", "gallery", "seeds")
    tables: list[Table] = []
    for place, (direction, title) in enumerate(DIRECTIONS.items()):
        groups = [Group("Paper, Table 2 (protocol not given)", tuple(_paper_rows(place)))]
        for protocol, story in PROTOCOLS.items():
            figures, bounds = (_nested(values, protocol, direction) for values in (results.retrieve, results.intervals))
            size = f"{figures['model']['n']} queries, gallery {bounds['gallery']}, {bounds['songs']} songs"
            rows = _our_rows(figures, bounds, seed, results.intervals.get("heads", {}))
            groups.append(Group(f"{story} ({size})", tuple(rows)))
        tables.append(Table(f"{title}: recall and rank", columns, tuple(groups)))
    return tables


def _nested(values: Mapping[str, Any], protocol: str, direction: str) -> Mapping[str, Any]:
    try:
        return values[protocol][direction]
    except KeyError:
        raise MotionBeatError(
            f"metrics/retrieve*.json hold nothing for {protocol}, {direction}: run `dvc repro`"
        ) from None


def _paper_rows(place: int) -> Iterator[Row]:
    missing = Cell("", reason=_NOT_GIVEN)
    for name, figures in PAPER.items():
        *recalls, median = figures[place]
        cells = [Cell(f"{recall:.1f}") for recall in recalls] + [Cell(f"{median:g}")]
        yield Row(f"{name} (paper)", (*cells, *[missing] * 4))


def _our_rows(
    figures: Mapping[str, Any], bounds: Mapping[str, Any], seed: int, heads: Mapping[str, Any]
) -> Iterator[Row]:
    """heads: {row: how its projection head was trained}."""
    gallery, queries = Cell(str(bounds["gallery"])), Cell(str(figures["model"]["n"]))
    for name, label in ROWS.items():
        if name not in figures:
            why = Cell("", reason=f"{name.removesuffix('_projected')} is not in encoders.names")
            yield Row(label, (*[Cell("", reason=_NOT_RUN)] * (len(METRICS) + 2), why), main=False)
            continue
        cells = [_figure(metric, figures[name][metric], bounds[name][metric]) for metric in METRICS]
        trained = seed if name == "model" else heads.get(name, {}).get("seed")
        seeds = Cell("", reason=_NOT_TRAINED) if trained is None else Cell(f"1 (seed {trained})")
        main = name in _MAIN or name in heads
        yield Row(label, (*cells, queries, gallery, seeds), ours=name == "model", main=main)
    expected = [_figure(metric, bounds["chance"][metric], None) for metric in METRICS]
    yield Row("chance", (*expected, queries, gallery, Cell("", reason=_NOT_TRAINED)))


def main_lines(table: Table) -> Table:
    """The table without the rows that only its full form shows."""
    groups = (Group(group.title, tuple(row for row in group.rows if row.main)) for group in table.groups)
    return Table(table.caption, table.columns, tuple(groups))


def _figure(metric: str, value: float | None, interval: list[float] | None) -> Cell:
    if value is None:
        return Cell("", reason=_NO_TRUTH)
    if interval is None:
        return Cell(_number(metric, value))
    low, high = (_number(metric, bound) for bound in interval)
    return Cell(_number(metric, value), f"{low}\u2013{high}")


def decimal(value: float, digits: int) -> str:
    """A number of so many decimals; no minus before zeros."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def interval(bounds: Sequence[float], digits: int) -> str:
    """Both bounds with a dash between them, or `to` where a minus would stand beside it."""
    low, high = (decimal(bound, digits) for bound in bounds)
    return f"{low} to {high}" if "-" in low + high else f"{low}\u2013{high}"


def _number(metric: str, value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if metric == "medr" else f"{value:.1f}"


def facts(caption: str, columns: tuple[str, ...], rows: Mapping[str, tuple[str, ...]]) -> Table:
    """A table of one group: {row name: its texts}."""
    return Table(caption, columns, (Group("", tuple(Row(name, _cells(texts)) for name, texts in rows.items())),))


def _cells(texts: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(Cell(text) if text else Cell("", reason="not computed") for text in texts)


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, tuple[str]]:
    """Nested plain values as {'outer, inner': (text,)}; what is None becomes an empty text."""
    rows: dict[str, tuple[str]] = {}
    for key, value in values.items():
        name = f"{before}, {key}" if before else str(key)
        rows |= flat(value, name) if isinstance(value, Mapping) else {name: (plain(value),)}
    return rows


def plain(value: Any) -> str:
    """A value of a JSON or YAML file as a reader wants it: at most four significant decimals, yes and no."""
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
