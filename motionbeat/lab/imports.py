"""The files that a module imports, and so the code that each stage depends on.

The stage check lists them by stage in data/code: a stage becomes stale only if a file that it imports changes.
"""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from motionbeat.errors import MotionBeatError
from motionbeat.lab import registry

CODE = ("motionbeat", "stages")
"""Packages whose files are code of a stage."""


def module_file(name: str, root: Path) -> Path | None:
    """The file of a module, by its dotted name; None if there is none in `root`."""
    path = root / name.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def imported(file: Path, root: Path) -> frozenset[Path]:
    """Files of the packages `CODE` that a file imports, at any place in it, and the __init__ files of their packages.

    Imports under `if TYPE_CHECKING:` are left out, since they are never run. A call `registry.module_of("KIND", name)`
    can import every module of that kind.
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
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "registry.module_of":
            names |= {entry.module for entry in registry.ENTRIES[ast.literal_eval(node.args[0])]}
    own = {name for name in names if name.split(".")[0] in CODE}
    parents = {".".join(name.split(".")[:depth]) for name in own for depth in range(1, name.count(".") + 2)}
    return frozenset(found for name in parents if (found := module_file(name, root)))


def closure(files: Iterable[Path], root: Path) -> set[Path]:
    """The files and everything they import, directly or indirectly."""
    seen: set[Path] = set()
    todo = set(files)
    while todo:
        seen |= todo
        todo = {found for file in todo for found in imported(file, root)} - seen
    return seen


def code_of(stage: str, root: Path) -> set[Path]:
    """The files that `python -m stages STAGE` imports; and the page templates and scripts (*.j2, *.js) next to them."""
    needed = closure([root / "stages" / "__main__.py", root / "stages" / f"{stage}.py"], root)
    beside = {
        file for folder in {path.parent for path in needed} for kind in ("*.j2", "*.js") for file in folder.glob(kind)
    }
    return needed | beside


def listed(stage: str, root: Path) -> str:
    """A line for each file of `code_of`: its SHA-256 and its path, as `sha256sum` prints them."""
    names = sorted(path.relative_to(root).as_posix() for path in code_of(stage, root))
    return "".join(f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
