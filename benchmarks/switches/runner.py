"""Run one switch on one corpus in a folder of its own, so that it can be gone on with, looked at and not repeated.

The folder holds params.yaml, links to the prepared data, the model, metrics/, a log a stage and, when all is done,
result.json. A killed run is gone on with from its last checkpoint, which lies in the same folder.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, frozen
from filelock import FileLock, Timeout
from ruamel.yaml import YAML

from benchmarks.switches.plan import PREPARING, ROOT, Run, code_digest
from motionbeat.errors import MotionBeatError
from motionbeat.files import write_json
from motionbeat.lab.results.experiments import numbers

_SOURCES = ("train", "retrieve")


@frozen
class Outcome:
    """What a run came to: its metrics, or why it has none."""

    run: Run
    metrics: Mapping[str, float] | None
    reason: str = ""
    code: str = ""
    seconds: float = 0.0


class Processes:
    """The stages that are running, so that they end when the command does."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> int:
        """Run a command to its end; its exit status, or -1 after `stop`."""
        with log.open("w", encoding="utf-8") as file:
            with self._lock:
                if self._stopped:
                    return -1
                process = subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT)
                self._running.add(process)
            status = process.wait()
            with self._lock:
                self._running.discard(process)
        return -1 if self._stopped else status

    def stop(self) -> None:
        """End what is running, and start nothing more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()


def folder_of(run: Run, output: Path) -> Path:
    """Named by switch and seed, and by a digest of params and data, so that nothing is overwritten by another run."""
    return output / "runs" / f"{run.switch}-seed{run.seed}-{run.key}"


def finished(run: Run, output: Path) -> Outcome | None:
    """The outcome of a run that has ended well, now or at another time; None where there is none."""
    path = folder_of(run, output) / "result.json"
    if not path.is_file():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Outcome(run, kept["metrics"], code=kept["code"], seconds=kept["seconds"])
    except (json.JSONDecodeError, KeyError) as error:
        raise MotionBeatError(f"{path} is damaged ({error}): delete it, and the run is made again") from None


def execute(run: Run, output: Path, code: str, processes: Processes) -> Outcome:
    """Run what is missing of a run, each stage in a process of its own.

    Libraries have one thread each; torch has the two that `make_deterministic` gives it, which its sums depend on.

    A failing stage gives an outcome with the last line of its log as the reason; other runs need not end for it.
    """
    folder = folder_of(run, output)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            done = finished(run, output)
            return done or _execute(run, folder, code, processes)
    except Timeout:
        return Outcome(run, None, "another process is at it")


def _execute(run: Run, folder: Path, code: str, processes: Processes) -> Outcome:
    begin = time.monotonic()
    stages = run.stages
    _lay_out(run, folder, stages)
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "MOTIONBEAT_WORKERS": "1",
        "MOTIONBEAT_CACHE": str((folder / "cache").resolve()),
    }
    for stage in stages:
        if code_digest() != code:
            return Outcome(run, None, "the code has changed meanwhile: run from a clone that nobody changes")
        log = folder / f"{stage}.log"
        status = processes.run([sys.executable, "-m", "stages", stage], folder, environment, log)
        if status == -1:
            return Outcome(run, None, "stopped")
        if status:
            return Outcome(run, None, f"{stage} failed: {_last_line(log)}")
    metrics = numbers({name: _read(folder / "metrics" / f"{name}.json") for name in _SOURCES})
    seconds = round(time.monotonic() - begin, 1)
    known = {"switch": run.switch, "seed": run.seed, "code": code, "seconds": seconds, "metrics": metrics}
    write_json(folder / "result.json", known | {"params": asdict(run.settings), "data": run.data.digest})
    for stage in stages[: -len(_SOURCES)]:
        shutil.rmtree(folder / "data" / stage)  # large, and made again in a minute
    return Outcome(run, metrics, code=code, seconds=seconds)


def _lay_out(run: Run, folder: Path, stages: tuple[str, ...]) -> None:
    (folder / "data").mkdir(exist_ok=True)
    for name in ("corpus", "beats", *PREPARING):
        link = folder / "data" / name
        if link.is_symlink():
            link.unlink()
        if name not in stages:
            shutil.rmtree(link, ignore_errors=True)
            link.symlink_to(run.data.folder / "data" / name, target_is_directory=True)
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(asdict(run.settings), file)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"
