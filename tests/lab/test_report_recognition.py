"""Table 1, right half: the paper's figures in rows of their own; what was not run is left out."""

import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab.results import paper_figures
from motionbeat.lab.results.printed_tables import as_text
from motionbeat.lab.results.recognition_tables import NOT_RUN, narrow, note, sizes, table
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.tasks import score_table
from motionbeat.lab.tasks.score_table import Score

pytest_plugins = ("report_fixtures",)
ABOUT = {"data_set": "gtzan", "standin": True, "split": "fault-filtered lists", "train": 60, "val": 20, "test": 1234}
ABOUT |= {"groups": 20, "grouped_by": "clip", "left_out": {"broken audio": 1}, "seed": 7, "resamplings": 10}


@pytest.fixture
def genre_alone(run_folder) -> ResultsTable:
    """One task run, for two encoders, on a stand-in."""
    scores = [Score("genre", "motionbeat", "accuracy", 71.25, 60.0, 80.04, 20), Score("genre", "mel", "accuracy", None)]
    score_table.write(run_folder / "metrics", "genre", scores, {}, ABOUT)
    return ResultsTable.read(run_folder / "metrics")


def test_a_figure_stands_with_its_interval_and_tasks_and_rows_that_were_not_run_are_left_out(genre_alone) -> None:
    shown = table(genre_alone)
    assert shown.columns == ("", "Genre ACC*")
    ours = {row.name: row.cells for row in shown.groups[1].rows}
    assert list(ours) == ["MotionBeat (ours)", "log-mel spectrogram", "test clips N"]
    assert (ours["MotionBeat (ours)"][0].text, ours["MotionBeat (ours)"][0].interval) == ("71.2", "60.0\u201380.0")
    assert ours["log-mel spectrogram"][0].reason == "not defined on these clips"
    assert ours["test clips N"][0].text == "1,234"


def test_the_papers_figures_stand_in_the_papers_rows_alone(genre_alone) -> None:
    paper, ours = table(genre_alone).groups
    assert [row.name for row in paper.rows] == [f"{name} (paper)" for name in paper_figures.TABLE_1]
    assert not any(cell.interval for row in paper.rows for cell in row.cells)
    assert [row.cells[0].text for row in paper.rows][-1] == "79.2"
    assert sum(bool(cell.text) for row in ours.rows[:-1] for cell in row.cells) == 1


def test_plain_peaks_have_a_column_in_which_trackers_and_the_paper_have_no_part(run_folder) -> None:
    scored = {"f1": 0.8, "cmlt": 0.7, "amlt": 0.9}
    rows = {"motionbeat": scored | {"f1_peaks": 0.654}, "librosa": scored}
    scores = [Score("beat_tracking", row, name, value) for row, own in rows.items() for name, value in own.items()]
    score_table.write(run_folder / "metrics", "beat_tracking", scores, {}, ABOUT)
    shown = table(ResultsTable.read(run_folder / "metrics"))
    place = shown.columns.index("Beat F1, peaks*") - 1
    assert shown.columns[place] == "AMLt*"
    cells = {row.name: row.cells for group in shown.groups for row in group.rows}
    assert cells["MotionBeat (ours)"][place].text == "0.654"
    assert cells["librosa, one hop earlier"][place].reason == "no part"
    assert cells["MotionBeat (paper)"][place].reason == "not given"
    paper = dict(zip(shown.columns[1:], cells["MotionBeat (paper)"], strict=True))
    assert (paper["Beat F1*"].text, paper["CMLt*"].text, paper["AMLt*"].text) == ("0.878", "0.803", "0.905")


def test_a_column_of_a_stand_in_is_marked_and_its_size_is_said(genre_alone) -> None:
    ((task, text),) = sizes(genre_alone)
    assert task == "genre" and "(stand-in)" in text and "broken audio: 1; one seed of the probes, 7" in text
    assert "Columns marked *" in note(genre_alone)


def test_sizes_of_a_cross_validation_are_said_to_be_of_a_round(genre_alone) -> None:
    folds = {"genre": ABOUT | {"rounds": 5, "split": "5-fold cross-validation over clips"}}
    ((_, text),) = sizes(ResultsTable(genre_alone.table, folds))
    assert "over clips: 60 train and 20 validation clips, a round; 1234 test clips; left out" in text
    ((_, text),) = sizes(genre_alone)
    assert "a round" not in text


def test_the_narrow_tables_hold_every_column_once(genre_alone) -> None:
    pieces = narrow(genre_alone)
    assert [column for piece in pieces for column in piece.columns[1:]] == list(table(genre_alone).columns[1:])
    assert max(len(line) for piece in pieces for line in as_text(piece, piece.columns[1:]).splitlines()) <= 95


def test_without_a_task_there_is_no_table_and_the_note_names_the_stages(run_folder) -> None:
    results = ResultsTable.read(run_folder / "metrics")
    assert table(results) is None and narrow(results) == [] and note(results) == NOT_RUN


def test_figures_without_what_they_are_of_are_refused(run_folder, genre_alone) -> None:
    (run_folder / "metrics/genre_about.json").unlink()
    with pytest.raises(MotionBeatError, match=r"genre_about\.json is missing"):
        ResultsTable.read(run_folder / "metrics")
