"""Kill stages and `motionbeat embed` at random moments, run them again, and compare the bytes.

    python -m benchmarks.kills --count 200                    # of each stage of the chain, and of embed
    python -m benchmarks.kills --count 5 --of train embed

Each time the cache is removed, and as often as not the outputs, as DVC does. The command is started and ended by KILL,
TERM or INT, or meets a full disk (no file may exceed a random size). Then no file under its final name may differ from
that of a run that nobody killed, no folder may lack a part, and after TERM a stage may leave no process. The same
command, run again, must write the same bytes and leave nothing unfinished. Moments follow from the seed. The last
figures are in docs/reliability.md.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from attrs import frozen

from benchmarks.arguments import count
from benchmarks.small_chain import CHAIN, digests, prepare, run_whole, start
from motionbeat.errors import MotionBeatError, run

EMBED = "embed"
FULL = "full disk"
ENDINGS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, FULL)
_PATIENCE_S = 300
_SONGS, _SONG_S, _RATE = 4, 8, 22_050
_OUTPUTS = {
    "check": ("data/code",),
    "corpus": ("data/corpus",),
    "beats": ("data/beats", "metrics/beats.json"),
    "tokens": ("data/tokens", "metrics/tokens.json"),
    "negatives": ("data/negatives",),
    "train": ("models/motionbeat", "metrics/train.json", "metrics/train_history.csv"),
    "retrieve": ("metrics/retrieve_table.csv", "metrics/retrieve_about.json", "metrics/retrieve.json"),
    "dance": ("models/dance", "metrics/dance_table.csv", "metrics/dance.json"),
    EMBED: ("embedded",),
}


@frozen
class Command:
    """What is killed: its words after `python -m`, what it writes, and how long it takes when nobody kills it."""

    name: str
    words: tuple[str, ...]
    outputs: tuple[str, ...]
    seconds: float


def write_songs(folder: Path) -> None:
    """Clicks in noise, at another tempo in each song."""
    import soundfile

    folder.mkdir()
    times = np.arange(_SONG_S * _RATE) / _RATE
    for number in range(_SONGS):
        clicks = np.exp(-30 * (times % (0.4 + 0.05 * number)))
        noise = np.random.default_rng(number).normal(size=len(times))
        soundfile.write(folder / f"song{number}.wav", 0.2 * noise * clicks, _RATE)


def whole_run(folder: Path, name: str) -> Command:
    """Run a command once to its end, without a cache, and time it."""
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    if name == EMBED:
        if not (folder / "songs").exists():
            write_songs(folder / "songs")
        shutil.rmtree(folder / "embedded", ignore_errors=True)
        words: tuple[str, ...] = ("motionbeat.cli", "embed", "songs", "-o", "embedded", "--tracker", "librosa")
    else:
        words = ("stages", name)
    began = time.monotonic()
    run_whole(folder, words)
    return Command(name, words, _OUTPUTS[name], time.monotonic() - began)


def killed_once(folder: Path, command: Command, right: dict[str, str], generator: np.random.Generator) -> list[str]:
    """Kill the command at a random moment and run it again; what was wrong. `right`: digests of a whole run."""
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    if command.name == EMBED or generator.random() < 0.5:
        for name in command.outputs:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    wrong: list[str] = []
    ending = ENDINGS[int(generator.integers(len(ENDINGS)))]
    if isinstance(ending, str):
        most_bytes = int(10 ** generator.uniform(1, 6))
        process, how = start(folder, command.words, most_bytes), f"no file above {most_bytes} bytes"
        process.wait()
    else:
        process, how = start(folder, command.words), ending.name
        time.sleep(float(generator.uniform(0, command.seconds)))
        process.send_signal(ending)
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            wrong.append(f"{how}: did not end within {_PATIENCE_S} s")
    left = _end_session(process.pid)
    if left and ending == signal.SIGTERM and command.name != EMBED:
        wrong.append(f"{how}: processes were left")
    wrong += [f"{how}: {line}" for line in torn(folder, command, right)]
    run_whole(folder, command.words)
    after = _watched(folder)
    wrong += [
        f"{how}, run again: {name}" for name in sorted(right.keys() | after) if right.get(name) != after.get(name)
    ]
    return wrong


def torn(folder: Path, command: Command, right: dict[str, str]) -> list[str]:
    """Files under their final names that differ from a whole run's, and folders that lack some."""
    found = {name: digest for name, digest in _watched(folder).items() if ".unfinished" not in name}
    wrong = [f"{name} is half written" for name, digest in found.items() if right.get(name) != digest]
    for output in command.outputs:
        parts = {name for name in right if name.startswith(f"{output}/")}
        if command.name != EMBED and parts & set(found) and parts - set(found):
            wrong.append(f"{output} lacks {len(parts - set(found))} of {len(parts)} files")
    return wrong


def _watched(folder: Path) -> dict[str, str]:
    return digests(folder, ("data", "models", "metrics", "embedded"))


def _end_session(session: int) -> bool:
    """End what is left of a session; whether there was anything that ran."""
    import psutil  # type: ignore[import-untyped]

    left = False
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                process.kill()
                left = True
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return left


def campaign(
    folder: Path, names: Sequence[str], kills: int, seed: int, minutes: float
) -> tuple[Counter[str], list[str]]:
    """Kill each command `kills` times, in turn, for so many minutes at most; kills by command, and what was wrong."""
    if not folder.exists():
        prepare(folder)
        last = max((CHAIN.index(name) for name in names if name != EMBED), default=-1)
        for name in CHAIN[: last + 1]:
            run_whole(folder, ("stages", name))
    commands = {name: whole_run(folder, name) for name in names}
    right, done = _watched(folder), Counter[str]()
    wrong: list[str] = []
    ends = time.monotonic() + 60 * minutes
    for number in range(kills):
        for place, name in enumerate(names):
            if time.monotonic() > ends:
                return done, wrong
            generator = np.random.default_rng([seed, number, place])
            wrong += [f"{name}: {line}" for line in killed_once(folder, commands[name], right, generator)]
            done[name] += 1
    return done, wrong


def main(given: Sequence[str] | None = None) -> None:
    """Kill, run again, and say what came of it; the exit status is 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=count, default=200, help="kills of each command (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=600.0, help="at most (default %(default)s)")
    parser.add_argument("--of", nargs="+", default=[*CHAIN, EMBED], help="commands (default: all)")
    parser.add_argument("--folder", type=Path, help="where the chain is run or, if it is there, was run before")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(given)
    if unknown := sorted(set(chosen.of) - {*CHAIN, EMBED}):
        raise MotionBeatError(f"--of {', '.join(unknown)}: give some of {', '.join((*CHAIN, EMBED))}")
    with tempfile.TemporaryDirectory() as place:
        folder = chosen.folder or Path(place) / "chain"
        done, wrong = campaign(folder, chosen.of, chosen.count, chosen.seed, chosen.minutes)
    by_command = ", ".join(f"{name} {times}" for name, times in done.items())
    print(f"{sum(done.values())} kills ({by_command}); wrong: {len(wrong)}")
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    run(main)
