"""The table of generated dances: Table 1 of the paper, its left-hand side, with what each figure is to be read beside.

Rows that any fool can make (a static pose, noise) stand beside each generator, and agreement with the beat beside
chance and beside other songs' beats: without those no figure here says anything.
"""

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from attrs import frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.results.recognition_tables import ROWS
from motionbeat.lab.results.result_tables import Cell, Group, Row, Table

COLUMNS = {
    "pfc": "PFC",
    "dist_k": "Dist_k",
    "dist_g": "Dist_g",
    "fid_k": "FID_k",
    "fid_g": "FID_g",
    "bas_bailando": "BAS (Bailando)",
    "bas_fact": "BAS (FACT)",
    "bas_landing": "BAS (landings)",
    "skating": "skating (m/s)",
    "dances": "N",
}
CONTROLS = {
    "ground_truth": "ground truth",
    "static": "static pose",
    "noise": "noise",
    "no_music": "generator without music",
    "shuffled": "generator, other songs' music",
    "unplanted": "generator, feet not planted",
}
PAPER = {
    "wav2vec 2.0": (1.698, 8.21, 5.56, 0.23),
    "CLAP": (1.625, 9.53, 5.75, 0.25),
    "Wav2CLIP": (1.602, 10.65, 6.39, 0.24),
    "Jukebox": (1.598, 10.75, 7.03, 0.24),
    "MotionBeat w/o ECL": (1.588, 10.88, 7.55, 0.25),
    "MotionBeat w/o SRAL": (1.590, 10.21, 7.65, 0.24),
    "MotionBeat": (1.545, 11.02, 7.89, 0.27),
}
"""The left-hand side of the paper's Table 1: PFC, Dist_k, Dist_g and BAS; printed for comparison only."""
NOTE = (
    "Each encoder's music is what one and the same kind of generator hears. Small figures: PFC's 95 % interval over "
    "resampled songs; what BAS is when the music is shifted in time (chance), and by how many deviations the dances "
    "lie above it (z). Below about z = 2 that definition's beats do not follow the music, however high BAS is."
)
PAPER_NOTE = (
    "The paper (AIST++) gives neither intervals nor the number of dances, and all of its BAS, 0.23 to 0.27, lie where "
    "chance does."
)
PLANTED_NOTE = (
    "Feet of generated dances are planted after sampling, where their own contacts say that they stand "
    "(dance.plant_feet): that alone lowers PFC and skating, and the paper and EDGE do not do it. The row whose feet "
    "are not planted is the one to hold against theirs."
)
_NARROW = (0, 4, 7, len(COLUMNS))
_WIDTHS = {"fid_k": 72, "fid_g": 32}
_NOT_RUN = "The stage dance has not been run, so there are no figures of generated dances: dvc repro dance."


@frozen
class Generated:
    """What the dance stage wrote: {row: {measure: value}}, empty where it has not been run."""

    rows: Mapping[str, Mapping[str, float]]

    @classmethod
    def read(cls, folder: Path) -> "Generated":
        """Read dance.json from `folder`, whose keys are row.measure; without the file there are no rows.

        Raises `MotionBeatError` for a file that holds anything else.
        """
        path = folder / "dance.json"
        if not path.is_file():
            return cls({})
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise MotionBeatError(f"{path} is not JSON ({error}): run the stage dance again") from None
        rows: dict[str, dict[str, float]] = {}
        for name, value in values.items() if isinstance(values, dict) else [("", None)]:
            row, dot, measure = name.partition(".")
            if not dot or isinstance(value, bool) or not isinstance(value, int | float):
                raise MotionBeatError(f"{path}: {name or 'the file'} is no row.measure with a number: run stage dance")
            rows.setdefault(row, {})[measure] = float(value)
        return cls(rows)

    @property
    def note(self) -> str:
        """What is to be said of the table, or why there is none."""
        if not self.rows:
            return _NOT_RUN
        return " ".join([NOTE, *([PLANTED_NOTE] if "unplanted" in self.rows else []), PAPER_NOTE])


