"""Claims about the report: tables, curves, stick figures and the page."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from motionbeat import params, tables
from motionbeat.errors import MotionBeatError
from motionbeat.files import write_json
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.report.clips import read_clip
from motionbeat.report.figures import COLUMNS, inline_svg, read_history, training_curves
from motionbeat.report.page import clip_to_draw, read_corpus, render
from motionbeat.report.results import Results
from motionbeat.report.stick_figure import facing, filmstrip, project
from motionbeat.report.tables import PAPER, as_text, flat, retrieval_tables
from motionbeat.tasks.protocols import Items, evaluate

ROOT = Path(__file__).parents[1]
FPS, BPM, BEATS = 30.0, 120.0, 16


def dance(turn: float = 0.0) -> np.ndarray:
    """(T, 24, 3) m: arms and knees swing once a beat; the dancer faces +z, turned by `turn` about y."""
    frames = int(BEATS * 60 / BPM * FPS)
    swing = np.sin(2 * np.pi * np.arange(frames) / FPS * BPM / 60)
    poses = np.zeros((frames, 24, 3))
    poses[:, 0, 1] = turn
    poses[:, 16, 2], poses[:, 17, 2] = -1 + 0.4 * swing, 1 + 0.4 * swing
    poses[:, 4, 0], poses[:, 5, 0] = np.maximum(swing, 0), np.maximum(-swing, 0)
    return forward_kinematics(poses, np.tile([0.0, 0.95, 0.0], (frames, 1)))


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `dvc repro` leaves it before the report: params.yaml, metrics, data/corpus, data/beats."""
    tmp_path = tmp_path_factory.mktemp("run")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    corpus, clips = tmp_path / "data/corpus", [("clipA", "songA", "train"), ("clipB", "songB", "test")]
    (corpus / "motion").mkdir(parents=True)
    joints = dance()
    seconds = len(joints) / FPS
    clicks = np.zeros(int(44_100 * seconds), np.float32)
    for beat in range(BEATS):
        clicks[int(beat * 60 / BPM * 44_100) :][:2000] += np.random.default_rng(beat).normal(0, 0.2, 2000).astype("f4")
    for clip, _, _ in clips:
        np.savez(corpus / f"motion/{clip}.npz", joints=joints)
        soundfile.write(corpus / f"{clip}.flac", clicks, 44_100)
    names = [name for name, _, _ in clips]
    manifest = {
        "clip": names,
        "song": [song for _, song, _ in clips],
        "genre": ["pop", "rock"],
        "split": [split for _, _, split in clips],
        "fps": [FPS] * 2,
        "frames": [len(joints)] * 2,
        "duration_s": [seconds] * 2,
        "offset_s": [0.0] * 2,
        "has_rotations": [False] * 2,
        "motion": [f"motion/{name}.npz" for name in names],
        "audio": [f"{name}.flac" for name in names],
        "nominal_bpm": [BPM] * 2,
        "nominal_beats_per_bar": [4] * 2,
    }
    tables.write(corpus / "manifest.parquet", tables.MANIFEST, manifest)
    beats = {
        "song": ["songA"] * BEATS + ["songB"] * BEATS,
        "beat": [*range(BEATS)] * 2,
        "time_s": [beat * 60 / BPM for beat in range(BEATS)] * 2,
        "bar_position": [beat % 4 for beat in range(BEATS)] * 2,
        "beats_per_bar": [4] * 2 * BEATS,
    }
    tables.write(tmp_path / "data/beats/beats.parquet", tables.BEATS, beats)
    write_metrics(tmp_path / "metrics")
    return tmp_path


