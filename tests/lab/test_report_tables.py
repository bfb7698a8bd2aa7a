"""Claims about the tidy table of results and the tables made of it: the paper's rows, ours, what is missing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from report_runs import write_metrics

from motionbeat.errors import MotionBeatError
from motionbeat.files import write_json
from motionbeat.lab import registry
from motionbeat.lab.results import paper_figures
from motionbeat.lab.results.printed_tables import as_text, decimal, figure, interval, main_lines
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.results.retrieval_tables import METRICS, PROJECTED, ROWS, retrieval_tables
from motionbeat.lab.results.training_curves import read_history
from motionbeat.lab.results.training_tables import BEATS, TRAINING, agreement_tables, in_words
from motionbeat.lab.tasks import score_table
from motionbeat.lab.tasks.score_table import COLUMNS, Score, difference

ROOT = Path(__file__).parents[2]
pytest_plugins = ("report_fixtures",)


def test_scores_come_back_from_their_file_as_they_were_written(run_folder):
    scores = [
        Score("genre", "mel", "accuracy", 1 / 3, -0.5, 2e-7, 12),
        Score("genre", "mel", "other", None, n=12),
        Score("genre", difference("motionbeat", "mel"), "accuracy", -1.0, None, None, 12),
    ]
    score_table.write(run_folder / "metrics", "genre", scores, {}, {"test": 12})
    results = ResultsTable.read(run_folder / "metrics")
    assert results.score("genre", "mel", "accuracy") == Score("genre", "mel", "accuracy", 0.333333, -0.5, 0.0, 12)
    assert results.score("genre", "mel", "other") == scores[1]
    assert results.minus("genre", "motionbeat", "mel", "accuracy") == scores[2]
    assert results.rows("genre") == ["mel"] and results.metrics("genre", "mel") == {"accuracy": 0.333333, "other": None}
    assert results.score("genre", "clap", "accuracy") is None and results.rows("emotion") == []
    assert tuple(results.table.columns) == COLUMNS
    assert set(results.table["task"]) >= {"win.music_to_motion", "train", "beats", "genre"}


def test_retrieval_tables_hold_the_papers_rows_and_ours_and_every_empty_cell_says_why(run_folder):
    write_metrics(run_folder / "metrics", truth=False)
    for table in retrieval_tables(ResultsTable.read(run_folder / "metrics")):
        paper, *ours = table.groups
        assert [row.name for row in paper.rows] == [
            f"{name} (paper)" for name in paper_figures.TABLE_2["music_to_motion"]
        ]
        assert [group.title.split(":")[0] for group in ours] == ["WIN", "SLICE", "SEQ"]
        for group in ours:
            rows = {row.name: row for row in group.rows}
            run = [name for name in ROWS if not name.endswith("_projected") or name == "mel_projected"]
            run = [name for name in run if "additive" not in name]  # the corpus has no context
            assert list(rows) == [ROWS[name] for name in run]
            assert [row.ours for row in group.rows] == [True] + [False] * (len(run) - 1)
            assert {cell.reason for cell in rows["ceiling, not normalised"].cells} == {"this corpus has no truth"}
            assert rows["tempo alone"].cells[list(METRICS).index("nll")].reason == "not a probability"
        for row in (row for group in table.groups for row in group.rows):
            assert len(row.cells) == len(table.columns) - 1
            assert all(bool(cell.text) != bool(cell.reason) for cell in row.cells)


def test_the_difference_of_a_row_is_the_paired_one_with_its_sign(run_folder):
    results = ResultsTable.read(run_folder / "metrics")
    row = next(row for row in retrieval_tables(results)[0].groups[1].rows if row.name == "chance")
    assert row.cells[-1].reason == "not taken"
    row = next(row for row in retrieval_tables(results)[0].groups[1].rows if row.name == "random embeddings")
    less = results.minus("win.music_to_motion", "model", "random", "r1")
    assert less is not None and less.value is not None and less.value > 0
    assert row.cells[-1].text == f"+{less.value:.1f}" and row.cells[-1].interval


def test_every_encoder_that_can_be_run_has_a_row():
    assert set(PROJECTED) == set(registry.names("encoder"))
    for name in ("wav2vec 2.0", "CLAP", "Wav2CLIP", "Jukebox"):
        assert name in paper_figures.TABLE_1 and name in paper_figures.TABLE_2["motion_to_music"]
        assert name in PROJECTED.values()


def test_the_main_lines_are_the_paper_the_model_what_was_run_the_ceiling_and_chance(run_folder):
    for table in retrieval_tables(ResultsTable.read(run_folder / "metrics")):
        short = main_lines(table)
        assert short.groups[0] == table.groups[0]
        for group in short.groups[1:]:
            names = [row.name for row in group.rows]
            assert names == ["MotionBeat (ours)", "log-mel + head", "ours, normalised", "ceiling, normalised", "chance"]


def test_figures_in_the_table_are_those_of_the_metrics_with_their_interval(run_folder):
    results = ResultsTable.read(run_folder / "metrics")
    row = retrieval_tables(results)[1].groups[3].rows[0]
    for cell, (metric, digits) in zip(row.cells, {**dict.fromkeys(METRICS, 1), "nll": 2}.items(), strict=False):
        score = results.score("seq.motion_to_music", "model", metric)
        assert float(cell.text) == pytest.approx(score.value, abs=0.51 * 10**-digits)
        low, high = map(float, cell.interval.split("\u2013"))
        assert [low, high] == pytest.approx([score.low, score.high], abs=0.51 * 10**-digits)


def test_the_papers_table_of_retrieval_cannot_be_right_as_the_note_says():
    for rows in paper_figures.TABLE_2.values():
        for name, row in rows.items():
            r1, r5, r10, median = (float(row[column]) for column in paper_figures.TABLE_2_COLUMNS)
            assert r1 < r5 < r10
            assert name != "MotionBeat" or (r10 > 50 and median > 10)


def test_the_papers_tables_agree_where_they_print_the_same_figure():
    full, last = paper_figures.TABLE_1["MotionBeat"], paper_figures.TABLE_3["BEP & CGA"]
    assert (full["bas"], full["f1"]) == (last["bas"], last["f1"])
    assert float(full["pfc"]) == pytest.approx(float(last["pfc"]), abs=0.0051)
    assert paper_figures.TABLE_2["music_to_motion"]["MotionBeat"]["r1"] == last["r1"]


def test_text_of_a_table_is_aligned_and_in_brackets(run_folder):
    table = retrieval_tables(ResultsTable.read(run_folder / "metrics"))[0]
    lines = as_text(table, ("R@10 (%)", "MedR")).splitlines()
    assert lines[0] == "Music to motion: recall and rank"
    ends = {len(line) for line in lines[1:] if line.startswith("  ")}
    assert len(ends) == 1
    assert re.search(r"MotionBeat \(ours\) +\d+\.\d \[\d+\.\d\u2013\d+\.\d\]", "\n".join(lines))


def test_the_terminal_report_loads_neither_torch_nor_a_plot_and_names_the_page(run_folder):
    code = (
        "import sys; from motionbeat.lab.results.__main__ import main; main();"
        "print(sorted({'torch','librosa','matplotlib','sklearn','jinja2'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=run_folder, env=environment, check=True, capture_output=True, encoding="utf-8"
    ).stdout
    assert found.rstrip().endswith("[]")
    assert "index.html is missing: run `dvc repro`" in found
    assert "MotionBeat (paper)" in found
    assert "songs 2; F-measure of beats 0.988" in found


def test_missing_or_broken_results_are_refused_by_name(run_folder):
    metrics = run_folder / "metrics"
    (metrics / "beats.json").write_text("{", encoding="utf-8")
    with pytest.raises(MotionBeatError, match=r"beats\.json is not JSON"):
        ResultsTable.read(metrics)
    write_json(metrics / "beats.json", {"songs": "many"})
    with pytest.raises(MotionBeatError, match=r"beats\.json: songs is not a number"):
        ResultsTable.read(metrics)
    (metrics / "train.json").unlink()
    with pytest.raises(MotionBeatError, match=r"train\.json is missing"):
        ResultsTable.read(metrics)
    (metrics / "retrieve_table.csv").write_text("task,row\n", encoding="utf-8")
    with pytest.raises(MotionBeatError, match=r"retrieve_table\.csv has the columns \['task', 'row'\]"):
        ResultsTable.read(metrics)
    (metrics / "retrieve_table.csv").write_text(f"{','.join(COLUMNS)}\na,b,c,much,,,\n", encoding="utf-8")
    with pytest.raises(MotionBeatError, match=r"retrieve_table\.csv is not a table of figures"):
        ResultsTable.read(metrics)
    history = metrics / "train_history.csv"
    history.write_text("epoch,loss\n1,2\n", encoding="utf-8")
    with pytest.raises(MotionBeatError, match="lacks the columns"):
        read_history(history)


def test_figures_of_a_run_are_in_words_and_an_unknown_one_under_its_own_name():
    found = in_words({"new_figure": 0.123456, "alpha_logit_0": 0.1, "epochs": 80.0, "alpha_value_0": 0.2}, TRAINING)
    assert found == {
        "epochs trained": ("80",),
        "strengths of contact-guided attention, by layer": ("logits 0.100; values 0.200",),
        "new figure": ("0.1235",),
    }
    assert in_words({"lag_ms": -1.05, "cmlt": None}, BEATS) == {
        "median lag of the tracker": ("-1.1 ms",),
        "CMLt": ("",),
    }


def test_agreement_is_a_table_of_curves_and_one_of_masses(run_folder):
    assert agreement_tables(ResultsTable.read(run_folder / "metrics")) == []
    figures = {"best_epoch": 3, "agreement_contact_rate": 0.3, "agreement_onset_own_beyond": 0.25}
    write_json(run_folder / "metrics/train.json", figures | {"agreement_profile_energy_emd": 0.84})
    curves, masses = agreement_tables(ResultsTable.read(run_folder / "metrics"))
    cells = {row.name: dict(zip(curves.columns[1:], row.cells, strict=True)) for row in curves.groups[0].rows}
    assert cells["music's onsets from music"]["beyond other songs"].text == "0.250"
    assert {row.name: row.cells[0].text for row in masses.groups[0].rows if row.cells[0].text} == {
        "dance's energy from the mean bar": "0.840"
    }


def test_an_interval_has_a_dash_unless_a_minus_would_stand_beside_it_and_no_zero_has_a_minus() -> None:
    assert interval([1.25, 33.0], 1) == "1.2\u201333.0"
    assert interval([-28.31, -0.04], 1) == "-28.3 to 0.0"
    assert interval([-0.001, 0.5], 1) == "0.0\u20130.5"
    assert decimal(-0.04, 1) == "0.0" and decimal(-0.4, 1) == "-0.4"
    assert [figure(Score("t", "r", "m", value), 1, sign=True).text for value in (2.0, -2.0, 0.01)] == [
        "+2.0",
        "-2.0",
        "0.0",
    ]
