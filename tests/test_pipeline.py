"""dvc.yaml says what the stages do, the library knows no laboratory, and data flows one way."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from ruamel.yaml import YAML

from motionbeat.lab import params
from motionbeat.lab.imports import closure, code_of, imported, listed

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "motionbeat"
STAGES: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]

# From where data comes in to where it goes out; a module imports from its own room or from rooms above it.
LIBRARY = (
    ["errors"],
    ["files", "progress"],
    ["parallel"],
    ["audio", "motion"],
    ["beats"],
    ["tokens"],
    ["model"],
    ["losses", "weights", "onnx_export"],
    ["inference"],
    ["hub_model"],
    ["search"],
    ["index"],
    ["retrieval", "dance"],
    ["tasks"],
    ["cli"],
)
LAB = (
    ["registry"],
    ["params", "imports", "parent_watch", "allocation"],
    ["tables", "item_cache"],
    ["synthetic"],
    ["corpora"],
    ["labelled"],
    ["standins"],
    ["beat_grids"],
    ["token_tables"],
    ["negatives"],
    ["training"],
    ["encoders"],
    ["tasks"],
    ["generator"],
    ["render"],
    ["demo"],
    ["results"],
    ["experiments"],
    ["commands"],
)
MODEL = {"config.json", "model.safetensors", "card.md"}
"""Files of every model that ships."""
FLOOR = {name: number for number, names in enumerate(LIBRARY) for name in names}
FLOOR |= {f"lab/{name}": len(LIBRARY) + number for number, names in enumerate(LAB) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def room_of(file: Path) -> str | None:
    """The room that a module stands in, or None for the two packages' own __init__.py."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    if parts[-1] == "__init__" and parts[:-1] in ((), ("lab",)):
        return None
    return f"lab/{parts[1]}" if parts[0] == "lab" else parts[0]


def test_every_room_is_on_the_plan_of_the_house() -> None:
    assert {room for file in MODULES if (room := room_of(file))} == set(FLOOR)


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_an_import_never_goes_against_the_flow_of_the_data(file: Path) -> None:
    room = room_of(file)
    if room is None:
        assert not [other for other in imported(file, ROOT) if room_of(other) and "lab" in other.parts]
        return
    theirs = {other: room_of(other) for other in imported(file, ROOT)}
    against = [name_of(other) for other, name in theirs.items() if name and name != room and FLOOR[name] >= FLOOR[room]]
    assert not against, f"{name_of(file)} imports {against}"


def test_no_module_imports_itself_in_a_circle() -> None:
    """Packages aside, which import from their own modules what they offer."""
    imports = {file: {f for f in imported(file, ROOT) if f.name != "__init__.py"} for file in MODULES}
    for start in MODULES:
        reached: set[Path] = set()
        todo = set(imports[start])
        while todo:
            reached |= todo
            todo = {found for file in todo for found in imports[file]} - reached
        assert start not in reached, f"{name_of(start)} imports itself by way of others"


