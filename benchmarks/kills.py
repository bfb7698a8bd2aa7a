"""Kill stages, `motionbeat embed` and `motionbeat index` at random moments, run them again, and compare the bytes.

    python -m benchmarks.kills --count 200 --log kills.log    # of each; resumed where it stopped
    python -m benchmarks.kills --count 5 --of train embed

A command is started and ended by KILL, TERM or INT, or meets a full disk (no file may exceed a random size), with one
worker or two. Then no file under its final name may differ from that of a run that nobody killed, no folder may lack a
part, and after TERM a stage may leave no process. It is started again on what is there, and killed again; after every
fifth kill, and whenever it was too fast to be killed, it runs to its end and must have written the same bytes and left
nothing unfinished. Then the cache is removed; outputs are removed before half of the starts, as DVC does. Moments
follow from the seed. The last figures are in docs/reliability.md.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict

from benchmarks.arguments import count
from benchmarks.forked import OUTPUT, Starter
from benchmarks.killed_commands import (
    COMMANDS,
    EMBED,
    INDEX,
    LIBRARY,
    OF_SONGS,
    PATIENCE_S,
    Command,
    forget,
    refused_library,
    watched,
    whole_run,
    workers_of,
    write_songs,
)
from benchmarks.small_chain import STAGES, prepare
from motionbeat.errors import MotionBeatError, run

FULL = "full disk"
ENDINGS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, FULL)
_WHOLE = "whole.json"  # what `ready` keeps
_A_MOMENT_S = 2.0
_BLOCK = 20  # kills of a command before the next one's turn
_TWO_WORKERS = 0.25  # of the starts: two workers import all that the command needs, which takes longer than the command


class Victim:
    """A command that is killed again and again. `right`: digests of the files of a run that nobody killed."""

    def __init__(self, folder: Path, command: Command, right: dict[str, str], every: int) -> None:
        self._folder, self._command, self._right, self._every = folder, command, right, every
        self._starter = Starter(folder, command.modules)
        self._kills, self._fresh = 0, True
        forget(folder, (".cache", *command.outputs))

    def close(self) -> None:
        """Leave the outputs of a whole run, which other commands read."""
        self._finished(1)
        self._starter.close()

    def kill(self, generator: np.random.Generator) -> dict[str, Any]:
        """Kill it once, or let it come to its end before; how, whether it was killed, and what was wrong."""
        command, workers = self._command, 2 if generator.random() < _TWO_WORKERS else 1
        if generator.random() < 0.5:
            forget(self._folder, command.outputs)
        ending = ENDINGS[int(generator.integers(len(ENDINGS)))]
        limit = int(10 ** generator.uniform(1, 6)) if isinstance(ending, str) else None
        how = f"no file above {limit} bytes" if isinstance(ending, str) else ending.name
        how += f", {workers} workers" if workers > 1 else ""
        began = time.monotonic()
        number = self._starter.start(command.words, workers_of(workers), limit)
        wait_s = float(generator.uniform(0, command.seconds[workers - 1]))
        status = self._starter.wait(PATIENCE_S if limit else wait_s)
        killed, wrong = status is None or bool(limit and status), []
        if status is None:
            if not isinstance(ending, str):
                with suppress(ProcessLookupError):  # it ended in this moment
                    os.kill(number, ending)
            status = self._starter.wait(PATIENCE_S)
        if status is None:
            wrong.append(f"did not end within {PATIENCE_S} s")
        elif status and not killed:
            wrong.append(f"ended by itself with {status}: {self._said()}")
        elif killed and limit and "Traceback" in self._said():
            wrong.append(f"ended with {status}: {self._said()}")
        left = _end_session(number)
        if left and ending == signal.SIGTERM and command.name not in OF_SONGS:
            wrong.append(f"processes were left: {', '.join(left)}")
        if status is None:
            self._starter.wait(PATIENCE_S)
        wrong += self._torn()
        if not status and self._fresh:  # it takes another time on a machine that is busier or less busy
            command.seconds[workers - 1] = time.monotonic() - began
        self._kills, self._fresh = self._kills + killed, False
        if not status or (self._kills % self._every == 0 and killed):
            wrong += [
                f"{'run again' if status else 'ended well'}, {line}"
                for line in self._finished(workers, run_it=bool(status))
            ]
        return {"command": command.name, "how": how, "killed": killed, "wrong": wrong}

    def _said(self) -> str:
        return (self._folder / OUTPUT).read_text(errors="replace")[-600:]

    def _torn(self) -> list[str]:
        """Files under their final names that differ from a whole run's, and folders that lack some."""
        found = {name: digest for name, digest in watched(self._folder).items() if ".unfinished" not in name}
        wrong = [f"{name} is half written" for name, digest in found.items() if self._right.get(name) != digest]
        if self._command.name == INDEX:
            wrong = refused_library(self._folder / LIBRARY)
        for output in self._command.outputs:
            parts = {name for name in self._right if name.startswith(f"{output}/")}
            if self._command.name != EMBED and parts & set(found) and parts - set(found):
                wrong.append(f"{output} lacks {len(parts - set(found))} of {len(parts)} files")
        return wrong

    def _finished(self, workers: int, run_it: bool = True) -> list[str]:
        """Run it to its end, compare, and remove the cache; what was wrong."""
        if run_it:
            self._starter.start(self._command.words, workers_of(workers))
            if status := self._starter.wait(PATIENCE_S):
                return [f"ended with {status}: {self._said()}"]
        after, self._fresh = watched(self._folder), True
        names = sorted(self._right.keys() | after)
        forget(self._folder, [".cache"])
        return [f"{name}" for name in names if self._right.get(name) != after.get(name)]


