"""Run the steps of an ablation in parallel processes, each in its own folder.

The folder of a step has params.yaml, links to its inputs, its outputs, log.txt and, after success, done.json. Finished
steps are not run again; a killed training resumes from its checkpoint. All steps share one cache.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from pathlib import Path

from attrs import frozen
from filelock import FileLock
from ruamel.yaml import YAML

from motionbeat.errors import MotionBeatError
from motionbeat.files import workers, write_json
from motionbeat.lab.experiments.variant_steps import Step

_DONE = "done.json"


@frozen
class Ended:
    """A step that has ended: the seconds it took, or why it failed."""

    step: Step
    seconds: float
    failure: str = ""


class Processes:
    """The running processes; they end with the command."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, command: Sequence[str], folder: Path, environment: dict[str, str], log: Path | None) -> int:
        """Run a command; returns its exit status, or -1 after `stop`. log: file for its output; None prints it."""
        with log.open("w", encoding="utf-8") if log else nullcontext() as file:
            with self._lock:
                if self._stopped:
                    return -1
                process = subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=file)
                self._running.add(process)
            status = process.wait()
            with self._lock:
                self._running.discard(process)
        return -1 if self._stopped else status

    def stop(self) -> None:
        """End the running processes, and start no more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()


def is_done(step: Step, output: Path) -> bool:
    """Whether a step has succeeded, now or earlier."""
    return (step.folder(output) / _DONE).is_file()


def missing(last: Sequence[Step], output: Path) -> list[Step]:
    """The steps to run, in order of their needs, without steps that only finished steps need."""
    to_run: dict[str, Step] = {}

    def add(step: Step) -> None:
        if step.key not in to_run and not is_done(step, output):
            for needed in step.inputs.values():
                add(needed)
            to_run[step.key] = step

    for step in last:
        add(step)
    return list(to_run.values())


def execute(todo: Sequence[Step], output: Path, root: Path, jobs: int, shown: bool = False) -> Iterator[Ended]:
    """Run steps, at most `jobs` at a time, each as soon as its inputs are done; yield them when they end.

    A failure stops only the steps that need the failed one. shown: the output of steps goes to this process's output,
    not to log.txt.
    """
    processes, share = Processes(), max(1, workers() // jobs)
    waiting, running = list(todo), dict[Future[Ended], Step]()
    # a request to end becomes an exception, so that the processes are ended too
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while waiting or running:
                ready = [s for s in waiting if all(is_done(needed, output) for needed in s.inputs.values())]
                for step in ready[: jobs - len(running)]:
                    waiting.remove(step)
                    running[pool.submit(run_step, step, output, root, processes, share, shown)] = step
                if not running:
                    return  # the others need a step that failed
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[future]
                    yield future.result()
        finally:
            signal.signal(signal.SIGTERM, before)
            processes.stop()
            pool.shutdown(wait=True, cancel_futures=True)


def run_step(step: Step, output: Path, root: Path, processes: Processes, share: int = 1, shown: bool = False) -> Ended:
    """Run one step, if it is not done, in a process with `step.threads` threads of torch and `share` workers."""
    folder = step.folder(output)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if is_done(step, output):
            return Ended(step, json.loads((folder / _DONE).read_text(encoding="utf-8"))["seconds"])
        if step.stage.digest() != step.code:
            return Ended(step, 0.0, "the code has changed since this command started: start it again")
        begin, log = time.monotonic(), None if shown else folder / "log.txt"
        _lay_out(step, folder, output)
        status = processes.run(
            [sys.executable, *step.stage.module], folder, _environment(step, output, root, share), log
        )
        seconds = round(time.monotonic() - begin, 1)
        if status:
            reason = f"{_last_line(log)} ({log})" if log else "see its output above"
            return Ended(step, seconds, "stopped" if status == -1 else reason)
        write_json(folder / _DONE, {"seconds": seconds})
        return Ended(step, seconds)


def _environment(step: Step, output: Path, root: Path, share: int) -> dict[str, str]:
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    threads = str(step.threads)
    return os.environ | {
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": threads,
        "MOTIONBEAT_THREADS": threads,
        "MOTIONBEAT_WORKERS": str(share),
        "MOTIONBEAT_CACHE": str((output / "cache").resolve()),
    }


def _lay_out(step: Step, folder: Path, output: Path) -> None:
    for path, needed in step.inputs.items():
        link = folder / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to((needed.folder(output) / path).resolve(), target_is_directory=True)
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(dict(step.values), file)


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def figures(step: Step, output: Path) -> dict[str, dict[str, list[float]]]:
    """{measure: {song: [mean, n]}} from the file of an evaluating step. Raises `MotionBeatError` if damaged."""
    path = step.folder(output) / step.stage.writes[0]
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise MotionBeatError(f"{path} is damaged ({error}): delete its folder, and it is made again") from None