def test_the_file_names_of_the_package_are_unique() -> None:
    names = [file.name for file in PACKAGE.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert not {name for name in names if names.count(name) > 1} - {"__init__.py", "__main__.py"} - MODEL


def test_the_library_runs_where_nothing_of_the_laboratory_can_be_imported(tmp_path: Path) -> None:
    """In a process in which `motionbeat.lab` and the packages of the extra `pipeline` alone are barred."""
    light = {"attrs", "librosa", "numpy", "rich", "safetensors", "soundfile", "soxr", "torch", "typer", "scipy"}
    needs = "dvc pyarrow pandas ruamel cattrs jinja2 matplotlib smplx roma requests mir_eval madmom motionbeat.lab"
    barred = [name for name in needs.split() if name not in light]
    apart = ("motionbeat.lab", "motionbeat.cli", "motionbeat.tasks", "motionbeat.losses.soft_dtw_kernel")  # for GPUs
    script = f"""
import sys
for name in {barred!r}:
    sys.modules[name] = None
import importlib, pkgutil, motionbeat
for module in pkgutil.walk_packages(motionbeat.__path__, "motionbeat."):
    if not module.name.startswith({apart!r}):
        importlib.import_module(module.name)
print(sum(name.startswith("motionbeat.") for name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_check_and_by_it_on_its_own_code(stage: str) -> None:
    deps = STAGES[stage]["deps"]
    if stage == "check":
        assert set(deps) == {"params.yaml", "motionbeat", "stages"}
    else:
        assert [dep for dep in deps if dep.startswith(("data/code", "motionbeat", "stages"))] == [
            f"data/code/{stage}.txt"
        ]


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_can_bring_back_what_a_stage_has_made(stage: str) -> None:
    """Its run cache leaves out a stage that has an output that persists, or one outside of the cache among `outs`."""
    assert all(isinstance(out, str) for out in STAGES[stage].get("outs", []))
    assert "persist" not in str(STAGES[stage])


@pytest.mark.parametrize("stage", ["corpus", "tokens", "train", "report"])
def test_what_python_loads_for_a_stage_is_on_its_list_of_code(stage: str) -> None:
    """The oracle is the interpreter: modules loaded by importing the stage's script."""
    script = f"import sys, stages.{stage}; print(chr(10).join(m.__file__ for m in sys.modules.values() if m and "
    script += "getattr(m, '__file__', None) and m.__name__.split('.')[0] in ('motionbeat', 'stages')))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {Path(line) for line in done.stdout.split()} - {ROOT / "stages" / "__init__.py"}
    on_list = {ROOT / line.split("  ")[1] for line in listed(stage, ROOT).splitlines()}
    assert ROOT / "stages" / f"{stage}.py" in loaded
    assert loaded <= on_list


def test_a_change_to_a_drum_sound_makes_only_what_plays_drums_stale() -> None:
    drums = PACKAGE / "lab" / "synthetic" / "drums.py"
    stale = {stage for stage in STAGES if drums in code_of(stage, ROOT)}
    assert stale == {"corpus"}


def test_imports_inside_functions_are_seen(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("def f():\n    from motionbeat.tokens import signals\n", encoding="utf-8")
    found = {name_of(file) for file in closure([script], ROOT) - {script}}
    assert {"motionbeat/tokens/signals.py", "motionbeat/tokens/layout.py", "motionbeat/audio/mel.py"} <= found


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_described_and_runs_its_own_module(stage: str) -> None:
    assert STAGES[stage]["desc"]
    assert STAGES[stage]["cmd"] == f"python -m stages {stage}"


def sections_read(stage: str) -> set[str]:
    """Sections of params.yaml that a stage's script takes from what `params.load()` gives, by its syntax."""
    sections = {field.name for field in attrs.fields(params.Params)}
    found = set()
    for node in ast.walk(ast.parse((ROOT / "stages" / f"{stage}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in sections:
            owner = node.value
            if (isinstance(owner, ast.Name) and owner.id == "settings") or (
                isinstance(owner, ast.Call) and ast.unparse(owner) == "params.load()"
            ):
                found.add(node.attr)
    return found


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in ("check", "report")])
def test_the_params_of_a_stage_are_the_sections_that_its_script_reads(stage: str) -> None:
    assert sections_read(stage) == {name.split(".")[0] for name in STAGES[stage]["params"]}


def test_every_param_is_read_by_some_stage_besides_the_report() -> None:
    tracked = {name for stage, entry in STAGES.items() if stage != "report" for name in entry.get("params", [])}
    sections = {field.name for field in attrs.fields(params.Params)}
    assert {name for name in tracked if "." not in name} | {"report"} == sections


def test_every_param_is_explained() -> None:
    lines = (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()
    knobs = [line for line in lines if line.startswith("  ") and ":" in line.split("#")[0]]
    silent = [line.strip() for line in knobs if "#" not in line]
    allowed = {"max_bpm", "seed", "batch", "dropout", "weight_decay", "clip_norm"}
    assert {line.split(":")[0] for line in silent} <= allowed
