"""Commands that start at once: forks of a process that has imported everything they need.

A `Starter` begins `python -m WORDS` in some milliseconds, where a real start takes seconds of imports. The process that
is forked imports what a first run had imported, runs nothing else, and has one thread; each fork is a session of its
own, with its own folder, environment and limit, and goes through `runpy` as `python -m` does.
"""

import importlib
import json
import os
import resource
import runpy
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.small_chain import environment

_START_S = 300
_NO_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} | {
    "JE_ARROW_MALLOC_CONF": "background_thread:false"
}
"""With which imports start no threads."""


class Starter:
    """The process that is forked. `modules`: what it imports first, as `modules_of` lists it."""

    def __init__(self, folder: Path, modules: Sequence[str] = ()) -> None:
        self._folder, self._left = folder, b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.forked"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=environment(_NO_THREADS),
            bufsize=0,
        )
        self._ask({"modules": list(modules)})

    def start(
        self,
        words: Sequence[str],
        changes: Mapping[str, str],
        most_bytes: int | None = None,
        listed: Path | None = None,
    ) -> int:
        """Begin `python -m WORDS`; its number. Its output goes to `OUTPUT` in the folder.

        changes: of the environment. most_bytes: no file may exceed them. listed: where it lists its modules at its end.
        """
        asked = {"words": list(words), "environment": dict(changes), "most_bytes": most_bytes}
        return int(self._ask(asked | {"listed": str(listed) if listed else None}))

    def wait(self, patience_s: float) -> int | None:
        """The exit status of what was started, negative for a signal; none while it still runs."""
        answer = self._answer(patience_s)
        return None if answer is None else int(answer)

    def close(self) -> None:
        """End the process; what it started goes on."""
        self._process.kill()
        self._process.wait()

    def _ask(self, request: Mapping[str, Any]) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        answer = self._answer(_START_S)
        if answer is None:
            raise RuntimeError(f"no answer within {_START_S} s")
        return answer

    def _answer(self, patience_s: float) -> str | None:
        assert self._process.stdout is not None
        ends = time.monotonic() + patience_s
        while b"\n" not in self._left:
            if not select.select([self._process.stdout], [], [], max(0.0, ends - time.monotonic()))[0]:
                return None
            read = os.read(self._process.stdout.fileno(), 1 << 12)
            if not read:
                raise RuntimeError("the process that is forked has ended")
            self._left += read
        line, _, self._left = self._left.partition(b"\n")
        return line.decode()


OUTPUT = "output.txt"
_LAST = 4000  # bytes of it that are kept


def modules_of(listed: Path) -> list[str]:
    """The modules that a run listed, without those that every start makes anew."""
    return [
        name for name in listed.read_text().split("\n") if name.partition(".")[0] not in ("__main__", "__mp_main__")
    ]


def _serve() -> None:
    """Import, then fork for each request. A fork leaves this function, to end as a program does."""
    for name in json.loads(sys.stdin.readline())["modules"]:
        try:
            importlib.import_module(name)
        except Exception:  # names that are no modules to import, such as torch.ops
            continue
    _thin_standins()
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if len(os.listdir("/proc/self/task")) > 1:
            raise RuntimeError("a thread runs, which a fork would lose")
        said, end = os.pipe()  # and not a file, which a full disk would cut
        number = os.fork()
        if not number:
            return _become(request, end)
        os.close(end)
        print(number, flush=True)
        Path(OUTPUT).write_bytes(_said_by(number, said)[-_LAST:])
        print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)


def _said_by(number: int, said: int) -> bytes:
    """What a process writes to the pipe, until it ends; processes that it leaves may hold the pipe open."""
    ended, text = os.pidfd_open(number), b""
    os.set_blocking(said, False)
    while ready := select.select([said, ended], [], [])[0]:
        if said in ready:
            read = os.read(said, 1 << 16)
            text += read
            if not read:
                select.select([ended], [], [])
                break
        elif ended in ready:
            break
    os.close(said)
    os.close(ended)
    return text


def _become(request: Mapping[str, Any], said: int) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.close(said)
    os.environ |= request["environment"]
    if most := request["most_bytes"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    sys.argv = list(request["words"])
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    finally:
        if request["listed"]:
            Path(request["listed"]).write_text("\n".join(sorted(sys.modules)))


def _thin_standins() -> None:
    """Few clips in each stand-in. Only the lists of what is made are cut, which no worker process reads."""
    from motionbeat.lab.standins import made_emomusic, made_gtzan, made_nsynth

    songs, clips, notes = made_emomusic.plan, made_gtzan.plan, made_nsynth.plan
    made_emomusic.plan = lambda: songs()[::_EVERY_SONG]
    made_gtzan.plan = lambda: list(  # one a genre and split
        {(clip.genre, clip.split): clip for clip in clips() if clip.genre in _GENRES}.values()
    )
    made_nsynth.plan = lambda seed: [note for note in notes(seed) if note.family in _FAMILIES]


_EVERY_SONG = 12
_GENRES = ("blues", "disco")
_FAMILIES = ("bass", "flute")

if __name__ == "__main__":
    _serve()
