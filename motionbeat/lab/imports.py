"""The files that a module imports, and the DVC dependencies of the stages that follow from them.

`python -m motionbeat.lab.imports` says which stages of dvc.yaml name other files than they import; with --write it
puts the right ones there. A stage is made stale by a change to a file that it imports, and by no other.
"""

import ast
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from motionbeat.errors import MotionBeatError, run

CODE = ("motionbeat", "stages")
"""Packages whose files are dependencies on code; other dependencies are data."""


def module_file(name: str, root: Path) -> Path | None:
    """The file of a module, by its dotted name, or None where `root` has none."""
    path = root / name.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def imported(file: Path, root: Path) -> frozenset[Path]:
    """Files of the packages `CODE` that a file imports, anywhere in it, and those of the packages that hold them.

    Imports under `if TYPE_CHECKING:` are left out, as they never happen.
    """
    names: set[str] = set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for block in [node for node in ast.walk(tree) if isinstance(node, ast.If)]:
        if isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING":
            block.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise MotionBeatError(f"{file}:{node.lineno}: a relative import; import by the full name")
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    own = {name for name in names if name.split(".")[0] in CODE}
    parents = {".".join(name.split(".")[:depth]) for name in own for depth in range(1, name.count(".") + 2)}
    return frozenset(found for name in parents if (found := module_file(name, root)))


def closure(files: Iterable[Path], root: Path) -> set[Path]:
    """The files and all that they import, directly or not."""
    seen: set[Path] = set()
    todo = set(files)
    while todo:
        seen |= todo
        todo = {found for file in todo for found in imported(file, root)} - seen
    return seen


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def code_of(stage: str, root: Path) -> list[str]:
    """The dependencies on code of `python -m stages STAGE`: files, or a folder where it needs all that is in it."""
    needed = closure([root / "stages" / "__main__.py", root / "stages" / f"{stage}.py"], root)
    folders = {path.parent for path in needed}
    beside = {file for folder in folders for kind in ("*.j2", "*.js") for file in folder.glob(kind)}  # parts of pages
    whole = {
        folder
        for folder in {parent for file in needed for parent in file.parents if root / CODE[0] in parent.parents}
        if all(file in needed | beside for file in _files(folder))
    }
    top = {folder for folder in whole if not whole.intersection(folder.parents)}
    single = {file for file in needed if not top.intersection(file.parents)}
    return sorted(path.relative_to(root).as_posix() for path in top | single | beside)


def with_code(stages: dict[str, Any], root: Path) -> dict[str, list[str]]:
    """What `deps` of each stage has to hold: its data as it stands there, then its code."""
    return {
        name: [dep for dep in stage["deps"] if dep.split("/")[0] not in CODE] + code_of(name, root)
        for name, stage in stages.items()
    }


def main() -> None:
    """Compare dvc.yaml with the imports, or write it anew."""
    from ruamel.yaml import YAML

    root, yaml = Path(), YAML()
    yaml.width, yaml.preserve_quotes = 120, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    path = root / "dvc.yaml"
    pipeline = yaml.load(path)
    right = with_code(pipeline["stages"], root)
    wrong = [name for name, deps in right.items() if list(pipeline["stages"][name]["deps"]) != deps]
    if "--write" in sys.argv:
        for name in wrong:
            deps = pipeline["stages"][name]["deps"]
            deps[:] = right[name]
        with path.open("w", encoding="utf-8") as file:
            yaml.dump(pipeline, file)
        print(f"dvc.yaml: {f'deps of {chr(44).join(wrong)} written' if wrong else 'nothing to change'}")
    elif wrong:
        raise MotionBeatError(
            f"dvc.yaml: deps of {', '.join(wrong)} are not the files that they import: "
            "run `python -m motionbeat.lab.imports --write`"
        )


if __name__ == "__main__":
    run(main)