def table(results: Generated) -> Table | None:
    """The paper's rows and ours; none where the stage has not been run."""
    if not results.rows:
        return None
    real = results.rows.get("ground_truth", {}).get("pieces")
    paper = tuple(Row(f"{name} (paper)", _paper_cells(name)) for name in PAPER)
    ours: list[Row] = []
    for name in [name for name in results.rows if name not in CONTROLS]:
        ours.append(Row(label(name), _cells(results.rows[name], real), ours=name == "motionbeat"))
        ours.append(Row(f"{label(name)}: other songs' beats", _shuffled_cells(results.rows[name])))
    ours += [Row(label(name), _cells(results.rows[name], real)) for name in CONTROLS if name in results.rows]
    groups = (Group("Paper, Table 1 (protocol not given)", paper), Group("Ours", tuple(ours)))
    return Table("Generated dances", ("", *COLUMNS.values()), groups)


def narrow(results: Generated) -> list[Table]:
    """The same in three tables, as a terminal has room for; none where the stage has not been run."""
    whole = table(results)
    if whole is None:
        return []
    pieces = []
    for begin, end in pairwise(_NARROW):
        part = slice(begin, end)
        groups = (
            Group(group.title if begin == 0 else "", tuple(Row(r.name, r.cells[part], r.ours) for r in group.rows))
            for group in whole.groups
        )
        pieces.append(Table(whole.caption, ("", *whole.columns[1:][part]), tuple(groups)))
    return pieces


def label(name: str) -> str:
    """How a row of metrics/dance.json is called."""
    return CONTROLS.get(name) or ROWS.get(name, name)


def _cells(row: Mapping[str, float], real: float | None) -> tuple[Cell, ...]:
    """real: how many pieces of real dances there are, if that is known."""
    return tuple(_cell(measure, row, real) for measure in COLUMNS)


def _cell(measure: str, row: Mapping[str, float], real: float | None) -> Cell:
    if measure not in row:
        return Cell("", reason="not computed")
    value = row[measure]
    if measure == "dances":
        return Cell(f"{value:.0f}", f"{row['pieces']:.0f} pieces" if "pieces" in row else "")
    if measure == "pfc":
        bounds = [row[f"pfc_{end}"] for end in ("low", "high") if f"pfc_{end}" in row]
        return Cell(_number(value, 3), "\u2013".join(_number(bound, 2) for bound in bounds))
    if measure in _WIDTHS:
        counts = [count for count in (row.get("pieces"), real) if count is not None]
        few = bool(counts) and min(counts) <= _WIDTHS[measure]
        return Cell(_number(value, 1), "few pieces" if few else "")
    if measure.startswith("bas_"):
        there = f"{measure}_chance" in row
        beside = f"chance {row[f'{measure}_chance']:.3f}, z {row[f'{measure}_chance_z']:+.1f}" if there else ""
        return Cell(_number(value, 3), beside)
    return Cell(_number(value, 2))


def _number(value: float, decimals: int) -> str:
    """Fewer decimals where there are many digits before them, as in the noise's row; no minus before zeros."""
    shown = decimals if abs(value) < 100 else 1 if abs(value) < 1000 else 0
    return f"{round(value, shown) + 0.0:,.{shown}f}"


def _shuffled_cells(row: Mapping[str, float]) -> tuple[Cell, ...]:
    """The same dances against the beats of other songs."""
    cells = []
    for measure in COLUMNS:
        if not measure.startswith("bas_"):
            cells.append(Cell("", reason="the same"))
        elif f"{measure}_shuffled" in row:
            above = f"own song z {row[f'{measure}_shuffled_z']:+.1f}"
            cells.append(Cell(f"{row[f'{measure}_shuffled']:.3f}", above))
        else:
            cells.append(Cell("", reason="fewer than 3 songs"))
    return tuple(cells)


def _paper_cells(name: str) -> tuple[Cell, ...]:
    pfc, dist_k, dist_g, bas = PAPER[name]
    given = {"pfc": f"{pfc:.3f}", "dist_k": f"{dist_k:.2f}", "dist_g": f"{dist_g:.2f}", "bas_bailando": f"{bas:.2f}"}
    return tuple(Cell(given[measure]) if measure in given else Cell("", reason="not given") for measure in COLUMNS)
