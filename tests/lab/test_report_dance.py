"""Generated dances in the report: the table says what each figure is worth, and the gallery lies inside the page."""

import json
import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from report_runs import FPS, page, write_metrics
from report_runs import dance as danced

from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator.dance_gallery import write_gallery
from motionbeat.lab.generator.dance_scores import as_scores
from motionbeat.lab.render.playable import player_script
from motionbeat.lab.results import dance_films, dance_tables
from motionbeat.lab.results.page import read_corpus
from motionbeat.lab.results.paper_figures import TABLE_1
from motionbeat.lab.results.printed_tables import as_text
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.tasks import score_table

pytest_plugins = ("report_fixtures",)
ROW = {
    "dances": 12.0,
    "pieces": 48.0,
    "pfc": 0.6789,
    "pfc_low": 0.5,
    "pfc_high": 0.9,
    "dist_k": 10.0,
    "dist_g": 7.0,
    "fid_k": 30.0,
    "fid_g": 12.0,
    "skating": 0.123,
    **{
        f"bas_{name}{end}": value
        for name in ("bailando", "fact", "landing")
        for end, value in {"": 0.31, "_chance": 0.25, "_chance_z": 2.5, "_shuffled": 0.26, "_shuffled_z": -1.25}.items()
    },
}


def written(folder: Path, **rows: dict[str, float]) -> ResultsTable:
    """The metrics of a run with these rows of generated dances."""
    scores = as_scores({f"{row}.{name}": value for row, own in rows.items() for name, value in own.items()})
    score_table.write(folder, "dance", scores, {})
    if not (folder / "retrieve.json").is_file():
        write_metrics(folder)
    return ResultsTable.read(folder)


def rows_of(table):
    return {
        row.name: dict(zip(table.columns[1:], row.cells, strict=True)) for group in table.groups for row in group.rows
    }


def test_the_papers_rows_stand_beside_ours_and_every_figure_beside_what_it_is_worth(tmp_path):
    found = written(tmp_path, motionbeat=ROW, ground_truth=ROW, static=ROW, noise=ROW, no_music=ROW)
    table = dance_tables.table(found)
    rows = rows_of(table)
    assert list(rows) == [
        *(f"{name} (paper)" for name in TABLE_1),
        "MotionBeat (ours)",
        "MotionBeat (ours): other songs' beats",
        *("ground truth", "static pose", "noise", "generator without music"),
    ]
    ours = rows["MotionBeat (ours)"]
    assert (ours["PFC"].text, ours["PFC"].interval) == ("0.679", "0.50\u20130.90")
    assert (ours["BAS (FACT)"].text, ours["BAS (FACT)"].interval) == ("0.310", "chance 0.250, z +2.5")
    assert (ours["N"].text, ours["N"].interval) == ("12", "48 pieces")
    assert ours["FID_k"].interval == "few pieces" and not ours["FID_g"].interval  # 72 and 32 features
    other = rows["MotionBeat (ours): other songs' beats"]
    assert (other["BAS (Bailando)"].text, other["BAS (Bailando)"].interval) == ("0.260", "own song z -1.2")
    assert {cell.reason for name, cell in other.items() if not name.startswith("BAS")} == {"the same"}
    paper = rows["MotionBeat (paper)"]
    assert [paper[name].text for name in ("PFC", "Dist_k", "Dist_g", "BAS (Bailando)")] == [
        "1.545",
        "11.02",
        "7.89",
        "0.27",
    ]
    assert paper["BAS (FACT)"].reason == paper["FID_k"].reason == "not given"
    for row in rows.values():
        assert all(bool(cell.text) != bool(cell.reason) for cell in row.values())


def test_what_the_stage_did_not_compute_is_an_empty_cell_with_the_reason(tmp_path):
    few = {name: value for name, value in ROW.items() if "_shuffled" not in name and not name.startswith("fid")}
    rows = rows_of(dance_tables.table(written(tmp_path, wav2vec2=few, other=few)))
    assert rows["wav2vec 2.0: other songs' beats"]["BAS (FACT)"].reason == "fewer than 3 songs"
    assert rows["wav2vec 2.0"]["FID_k"].reason == "not computed"
    assert "other" in rows, "a row of another name is shown under it"


