"""dvc.yaml says what the stages do: every import covered, every knob read, data flowing one way."""

import ast
from pathlib import Path
from typing import Any

import attrs
import pytest
from ruamel.yaml import YAML

from motionbeat import params

ROOT = Path(__file__).parents[1]
STAGES: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]

# From where data comes in to where it goes out; a module imports from its own room or from rooms before it.
ROOMS = (
    ["errors"],
    ["files", "progress", "params"],
    ["tables", "presets"],
    ["audio", "motion"],
    ["corpora"],
    ["beats"],
    ["tokens"],
    ["negatives"],
    ["model"],
    ["losses"],
    ["training"],
    ["embedding"],
    ["encoders"],
    ["tasks"],
    ["dance"],
    ["report"],
    ["ablation"],
    ["cli"],
)
ROOM_OF = {name: number for number, names in enumerate(ROOMS) for name in names}


def module_file(name: str) -> Path | None:
    """The file of a module of the package, by its dotted name."""
    path = ROOT / name.replace(".", "/")
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def imported(file: Path) -> set[Path]:
    """Files of the package that a file imports, anywhere in it, with the packages that hold them."""
    names: set[str] = set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for block in [node for node in ast.walk(tree) if isinstance(node, ast.If)]:
        if isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING":
            block.body = []  # never imported when a stage runs
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: import by full name"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    own = {name for name in names if name.split(".")[0] == "motionbeat"}
    parents = {".".join(name.split(".")[:depth]) for name in own for depth in range(1, name.count(".") + 2)}
    return {found for name in parents if (found := module_file(name))}


def closure(file: Path) -> set[Path]:
    seen: set[Path] = set()
    todo = [file]
    while todo:
        found = imported(todo.pop()) - seen
        seen |= found
        todo += found
    return seen


@pytest.mark.parametrize("stage", STAGES)
def test_the_deps_of_a_stage_cover_all_that_it_imports(stage: str) -> None:
    deps = [ROOT / dep for dep in STAGES[stage]["deps"]]
    script = ROOT / "stages" / f"{stage}.py"
    uncovered = [
        file.relative_to(ROOT)
        for file in closure(script) | {script, ROOT / "stages" / "__main__.py"}
        if not any(file == dep or dep in file.parents for dep in deps)
    ]
    assert not uncovered


@pytest.mark.parametrize("stage", STAGES)
def test_no_dep_on_code_is_idle(stage: str) -> None:
    needed = closure(ROOT / "stages" / f"{stage}.py")
    code = [ROOT / dep for dep in STAGES[stage]["deps"] if dep.startswith("motionbeat")]
    assert not [dep for dep in code if not any(file == dep or dep in file.parents for file in needed)]


def test_the_closure_sees_imports_inside_functions(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("def f():\n    from motionbeat.tokens import windows\n", encoding="utf-8")
    found = {file.relative_to(ROOT).as_posix() for file in closure(script)}
    assert {"motionbeat/tokens/windows.py", "motionbeat/tokens/layout.py", "motionbeat/tables.py"} <= found


@pytest.mark.parametrize(
    "file", sorted((ROOT / "motionbeat").rglob("*.py")), ids=lambda f: f.relative_to(ROOT).as_posix()
)
def test_an_import_never_goes_against_the_flow_of_the_data(file: Path) -> None:
    room = file.relative_to(ROOT / "motionbeat").parts[0].removesuffix(".py")
    if room == "__init__":
        return
    for other in imported(file):
        theirs = other.relative_to(ROOT / "motionbeat").parts[0].removesuffix(".py")
        if theirs != "__init__":
            assert ROOM_OF[theirs] < ROOM_OF[room] or theirs == room, f"{file.name} imports {other}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_described_and_runs_its_own_module(stage: str) -> None:
    assert STAGES[stage]["desc"]
    assert STAGES[stage]["cmd"] == f"python -m stages {stage}"


def test_every_knob_is_a_param_of_some_stage_besides_the_report() -> None:
    tracked = {name for stage, entry in STAGES.items() if stage != "report" for name in entry["params"]}
    sections = {field.name: field.type for field in attrs.fields(params.Params)}
    assert {name.split(".")[0] for name in tracked} | {"report"} == set(sections)
    whole = {name for name in tracked if "." not in name}
    assert whole | {"report"} == set(sections)


def test_the_params_of_a_stage_are_those_that_its_script_reads() -> None:
    for stage, entry in STAGES.items():
        if stage == "report":
            continue
        text = (ROOT / "stages" / f"{stage}.py").read_text(encoding="utf-8")
        for section in {name.split(".")[0] for name in entry["params"]}:
            assert f".{section}" in text, f"{stage} does not read {section}"


def test_every_knob_is_explained() -> None:
    lines = (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()
    knobs = [line for line in lines if line.startswith("  ") and ":" in line.split("#")[0]]
    silent = [line.strip() for line in knobs if "#" not in line]
    allowed = {"max_bpm", "seed", "batch", "dropout", "weight_decay", "clip_norm"}
    assert {line.split(":")[0] for line in silent} <= allowed
