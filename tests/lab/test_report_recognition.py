"""Table 1's right-hand side: the paper's figures in rows of their own, reasons where nothing was run."""

from pathlib import Path

import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.files import write_json
from motionbeat.lab.results.recognition_tables import COLUMNS, PAPER, ROWS, Recognition, narrow, sizes, table
from motionbeat.lab.results.result_tables import as_text

ABOUT = {"data_set": "gtzan", "standin": True, "split": "fault-filtered lists", "train": 60, "val": 20, "test": 1234}
ABOUT |= {"groups": 20, "grouped_by": "clip", "left_out": {"broken audio": 1}, "seed": 7, "resamplings": 10}


@pytest.fixture
def genre_alone(tmp_path: Path) -> Recognition:
    """One task run, for two encoders, on a stand-in."""
    write_json(tmp_path / "genre.json", {"motionbeat": {"accuracy": 71.25}, "mel": {"accuracy": None}})
    write_json(tmp_path / "genre_intervals.json", {"about": ABOUT, "motionbeat": {"accuracy": [60.0, 80.04]}})
    return Recognition.read(tmp_path)


def test_a_figure_stands_with_its_interval_and_what_is_not_there_has_a_reason(genre_alone) -> None:
    shown = table(genre_alone)
    place = list(COLUMNS).index(("genre", "accuracy"))
    ours = {row.name: row.cells for row in shown.groups[1].rows}
    cell = ours["MotionBeat (ours)"][place]
    assert (cell.text, cell.interval) == ("71.2", "60.0\u201380.0")
    assert ours["log-mel spectrogram"][place].reason == "not defined on these clips"
    assert ours["musicnn"][place].reason == "not run"
    assert ours["MotionBeat (ours)"][0].reason == "not run"
    assert ours["madmom itself"][place].reason == "no part"
    assert ours["test clips N"][place].text == "1,234"
    assert all(cell.text or cell.reason for row in ours.values() for cell in row)


def test_the_papers_figures_stand_in_the_papers_rows_alone(genre_alone) -> None:
    paper, ours = table(genre_alone).groups
    assert [row.name for row in paper.rows] == [f"{name} (paper)" for name in PAPER]
    assert len(PAPER["Jukebox"]) == len(COLUMNS)
    assert not any(cell.interval for row in paper.rows for cell in row.cells)
    assert sum(bool(cell.text) for row in ours.rows[: len(ROWS)] for cell in row.cells) == 1


def test_plain_peaks_have_a_column_in_which_trackers_and_the_paper_have_no_part(tmp_path) -> None:
    scored = {"f1": 0.8, "cmlt": 0.7, "amlt": 0.9}
    values = {"motionbeat": scored | {"f1_peaks": 0.654}, "librosa": scored}
    write_json(tmp_path / "beat_tracking.json", values)
    bounds = {row: {metric: None for metric in metrics} for row, metrics in values.items()}
    write_json(tmp_path / "beat_tracking_intervals.json", {"about": ABOUT, **bounds})
    shown = table(Recognition.read(tmp_path))
    place = shown.columns.index("Beat F1, peaks*") - 1
    assert shown.columns[place] == "AMLt*"
    cells = {row.name: row.cells[place] for group in shown.groups for row in group.rows}
    assert cells["MotionBeat (ours)"].text == "0.654"
    assert cells["librosa, one hop earlier"].reason == cells["constant answer"].reason == "no part"
    assert cells["log-mel spectrogram"].reason == "not run"
    assert cells["MotionBeat (paper)"].reason == "not given"


def test_the_papers_figures_are_under_their_own_columns(genre_alone) -> None:
    shown = table(genre_alone)
    cells = {column: cell.text for column, cell in zip(shown.columns[1:], shown.groups[0].rows[-1].cells, strict=True)}
    assert (cells["Beat F1"], cells["AMLt"], cells["Tag ROC"], cells["R2 arousal"]) == (
        "0.878",
        "0.905",
        "91.2",
        "73.8",
    )


def test_a_column_of_a_stand_in_is_marked_and_its_size_is_said(genre_alone) -> None:
    columns = table(genre_alone).columns
    assert [column for column in columns if column.endswith("*")] == ["Genre ACC*"]
    ((task, text),) = sizes(genre_alone)
    assert task == "genre" and "(stand-in)" in text and "broken audio: 1; one seed of the probes, 7" in text


def test_sizes_of_a_cross_validation_are_said_to_be_of_a_round(genre_alone) -> None:
    folds = {"genre": {"about": ABOUT | {"rounds": 5, "split": "5-fold cross-validation over clips"}}}
    ((_, text),) = sizes(Recognition(genre_alone.metrics, folds))
    assert "over clips: 60 train and 20 validation clips, a round; 1234 test clips; left out" in text
    ((_, text),) = sizes(genre_alone)
    assert "a round" not in text


def test_the_narrow_tables_hold_every_column_once(genre_alone) -> None:
    pieces = narrow(genre_alone)
    assert [column for piece in pieces for column in piece.columns[1:]] == list(table(genre_alone).columns[1:])
    assert max(len(line) for piece in pieces for line in as_text(piece, piece.columns[1:]).splitlines()) <= 95


def test_metrics_without_their_intervals_are_refused(tmp_path) -> None:
    write_json(tmp_path / "genre.json", {})
    with pytest.raises(MotionBeatError, match=r"genre_intervals\.json is missing"):
        Recognition.read(tmp_path)
