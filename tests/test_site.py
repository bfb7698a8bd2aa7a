"""The documentation site: every page is in its navigation, generated parts are up to date, the tutorial runs."""

import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from ruamel.yaml import YAML

from docs.hooks.params_page import FIRST_TEN, knobs, params_page
from motionbeat.lab import params, registry
from motionbeat.lab.results.pipeline_picture import needs, picture, rows_of
from motionbeat.lab.results.readme_table import readme_table, write_readme_table
from motionbeat.lab.results.results_table import ResultsTable

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GENERATED = {"params.md", "changelog.md", "contributing.md", "card.md"}


def pages_of(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [page for part in (nav.values() if isinstance(nav, dict) else nav) for page in pages_of(part)]


def test_every_page_is_in_the_navigation_once_and_exists() -> None:
    pages = pages_of(YAML(typ="safe", pure=True).load(ROOT / "mkdocs.yml")["nav"])
    written = {path.name for kind in ("*.md", "*.ipynb") for path in DOCS.glob(kind)}
    assert len(pages) == len(set(pages))
    assert {page for page in pages if not page.startswith("api/")} == written | GENERATED


def test_every_param_is_on_its_page_with_its_default_type_and_meaning() -> None:
    listed = {f"{section}.{row[0]}": row for section, rows in knobs(ROOT / "params.yaml").items() for row in rows}
    values = attrs.asdict(params.load(ROOT / "params.yaml"))
    flat = dict(flattened(values))
    assert set(listed) == set(flat)
    for name, (_, default, kind, _) in listed.items():
        assert kind, name
        text = str(flat[name]).lower().replace("'", "")
        assert YAML(typ="safe", pure=True).load(default) == flat[name] or default.lower() == text, name
    page = params_page(ROOT / "params.yaml")
    assert all(f"| `{name}` |" in page for name in listed)
    assert "number from 0 to 1" in page and "`madmom`, `librosa`, `nominal`" in page


def flattened(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs = []
    for name, value in values.items():
        nested = isinstance(value, dict) and value  # an empty one is a param
        pairs += flattened(value, f"{prefix}{name}.") if nested else [(f"{prefix}{name}", value)]
    return pairs


def test_the_ten_params_that_matter_are_ten_and_exist() -> None:
    known = dict(flattened(attrs.asdict(params.load(ROOT / "params.yaml"))))
    assert len(FIRST_TEN) == 10 and set(FIRST_TEN) <= set(known)


def test_the_picture_of_the_pipeline_is_that_of_dvc_yaml() -> None:
    """`python -m motionbeat.lab.results.pipeline_picture` draws it anew."""
    assert (DOCS / "pipeline.svg").read_text(encoding="utf-8") == picture(ROOT)


def test_a_stage_stands_below_all_that_it_needs_and_implied_edges_are_left_out() -> None:
    stages = {
        "a": {"deps": [], "outs": ["x"]},
        "b": {"deps": ["x/part"], "outs": [{"y": {"cache": False}}]},
        "c": {"deps": ["x", "y", "${root}"], "metrics": ["z"]},
        "d": {"deps": ["xy"], "outs": ["made"]},
    }
    graph = needs(stages, {"root": "made/here"})
    assert graph == {"a": set(), "b": {"a"}, "c": {"b", "d"}, "d": set()}
    below = {name: graph[name] for name in "adbc"}  # as dvc.yaml lists them
    assert [sorted(row) for row in rows_of(below)] == [["a"], ["b", "d"], ["c"]]


def test_the_table_of_the_readme_is_that_of_the_metrics(tmp_path: Path) -> None:
    """`python -m motionbeat.lab.results --readme` writes it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    results = ResultsTable.read(ROOT / "metrics")
    assert f"\n{readme_table(results)}\n\n" in text
    (tmp_path / "README.md").write_text(text.replace("72.4", "99.9"), encoding="utf-8")
    write_readme_table(results, tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == text


def test_the_commands_of_the_tables_name_presets_and_encoders_that_exist() -> None:
    text = (DOCS / "tables.md").read_text(encoding="utf-8")
    presets = set(re.findall(r"motionbeat preset ([\w-]+)\)", text))
    assert presets and all((ROOT / f"presets/{name}.yaml").is_file() for name in presets)
    encoders = {name for names in re.findall(r"encoders(?:\.names)?=\[([\w,]+)\]", text) for name in names.split(",")}
    assert encoders <= set(registry.names("encoder"))


def test_the_tutorial_is_stored_without_outputs_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds a dance's place in its own song, and that song among five."""
    matplotlib = pytest.importorskip("matplotlib")
    pytest.importorskip("PIL")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOTIONBEAT_WORKERS", "1")
    cells = json.loads((DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not [cell for cell in code if cell["outputs"] or cell["execution_count"]]
    names: dict[str, Any] = {}
    for cell in code:
        exec("".join(cell["source"]), names)
    matplotlib.pyplot.close("all")
    assert names["best_shift"] == 0
    assert names["matches"][0].piece.name == "mBR3.wav"
    assert names["strip"].shape == (320, 4 * 320, 3)