@pytest.fixture
def run_folder(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may change."""
    return shutil.copytree(finished_run, tmp_path / "run")


@pytest.fixture(scope="module")
def html(finished_run: Path) -> str:
    return page(finished_run)


def write_metrics(folder: Path, truth: bool = True) -> None:
    songs, generator = 6, np.random.default_rng(0)
    windows = [(f"clip{song}{dancer}", f"s{song}", 4 * k) for song in range(songs) for dancer in "ab" for k in range(3)]
    music = [(f"s{song}", 4 * k) for song in range(songs) for k in range(3)]
    clip, song, start = zip(*windows, strict=True)
    facts = {f"s{i}": 80.0 + i for i in range(songs)}, {f"s{i}": "pop" for i in range(songs)}
    items = Items(clip, song, start, *zip(*music, strict=True), *facts)
    heard = generator.normal(size=(len(music), 8))
    ceiling = generator.normal(size=(len(windows), len(music))) if truth else None
    seen = heard[items.music_of_motion] + generator.normal(size=(len(windows), 8))
    metrics, intervals = evaluate(items, heard, seen, ceiling, 50, 0)
    write_json(folder / "retrieve.json", metrics)
    write_json(folder / "retrieve_intervals.json", intervals)
    train = {"best_epoch": 20, "epochs": 30, "score": 0.8, "jitter_accuracy": 0.9, "parameters": 123456}
    write_json(folder / "train.json", train)
    write_json(folder / "beats.json", {"songs": 2, "truth": {"f_measure": 0.98765, "note": None}})
    lines = [",".join(COLUMNS)]
    for epoch in range(1, 31):
        validated = ["50", "51", "0.9", "", "0.7"] if epoch % 10 == 0 else [""] * 5
        lines.append(",".join([str(epoch), *[f"{6 / epoch:.4f}"] * 7, "5e-4", *validated]))
    (folder / "train_history.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def page(folder: Path, **changes: Any) -> str:
    settings = params.load(folder / "params.yaml")
    manifest, beats = read_corpus(folder / "data/corpus", folder / "data/beats/beats.parquet")
    name = clip_to_draw(manifest, changes.get("clip", ""))
    shown = read_clip(folder / "data/corpus", name, folder / "data/beats/beats.parquet")
    history = read_history(folder / "metrics/train_history.csv")
    return render(Results.read(folder / "metrics"), history, manifest, beats, shown, settings)


class Tags(HTMLParser):
    """Every tag with its attributes, and an error when tags do not close in order."""

    VOID = frozenset({"meta", "br", "link", "img", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_from_elsewhere_and_its_tags_close(html):
    found = Tags(html)
    assert found.open == []
    names = {name for name, _ in found.tags}
    assert {"svg", "table", "caption"} <= names
    assert names.isdisjoint({"script", "link", "img", "iframe", "object"})
    for _, attributes in found.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", html)
    without_names = re.sub(r"<td>https?://[^<]*</td>", "", without_names)  # a parameter's value, loaded by nothing
    assert "http" not in without_names
    assert not re.search(r"@import|url\((?!#)|font-face", html)


def test_every_anchor_leads_to_a_part_of_the_page_and_no_id_stands_twice(html):
    found = Tags(html)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    anchors = {attributes["href"] for name, attributes in found.tags if name == "a"}
    assert anchors == {f"#{name}" for name in ("results", "training", "dance", "beats", "corpus", "parameters")}
    assert {anchor[1:] for anchor in anchors} <= set(ids)


def test_every_table_has_a_caption_and_every_figure_a_text_for_those_who_do_not_see_it(html):
    found = Tags(html).tags
    assert sum(name == "table" for name, _ in found) == sum(name == "caption" for name, _ in found) == 6
    figures = [attributes for name, attributes in found if name == "svg"]
    assert len(figures) == 2
    assert all(figure["role"] == "img" and len(figure["aria-label"] or "") > 40 for figure in figures)


def test_the_page_is_the_same_bytes_in_another_process_under_another_hash_seed(run_folder, html):
    written = []
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
        script = [sys.executable, str(ROOT / "stages/report.py")]
        subprocess.run(script, cwd=run_folder, env=environment, check=True, capture_output=True)
        written.append((run_folder / "data/report/index.html").read_bytes())
    assert written[0] == written[1]
    assert written[0].decode() == html


def test_the_page_says_that_the_embedded_corpus_is_not_real_dance(run_folder, html):
    warning = "Figures on the embedded corpus say nothing about real dance"
    assert warning in html
    text = (run_folder / "params.yaml").read_text(encoding="utf-8").replace("name: synthetic", "name: aistpp")
    (run_folder / "params.yaml").write_text(text, encoding="utf-8")
    assert warning not in page(run_folder)


def test_the_page_draws_the_first_test_clip_or_the_one_that_is_named(run_folder, html):
    assert "Clip clipB (song songB, " in html
    assert "Clip clipA (song songA, " in page(run_folder, clip="clipA")
    with pytest.raises(MotionBeatError, match=r"report\.clip = nobody"):
        page(run_folder, clip="nobody")


def test_text_from_data_cannot_become_markup(run_folder):
    write_json(run_folder / "metrics/beats.json", {"<script>alert(1)</script>": "<b>"})
    html = page(run_folder)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_retrieval_tables_hold_the_papers_rows_and_ours_and_every_empty_cell_says_why(run_folder):
    write_metrics(run_folder / "metrics", truth=False)
    for table in retrieval_tables(Results.read(run_folder / "metrics"), seed=7):
        paper, win, seq = table.groups
        assert [row.name for row in paper.rows] == [f"{name} (paper)" for name in PAPER]
        for group in (win, seq):
            assert len(group.rows) == 6
            assert [row.ours for row in group.rows] == [True] + [False] * 5
            assert group.rows[0].cells[-1].text == "1 (seed 7)"
            assert {cell.reason for cell in group.rows[1].cells[:5]} == {"this corpus has no truth"}
        for row in (row for group in table.groups for row in group.rows):
            assert len(row.cells) == len(table.columns) - 1
            assert all(bool(cell.text) != bool(cell.reason) for cell in row.cells)


def test_figures_in_the_table_are_those_of_the_metrics_with_their_interval(run_folder):
    results = Results.read(run_folder / "metrics")
    row = retrieval_tables(results, seed=0)[1].groups[2].rows[0]
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
        "import sys; from motionbeat.report.__main__ import main; main();"
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


def test_empty_cells_of_the_history_are_left_out_of_the_curves(run_folder):
    history = read_history(run_folder / "metrics/train_history.csv")
    assert np.isnan(history["tempo_accuracy"]).all()
    figure = training_curves(history, best_epoch=20)
    recalls, accuracies = figure.axes[1:]
    assert [line.get_xdata().tolist() for line in recalls.lines[:2]] == [[10, 20, 30]] * 2
    labels = [text.get_text() for text in accuracies.get_legend().get_texts()]
    assert labels == ["against the same dance a beat off", "chance (0.5)"]


def test_svg_is_transparent_and_takes_the_colour_of_the_text(run_folder):
    history = read_history(run_folder / "metrics/train_history.csv")
    svg = inline_svg(training_curves(history, 20), "curves", 'a "quoted" <title>')
    assert "currentColor" in svg
    assert "#ffffff" not in svg
    assert 'aria-label="a &quot;quoted&quot; &lt;title>"' in svg
    assert svg == inline_svg(training_curves(history, 20), "curves", 'a "quoted" <title>')


@pytest.mark.parametrize("turn", [0.0, 1.0, -2.5])
def test_a_dancer_is_shown_from_the_front_whichever_way_she_faces(turn):
    joints = dance(turn)
    seen = project(joints, facing(joints))
    assert np.allclose(seen, project(dance(), facing(dance())), atol=1e-5)
    assert seen[0, 1, 0] > seen[0, 2, 0] + 0.1  # the left hip on the viewer's right


def test_a_film_strip_has_a_figure_a_beat_and_a_contact_bar_a_step():
    joints, times = dance(), np.arange(BEATS) * 60 / BPM
    contacts = np.zeros((len(joints), 4), bool)
    contacts[:10, 0] = contacts[5:15, 2] = contacts[30:40, 3] = True
    figure = filmstrip(joints, FPS, times, np.arange(BEATS) % 4, contacts)
    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert len(axes.patches) == 8
        places = [text.get_text() for text in axes.texts if text.get_text().isdigit()]
        assert places == ["1", "2", "3", "4"] * 2
    left, right = (collection for collection in figure.axes[0].collections if len(collection.get_paths()) == 1)
    assert left.get_paths()[0].get_extents().width == pytest.approx(15 / 10 * right.get_paths()[0].get_extents().width)
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert labels[0] == "4 s" and labels[-1] == "8 s"


def test_a_film_strip_may_begin_within_a_bar_and_leaves_out_beats_beyond_the_motion():
    joints, times = dance()[:100], np.arange(-2, BEATS) * 0.5 + 0.1
    figure = filmstrip(joints, FPS, times, (np.arange(len(times)) + 1) % 4, np.zeros((100, 4), bool))
    places = [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text().isdigit()]
    assert places == ["4", "1", "2", "3", "4", "1", "2"]


def test_motion_that_cannot_be_drawn_is_refused():
    joints = dance()
    with pytest.raises(MotionBeatError, match="at least 2"):
        filmstrip(joints, FPS, np.array([99.0]), np.array([0]), np.zeros((len(joints), 4), bool))
    with pytest.raises(MotionBeatError, match="one column a foot joint"):
        filmstrip(joints, FPS, np.arange(4.0), np.arange(4), np.zeros((3, 4), bool))
    with pytest.raises(MotionBeatError, match="finite"):
        filmstrip(joints * np.nan, FPS, np.arange(4.0), np.arange(4), np.zeros((len(joints), 4), bool))


def test_nested_values_become_rows_named_by_their_path():
    assert flat({"a": {"b": 0.123456, "c": None}, "d": [1, 2], "e": True, "f": 12345}) == {
        "a, b": ("0.1235",),
        "a, c": ("",),
        "d": ("1, 2",),
        "e": ("yes",),
        "f": ("12,345",),
    }