def _end_session(session: int) -> list[str]:
    """The command lines of a session's processes that go on after it has ended; they are ended now.

    Some end by themselves a moment later: joblib's tracker of resources does so when it reads that its parent has.
    """
    import psutil  # type: ignore[import-untyped]

    ends = time.monotonic() + _A_MOMENT_S
    while left := list(_processes(session)):
        if time.monotonic() > ends:
            for process in left:
                process.kill()
            return [" ".join(process.info["cmdline"] or [process.info["name"]]) for process in left]
        psutil.wait_procs(left, timeout=0.05)
    return []


def _processes(session: int) -> Iterator[Any]:
    import psutil

    for process in psutil.process_iter(["cmdline", "name"]):
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue


def ready(folder: Path, names: Sequence[str]) -> tuple[dict[str, Command], dict[str, str]]:
    """The commands `names`, after a whole run of each and of the stages before it, and the digests of all they write.

    What an earlier campaign ran in the folder is taken from there, and run again where it was left killed.
    """
    kept = folder / _WHOLE
    before, right = json.loads(kept.read_text()) if kept.exists() else ({}, {})
    last = max((STAGES.index(name) for name in names if name in STAGES), default=-1)
    needed = (*STAGES[: last + 1], *(name for name in names if name not in STAGES))
    commands = {}
    for name in needed:
        now = watched(folder)
        command = Command(**before[name]) if name in before else None
        whole = command and all(
            now.get(path) == digest for path, digest in right.items() if path.startswith(tuple(command.outputs))
        )
        commands[name] = command if command and whole else whole_run(folder, name)
    right = watched(folder)
    kept.write_text(json.dumps([{name: asdict(command) for name, command in commands.items()}, right]))
    return commands, right


def campaign(
    folder: Path, names: Sequence[str], kills: int, seed: int, minutes: float, every: int = 5, log: Path | None = None
) -> list[dict[str, Any]]:
    """Kill each command `kills` times, in turn, for so many minutes at most; each kill as `Victim.kill` has it.

    log: each is written there too, a line of JSON, and those that it has are not done again.
    """
    known = [json.loads(line) for line in log.read_text().splitlines()] if log and log.exists() else []
    ends = time.monotonic() + 60 * minutes
    if not folder.exists():
        prepare(folder, recognition=True)
        write_songs(folder / "songs")
    commands, right = ready(folder, names)
    for to_do in range(_BLOCK, kills + _BLOCK, _BLOCK):
        for name in names:
            tries = sum(each["command"] == name for each in known)
            done = sum(each["command"] == name and each["killed"] for each in known)
            if done >= min(to_do, kills) or time.monotonic() > ends:
                continue
            victim = Victim(folder, commands[name], right, every)
            while done < min(to_do, kills) and time.monotonic() < ends:
                known.append(victim.kill(np.random.default_rng([seed, COMMANDS.index(name), tries])))
                tries, done = tries + 1, done + known[-1]["killed"]
                if log:
                    with log.open("a") as file:
                        file.write(json.dumps(known[-1]) + "\n")
            victim.close()
    return known


def main(given: Sequence[str] | None = None) -> None:
    """Kill, run again, and say what came of it; the exit status is 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=count, default=200, help="kills of each command (default %(default)s)")
    parser.add_argument("--every", type=count, default=5, help="kills before a run to the end (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=600.0, help="at most (default %(default)s)")
    parser.add_argument("--of", nargs="+", default=list(COMMANDS), help="commands (default: all)")
    parser.add_argument("--folder", type=Path, help="where the chain is run or, if it is there, was run before")
    parser.add_argument("--log", type=Path, help="a line for each kill; a campaign is resumed from it")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(given)
    if unknown := sorted(set(chosen.of) - set(COMMANDS)):
        raise MotionBeatError(f"--of {', '.join(unknown)}: give some of {', '.join(COMMANDS)}")
    with tempfile.TemporaryDirectory() as place:
        folder = (chosen.folder or Path(place) / "chain").absolute()
        all_of_it = campaign(folder, chosen.of, chosen.count, chosen.seed, chosen.minutes, chosen.every, chosen.log)
    print("| command | kills | wrong |\n| --- | --- | --- |")
    for name in dict.fromkeys(each["command"] for each in all_of_it):
        of_it = [each for each in all_of_it if each["command"] == name]
        print(f"| {name} | {sum(each['killed'] for each in of_it)} | {sum(bool(each['wrong']) for each in of_it)} |")
    wrong = [f"{each['command']}, {each['how']}: {line}" for each in all_of_it for line in each["wrong"]]
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    run(main)
