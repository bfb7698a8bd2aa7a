"""Claims about the report's page: complete in one file, the same bytes every time, and honest about its corpus."""

import importlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_runs import page

from motionbeat.errors import MotionBeatError
from motionbeat.files import write_json

ROOT = Path(__file__).parents[2]
pytest_plugins = ("report_fixtures",)


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
    sections = ("results", "recognition", "generated", "training", "beats", "corpus", "run", "parameters")
    assert anchors == {f"#{name}" for name in sections}
    assert {anchor[1:] for anchor in anchors} <= set(ids)


def test_every_table_has_a_caption_and_every_figure_a_text_for_those_who_do_not_see_it(html):
    found = Tags(html).tags
    assert sum(name == "table" for name, _ in found) == sum(name == "caption" for name, _ in found) == 7
    figures = [attributes for name, attributes in found if name == "svg"]
    assert len(figures) == 5  # the strip, the recalls by genre, and three training curves
    assert all(figure["role"] == "img" and len(figure["aria-label"] or "") > 40 for figure in figures)


def test_the_page_with_the_models_pictures_is_the_same_bytes_under_another_hash_seed(run_folder, monkeypatch):
    page = run_folder / "data/report/index.html"
    other = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": other}
    subprocess.run(
        [sys.executable, "-m", "stages.report"], cwd=run_folder, env=environment, check=True, capture_output=True
    )
    written = [page.read_bytes()]
    monkeypatch.chdir(run_folder)
    importlib.import_module("stages.report").main()
    written.append(page.read_bytes())
    assert written[0] == written[1]
    found = Tags(written[0].decode()).tags
    assert {"space", "rhythm", "run"} <= {attributes.get("id") for _, attributes in found}
    assert sum(name == "svg" for name, _ in found) == 5 + 2 + 3 + 1  # with the model's pictures and the stages


def test_the_page_says_that_the_synthetic_corpus_is_not_real_dance(run_folder, html):
    warning = "Figures on the synthetic corpus say nothing about real dance"
    assert warning in html
    text = (run_folder / "params.yaml").read_text(encoding="utf-8").replace("name: synthetic", "name: aistpp")
    (run_folder / "params.yaml").write_text(text, encoding="utf-8")
    assert warning not in page(run_folder)


def test_the_page_draws_the_first_test_clip_or_the_one_that_is_named(run_folder, html):
    assert "clip clipB (song songB, " in html
    assert "clip clipA (song songA, " in page(run_folder, clip="clipA")
    with pytest.raises(MotionBeatError, match=r"report\.clip = nobody"):
        page(run_folder, clip="nobody")


def test_text_from_data_cannot_become_markup(run_folder):
    write_json(run_folder / "metrics/beats.json", {"<script>alert(1)</script>": 1.0})
    html = page(run_folder)
    assert "<script" not in html  # without dances there is no player
    assert "&lt;script&gt;" in html


def test_the_first_screen_says_what_was_trained_and_three_figures_with_chance_and_ceiling(html):
    header = html[html.index("<header>") : html.index("</header>")]
    assert "trained on 1 dance to 1 song of the synthetic corpus" in header
    assert "tested on 1 dance to 1 song" in header
    figures = [attributes for name, attributes in Tags(header).tags if attributes.get("class") == "scale"]
    assert len(figures) == 2  # neither beat tracking nor pairs of one tempo in this run
    for figure in figures:
        assert re.search(r": \d+\.\d %; chance 5\.\d %, ceiling \d+\.\d %|; chance", figure["aria-label"] or "")
    assert "<svg" in header


def test_wide_tables_are_folded_away_and_no_row_was_not_run(html):
    found, opened = Tags(html).tags, 0
    for name, attributes in found:
        opened += name == "details"
        assert not (name == "table" and attributes.get("class") == "wide") or opened
    assert "not run" not in html.replace("has not been run", "").replace("have not been run", "")


def test_seconds_stand_on_the_page_only_where_they_are_asked_for(run_folder, html):
    assert "seconds of train" not in html and "seed of train" in html
    assert "seconds of train" in page(run_folder, seconds={"train": 12.3})
