"""What README, docs/ and their companions name exists: links, commands and their options, params, modules, version."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer.main
from ruamel.yaml import YAML

import motionbeat
from motionbeat.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
YAML_READER = YAML(typ="safe", pure=True)
PARAMS = YAML_READER.load(ROOT / "params.yaml")
STAGES = YAML_READER.load(ROOT / "dvc.yaml")["stages"]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
PARTS = re.compile(r"&&|\|\||[|;<>]")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands_of(page: Path) -> list[list[str]]:
    """The words of each command that a console block of the page shows, `$(...)` as a command too."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in re.findall(r"^\$ (.*)$", block.replace("\\\n", " "), re.MULTILINE):
            inner = re.findall(r"\$\(([^)]*)\)", line)
            outer = re.sub(r"\$\([^)]*\)", "", line)
            for part in [*PARTS.split(re.sub(r"\s#.*", "", outer)), *inner]:
                found.append([word for word in shlex.split(part) if not re.match(r"[A-Z_]+=", word)])
    return [words for words in found if words]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    local = [target.partition("#")[0] for target in targets if not target.startswith(("http", "#"))]
    assert not [target for target in local if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_console_blocks_and_their_options_exist(page: Path) -> None:
    for program, *words in commands_of(page):
        if program == "motionbeat" and words and not words[0].startswith("-"):
            assert words[0] in COMMANDS, words
            options = {name for each in COMMANDS[words[0]].params for name in (*each.opts, *each.secondary_opts)}
            unknown = [w for w in words[1:] if re.match(r"-+[a-z]", w) and w.partition("=")[0] not in options]
            assert not unknown, (words[0], unknown)
        if program == "python" and "-m" in words:
            assert find_spec(words[words.index("-m") + 1]), words
        if program == "dvc" and words[0] == "repro":
            assert {word for word in words[1:] if not word.startswith("-")} <= set(STAGES), words
        if program == "make":
            words = [word for word in words if not word.startswith("-")]
            targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
            assert set(words) <= set(targets), words


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_params_that_a_page_names_are_in_params_yaml(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:-S |`)([a-z]+)\.([a-z_0-9]+)(?=[`=: ])", text)
    endings = {"json", "csv", "yaml", "md", "py", "npz", "parquet", "lock", "cfg", "toml", "safetensors", "beats"}
    unknown = [(s, k) for s, k in named if s in PARAMS and k not in endings and k not in PARAMS[s]]
    assert not unknown
    switched = re.findall(r"-S ([a-z0-9_]+)\.", text)
    assert set(switched) <= set(PARAMS)


def test_every_stage_is_in_the_table_of_the_pipeline() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/pipeline.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(STAGES)


def test_the_places_at_which_contributing_adds_something_exist() -> None:
    """Files by their path or their unique name, and names by their definition in the code."""
    section = (
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Add something")[2].partition("\n## ")[0]
    )
    named = [name for name in re.findall(r"`([^`]+)`", section) if not re.search(r"[ (]", name)]
    files = [path for path in (ROOT / "motionbeat").rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)

    def exists(name: str) -> bool:
        places = (ROOT / name, ROOT / "motionbeat/lab" / name)
        if any(place.exists() for place in places) or name in {path.name for path in files}:
            return True
        last = name.split(".")[-1]
        return bool(re.search(rf"(?m)^\s*(class|def) {last}\b|^\s*{last}\b ?[:=]", code))

    assert {"HEADLINE", "READER", "ENCODERS", "CLIP_TASK"} <= set(named)
    assert not [name for name in named if not exists(name) and name not in ("folder",)]


def test_changelog_and_citation_have_the_version_of_the_package() -> None:
    newest = re.search(r"^## (\S+) \((\S+)\)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    cited = YAML_READER.load(ROOT / "CITATION.cff")
    assert newest is not None
    assert newest[1] == cited["version"] == motionbeat.__version__
    assert newest[2] == str(cited["date-released"])


def test_paragraphs_of_the_readme_are_short() -> None:
    """Four lines of about 120 letters."""
    text = re.sub(r"```.*?```", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"^[|#].*$", "", text, flags=re.MULTILINE)
    assert not [paragraph for paragraph in text.split("\n\n") if len(paragraph) > 480]
