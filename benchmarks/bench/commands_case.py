"""Start-up times: the package, its help, and `dvc repro` without changes."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.bench.rounds import LeftOut, Row, compare

PYTHON = sys.executable
_DVC = "import dvc.cli, dvc.repo, dvc.commands.repro, dvc.stage, dvc_data.hashfile"


def rows() -> Iterator[Row | LeftOut]:
    """Each compared with the imports that it needs at least."""

    def command(*words: str) -> Callable[[], Any]:
        return lambda: subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

    bare = command(PYTHON, "-c", "pass")
    yield compare("import motionbeat", "", command(PYTHON, "-c", "import motionbeat"), "python alone", bare, rounds=9)
    helped = command(PYTHON, "-m", "motionbeat.cli", "--help")
    typer = command(PYTHON, "-c", "import typer, rich.table, rich.panel")
    yield compare("motionbeat --help", "", helped, "importing typer", typer)
    repro = [PYTHON, "-m", "dvc", "repro", "--dry"]
    if not Path("dvc.lock").is_file():
        yield LeftOut("dvc repro, nothing changed", "no dvc.lock here: dvc repro first")
        return
    dry = subprocess.run(repro, capture_output=True, text=True, check=False)
    if dry.returncode or "Running stage" in dry.stdout:
        yield LeftOut("dvc repro, nothing changed", "something has changed here: dvc repro first")
        return
    nothing, imports = command(PYTHON, "-m", "dvc", "repro"), command(PYTHON, "-c", _DVC)
    yield compare("dvc repro, nothing changed", "", nothing, "importing dvc", imports, rounds=3)
