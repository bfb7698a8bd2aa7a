"""Table 1 of the paper, left half: generated dances, and the references for each figure.

Each generator is compared with trivial baselines (a static pose, noise), and agreement with the beat is compared with
chance and with other songs' beats: without these the figures have no meaning.
"""

from motionbeat.lab.results.paper_figures import DANCE_NOTE, TABLE_1
from motionbeat.lab.results.printed_tables import Cell, Group, Row, Table, pieces
from motionbeat.lab.results.recognition_tables import ROWS
from motionbeat.lab.results.results_table import ResultsTable

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
    "rules": "rule-based dancer",
    "static": "static pose",
    "noise": "noise",
    "no_music": "generator without music",
    "shuffled": "generator, other songs' music",
    "unplanted": "generator, feet not planted",
}
NOTE = (
    "One kind of generator, trained once on each encoder's features of the music. Small figures: PFC's 95 % interval "
    "over resampled songs; BAS with music shifted in time (chance), and how many deviations the dances are above it "
    "(z). Below about z = 2 the beats of that definition do not follow the music, however high BAS is."
)
PLANTED_NOTE = (
    "Feet of generated dances are kept still during contacts after sampling (dance.plant_feet): that alone lowers PFC "
    "and skating, and the paper and EDGE do not do it. Compare theirs with the row 'feet not planted'."
)
RULES_NOTE = (
    "The rule-based dancer is not trained: it makes moves of the synthetic corpus on the accents of the music. It "
    "knows the beats by which dances are scored; generators do not."
)
_TERMINAL = 3
"""Columns of each table in a terminal."""
_WIDTHS = {"fid_k": 72, "fid_g": 32}
NOT_RUN = "The stage dance has not been run, so there are no figures of generated dances: dvc repro dance."
TASK = "dance"
_OF_PAPER = {"pfc": "pfc", "dist_k": "dist_k", "dist_g": "dist_g", "bas_bailando": "bas"}
"""Columns of the paper's table by ours."""


def note(results: ResultsTable) -> str:
    """How to read the table, or why there is none."""
    if not (rows := results.rows(TASK)):
        return NOT_RUN
    return " ".join(
        [NOTE, *(note for row, note in (("unplanted", PLANTED_NOTE), ("rules", RULES_NOTE)) if row in rows), DANCE_NOTE]
    )


def generators(results: ResultsTable) -> list[str]:
    """The encoders with a trained generator."""
    return [name for name in results.rows(TASK) if name not in CONTROLS]


def table(results: ResultsTable) -> Table | None:
    """The paper's rows and ours; None if the stage has not been run."""
    there = results.rows(TASK)
    if not there:
        return None
    real = results.value(TASK, "ground_truth", "pieces")
    paper = tuple(Row(f"{name} (paper)", _paper_cells(name)) for name in TABLE_1)
    ours: list[Row] = []
    for name in generators(results):
        ours.append(Row(label(name), _cells(results, name, real), ours=name == "motionbeat"))
        ours.append(Row(f"{label(name)}: other songs' beats", _shuffled_cells(results, name)))
    ours += [Row(label(name), _cells(results, name, real)) for name in CONTROLS if name in there]
    groups = (Group("Paper, Table 1 (protocol not given)", paper), Group("Ours", tuple(ours)))
    return Table("Generated dances", ("", *COLUMNS.values()), groups)


def narrow(results: ResultsTable) -> list[Table]:
    """The same as tables of at most three columns, for a terminal; empty if the dance stage was not run."""
    whole = table(results)
    return [] if whole is None else pieces(whole, _TERMINAL)


def label(name: str) -> str:
    """The name of a row for readers."""
    return CONTROLS.get(name) or ROWS.get(name, name)


def _cells(results: ResultsTable, row: str, real: float | None) -> tuple[Cell, ...]:
    """real: number of pieces of real dances, if known."""
    return tuple(_cell(results, row, measure, real) for measure in COLUMNS)


def _cell(results: ResultsTable, row: str, measure: str, real: float | None) -> Cell:
    score = results.score(TASK, row, measure)
    if score is None or score.value is None:
        return Cell("", reason="not computed")
    value, pieces_of_row = score.value, results.value(TASK, row, "pieces")
    if measure == "dances":
        return Cell(f"{value:.0f}", "" if pieces_of_row is None else f"{pieces_of_row:.0f} pieces")
    if measure == "pfc":
        bounds = [bound for bound in (score.low, score.high) if bound is not None]
        return Cell(_number(value, 3), "\u2013".join(_number(bound, 2) for bound in bounds))
    if measure in _WIDTHS:
        counts = [count for count in (pieces_of_row, real) if count is not None]
        few = bool(counts) and min(counts) <= _WIDTHS[measure]
        return Cell(_number(value, 1), "few pieces" if few else "")
    if measure.startswith("bas_"):
        chance, z = (results.value(TASK, row, f"{measure}_chance{end}") for end in ("", "_z"))
        return Cell(_number(value, 3), "" if chance is None else f"chance {chance:.3f}, z {z:+.1f}")
    return Cell(_number(value, 2))


def _number(value: float, decimals: int) -> str:
    """A number with fewer decimals if it is large, as in the row of noise; no minus before zeros."""
    shown = decimals if abs(value) < 100 else 1 if abs(value) < 1000 else 0
    return f"{round(value, shown) + 0.0:,.{shown}f}"


def _shuffled_cells(results: ResultsTable, row: str) -> tuple[Cell, ...]:
    """The same dances against the beats of other songs."""
    cells = []
    for measure in COLUMNS:
        shuffled, z = (results.value(TASK, row, f"{measure}_shuffled{end}") for end in ("", "_z"))
        if not measure.startswith("bas_"):
            cells.append(Cell("", reason="the same"))
        elif shuffled is None:
            cells.append(Cell("", reason="fewer than 3 songs"))
        else:
            cells.append(Cell(f"{shuffled:.3f}", f"own song z {z:+.1f}"))
    return tuple(cells)


def _paper_cells(name: str) -> tuple[Cell, ...]:
    given = TABLE_1[name]
    return tuple(
        Cell(given[_OF_PAPER[measure]]) if measure in _OF_PAPER else Cell("", reason="not given") for measure in COLUMNS
    )
