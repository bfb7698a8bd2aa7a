"""Claims about the report's tables and its text in the terminal: the paper's rows, ours, and what was not measured."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from report_runs import write_metrics

from motionbeat.errors import MotionBeatError
from motionbeat.lab.params import EncoderName
from motionbeat.lab.results.figures import read_history
from motionbeat.lab.results.result_files import Results
from motionbeat.lab.results.result_tables import (
    PAPER,
    PROJECTED,
    ROWS,
    as_text,
    decimal,
    flat,
    interval,
    main_lines,
    retrieval_tables,
)

ROOT = Path(__file__).parents[2]
pytest_plugins = ("report_fixtures",)


def test_retrieval_tables_hold_the_papers_rows_and_ours_and_every_empty_cell_says_why(run_folder):
    write_metrics(run_folder / "metrics", truth=False)
    for table in retrieval_tables(Results.read(run_folder / "metrics"), seed=7):
        paper, *ours = table.groups
        assert [row.name for row in paper.rows] == [f"{name} (paper)" for name in PAPER]
        assert [group.title.split(":")[0] for group in ours] == ["WIN", "SLICE", "SEQ"]
        for group in ours:
            rows = {row.name: row for row in group.rows}
            assert list(rows) == [*ROWS.values(), "chance"]
            assert [row.ours for row in group.rows] == [True] + [False] * len(ROWS)
            assert group.rows[0].cells[-1].text == "1 (seed 7)"
            assert {cell.reason for cell in rows["ceiling"].cells[:5]} == {"this corpus has no truth"}
        for row in (row for group in table.groups for row in group.rows):
            assert len(row.cells) == len(table.columns) - 1
            assert all(bool(cell.text) != bool(cell.reason) for cell in row.cells)


def test_an_encoder_that_was_run_has_its_heads_seed_and_one_that_was_not_says_so(run_folder):
    for table in retrieval_tables(Results.read(run_folder / "metrics"), seed=7):
        for group in table.groups[1:]:
            rows = {row.name: row for row in group.rows}
            assert rows["log-mel + head"].cells[-1].text == "1 (seed 3)"
            assert rows["log-mel + head"].cells[0].interval
            missing = rows["Jukebox + head"]
            assert missing.cells[-1].reason == "jukebox is not in encoders.names"
            assert {cell.reason for cell in missing.cells[:-1]} == {"not run"}


def test_every_encoder_that_can_be_run_has_a_row():
    assert set(PROJECTED) == set(get_args(EncoderName))
    for name in ("wav2vec 2.0", "CLAP", "Wav2CLIP", "Jukebox"):
        assert name in PAPER
        assert name in PROJECTED.values()


def test_the_main_lines_are_the_paper_the_model_what_was_run_the_ceiling_and_chance(run_folder):
    for table in retrieval_tables(Results.read(run_folder / "metrics"), seed=0):
        short = main_lines(table)
        assert short.groups[0] == table.groups[0]
        for group in short.groups[1:]:
            names = [row.name for row in group.rows]
            assert names == ["MotionBeat (ours)", "log-mel + head", "ceiling", "chance"]


def test_figures_in_the_table_are_those_of_the_metrics_with_their_interval(run_folder):
    results = Results.read(run_folder / "metrics")
    row = retrieval_tables(results, seed=0)[1].groups[3].rows[0]
    figures, bounds = (values["seq"]["motion_to_music"]["model"] for values in (results.retrieve, results.intervals))
    assert [float(cell.text) for cell in row.cells[:5]] == [
        pytest.approx(figures[name], abs=0.051) for name in ("r1", "r5", "r10", "medr", "meanr")
    ]
    low, high = map(float, row.cells[2].interval.split("\u2013"))
    assert [low, high] == pytest.approx(bounds["r10"], abs=0.051)


def test_the_papers_rows_cannot_be_right_as_the_note_says():
    for directions in PAPER.values():
        for r1, r5, r10, _ in directions:
            assert r1 < r5 < r10
    assert all(r10 > 50 and median > 10 for _, _, r10, median in PAPER["MotionBeat"])


def test_text_of_a_table_is_aligned_and_in_brackets(run_folder):
    table = retrieval_tables(Results.read(run_folder / "metrics"), seed=0)[0]
    lines = as_text(table, ("R@10 (%)", "MedR")).splitlines()
    assert lines[0] == "Music to motion: recall and rank"
    ends = {len(line) for line in lines[1:] if line.startswith("  ")}
    assert len(ends) == 1
    assert re.search(r"MotionBeat \(ours\) +\d+\.\d \[\d+\.\d\u2013\d+\.\d\]", "\n".join(lines))


def test_the_terminal_report_loads_nothing_heavy_and_names_the_page(run_folder):
    code = (
        "import sys; from motionbeat.lab.results.__main__ import main; main();"
        "print(sorted({'torch','librosa','matplotlib','pandas','scipy','pyarrow','jinja2'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=run_folder, env=environment, check=True, capture_output=True, encoding="utf-8"
    ).stdout
    assert found.rstrip().endswith("[]")
    assert "index.html is missing: run `dvc repro`" in found
    assert "MotionBeat (paper)" in found
    assert "beats: songs 2; truth, f_measure 0.9877; truth, note not computed" in found


def test_missing_or_broken_results_are_refused_by_name(run_folder):
    (run_folder / "metrics/beats.json").write_text("{", encoding="utf-8")
    with pytest.raises(MotionBeatError, match=r"beats\.json is not JSON"):
        Results.read(run_folder / "metrics")
    (run_folder / "metrics/train.json").unlink()
    with pytest.raises(MotionBeatError, match=r"train\.json is missing"):
        Results.read(run_folder / "metrics")
    history = run_folder / "metrics/train_history.csv"
    history.write_text("epoch,loss\n1,2\n", encoding="utf-8")
    with pytest.raises(MotionBeatError, match="lacks the columns"):
        read_history(history)


def test_nested_values_become_rows_named_by_their_path():
    assert flat({"a": {"b": 0.123456, "c": None}, "d": [1, 2], "e": True, "f": 12345}) == {
        "a, b": ("0.1235",),
        "a, c": ("",),
        "d": ("1, 2",),
        "e": ("yes",),
        "f": ("12,345",),
    }


def test_an_interval_has_a_dash_unless_a_minus_would_stand_beside_it_and_no_zero_has_a_minus() -> None:
    assert interval([1.25, 33.0], 1) == "1.2\u201333.0"
    assert interval([-28.31, -0.04], 1) == "-28.3 to 0.0"
    assert interval([-0.001, 0.5], 1) == "0.0\u20130.5"
    assert decimal(-0.04, 1) == "0.0" and decimal(-0.4, 1) == "-0.4"