def test_few_real_dances_make_a_frechet_distance_worth_as_little_as_few_generated_ones(tmp_path):
    real = ROW | {"pieces": 20.0, "pfc": 1179.3, "fid_k": -0.0004}
    rows = rows_of(dance_tables.table(written(tmp_path, motionbeat=ROW | {"pieces": 99.0}, ground_truth=real)))
    assert rows["MotionBeat (ours)"]["FID_k"].interval == rows["MotionBeat (ours)"]["FID_g"].interval == "few pieces"
    assert rows["ground truth"]["FID_k"].text == "0.0" and rows["ground truth"]["PFC"].text == "1,179"


def test_without_the_stage_there_is_no_table_and_the_page_says_so(run_folder, html):
    found = ResultsTable.read(run_folder / "metrics")
    assert dance_tables.table(found) is None and dance_tables.narrow(found) == []
    assert "The stage dance has not been run" in html and "No dances are shown" in html and "<canvas" not in html


def test_the_terminals_tables_together_have_every_column(tmp_path):
    found = written(tmp_path, motionbeat=ROW)
    narrow = dance_tables.narrow(found)
    assert [column for table in narrow for column in table.columns[1:]] == list(dance_tables.COLUMNS.values())
    text = "\n".join(as_text(table, table.columns[1:]) for table in narrow)
    assert "0.679 [0.50\u20130.90]" in text and max(map(len, text.split("\n"))) <= 120


@pytest.fixture
def with_dances(run_folder: Path) -> Path:
    """A finished run whose dance stage was run as well: one song, a real dance and a generated one."""
    frames = 36
    joints = danced()[:frames]
    made = SimpleNamespace(joints=joints, poses=np.zeros((frames, 24, 3), "f4"), contacts=np.ones((frames, 4)), fps=FPS)
    folder = run_folder / "models/dance/gallery"
    write_gallery(folder, "motionbeat", {"songB": made})
    write_gallery(folder, "ground_truth", {"songB": made}, {"songB": 0.5})
    written(run_folder / "metrics", motionbeat=ROW, ground_truth=ROW)
    return run_folder


def shown(folder: Path) -> dance_films.Gallery:
    manifest, beats = read_corpus(folder / "data/corpus", folder / "data/beats/beats.parquet")
    return dance_films.films(folder / "models/dance/gallery", folder / "data/corpus", manifest, beats)


def test_the_gallery_plays_inside_the_page_with_music_and_needs_no_other_file(with_dances, tmp_path):
    films = shown(with_dances)
    html = page(with_dances, gallery=films)
    sounds = re.findall(r'<audio [^>]*src="data:audio/mpeg;base64,([^"]*)"', html)
    dances = [json.loads(unescape(text)) for text in re.findall(r'<canvas [^>]*data-dance="([^"]*)"', html)]
    assert len(sounds) == len(dances) == 2 and all(dance["beats"] for dance in dances)
    assert re.findall(r"</audio><figcaption>([^<]*)</figcaption></figure>", html) == [
        "MotionBeat (ours), dances to song songB",
        "ground truth",
    ]
    assert html.index("<canvas") < html.index("</header>")
    assert html.count("autoplay") == 0 and html.count("<script>") == html.count("<script") == 1
    assert player_script() in html
    assert shown(with_dances) == films, "the same dances give the same bytes"


def test_a_dance_to_a_song_that_the_corpus_lacks_is_refused(with_dances):
    made = with_dances / "models/dance/gallery/motionbeat-songB.npz"
    with np.load(made) as arrays:
        changed = dict(arrays) | {"song": np.asarray("gone")}
    np.savez(made, **changed)
    with pytest.raises(MotionBeatError, match=r"a dance to gone, a song that .*corpus does not have"):
        shown(with_dances)
