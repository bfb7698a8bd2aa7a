"""Every reader on mutated inputs: only `MotionBeatError` may come out, within 20 s and 2 GB.

    python -m benchmarks.fuzz --count 100000 --minutes 60 --folder fuzz_run

Inputs follow from their number, so a run that was ended is resumed where it stopped (`--folder` keeps the counts and
each input that did something else). A process of its own reads them, with a limit on its memory; a reader that does not
come back in time is ended and counted as a hang. The last run's figures are in docs/reliability.md.
"""

import argparse
import json
import multiprocessing
import resource
import shutil
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arguments import count
from benchmarks.fuzz_targets import TARGETS, Target, seeds
from motionbeat.errors import MotionBeatError, run
from motionbeat.files import write_json

SECONDS, BYTES = 20, 2 * 2**30
_TOKENS = (
    *(b"", b"\0", b"\xff\xff\xff\xff", b"\x80", b"NaN", b"Infinity", b"-1", b"0", b"1e400", b"9" * 400, b"1" * 30),
    *(
        b"[" * 20_000,
        b"{",
        b"}",
        b"]",
        b'"',
        b",",
        b"\n",
        b"\xef\xbb\xbf",
        b"null",
        b"true",
        b"a" * 5000,
        b"\x7f\xff\xff\xff",
    ),
)


def mutated(data: bytes, generator: np.random.Generator) -> bytes:
    """The bytes with one to four changes: bits, bytes, tokens, cuts, copies, repeats, or another file's part."""
    changed = bytearray(data)
    for _ in range(int(generator.integers(1, 5))):
        size = len(changed)
        at, length = int(generator.integers(0, size + 1)), int(generator.geometric(0.03))
        kind = int(generator.integers(0, 8))
        if kind == 0 and size:
            changed[min(at, size - 1)] ^= 1 << int(generator.integers(0, 8))
        elif kind == 1 and size:
            changed[min(at, size - 1)] = int(generator.integers(0, 256))
        elif kind == 2:
            changed[at : at + length] = generator.bytes(length)
        elif kind == 3:
            changed[at : at + length] = b""
        elif kind == 4:
            token = _TOKENS[int(generator.integers(0, len(_TOKENS)))]
            changed[at : at + int(generator.integers(0, 8))] = token
        elif kind == 5:
            del changed[at:]
        elif kind == 6 and size:
            begin = int(generator.integers(0, size))
            changed[at:at] = changed[begin : begin + length]
        else:  # a number of the text, or four bytes, made absurd
            digits = [place for place, byte in enumerate(changed[:20_000]) if 48 <= byte <= 57]
            if digits:
                place = digits[int(generator.integers(0, len(digits)))]
                changed[place : place + 1] = _TOKENS[int(generator.integers(4, 11))]
    return bytes(changed[: 2 * len(data) + 200_000])


def outcome(target: Target, folder: Path, sound: dict[str, bytes], generator: np.random.Generator) -> tuple[str, str]:
    """What a reader made of one mutated input: `read`, `refused` or the name of a foreign exception, with its words."""
    shutil.rmtree(folder, ignore_errors=True)
    names = sorted(name for name in sound if target.mutates(name))
    chosen = names[int(generator.integers(0, len(names)))]
    for name, data in sound.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(mutated(data, generator) if name == chosen else data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(folder)
    except MotionBeatError as error:
        return "refused", str(error)
    except Exception as error:
        return type(error).__name__, f"{target.name} {chosen}: {error}"
    return "read", ""


def _limit_memory() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))


def _work(pipe: Any, folder: Path, seed: int) -> None:
    """Read the inputs that are asked for by number, until None is asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sounds = seeds()
    _limit_memory()
    pipe.send(None)
    while (number := pipe.recv()) is not None:
        target = TARGETS[number % len(TARGETS)]
        generator = np.random.default_rng([seed, number])
        began = time.monotonic()
        result = outcome(target, folder / "input", sounds[target.name], generator)
        pipe.send((*result, time.monotonic() - began))


class Worker:
    """A process that reads inputs, started again when it hangs or dies."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.process: multiprocessing.process.BaseProcess | None = None

    def __call__(self, number: int) -> tuple[str, str, float]:
        if self.process is None:
            self._start()
        self.pipe.send(number)
        try:
            if self.pipe.poll(SECONDS):
                found: tuple[str, str, float] = self.pipe.recv()
                return found
            kind = "hang"
        except (EOFError, ConnectionResetError):
            kind = "died"
        self.stop()
        return kind, f"{TARGETS[number % len(TARGETS)].name} input {number}", float(SECONDS)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, self.folder, self.seed), daemon=True)
        self.process.start()
        other.close()
        self.pipe.recv()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def campaign(folder: Path, most: int, minutes: float, seed: int) -> dict[str, Any]:
    """Read inputs from where `folder` stands up to `most`, for so many minutes at most; the counts so far."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    so_far: dict[str, Any] = {"seed": seed, "inputs": 0, "outcomes": {}, "foreign": [], "slowest_s": 0.0}
    if state.is_file():
        so_far = json.loads(state.read_text(encoding="utf-8"))
        if so_far["seed"] != seed:
            raise MotionBeatError(f"{state} belongs to seed {so_far['seed']}, not {seed}: name another --folder")
    outcomes, ends = Counter(so_far["outcomes"]), time.monotonic() + 60 * minutes
    worker = Worker(folder, seed)
    try:
        while so_far["inputs"] < most and time.monotonic() < ends:
            number = so_far["inputs"]
            kind, words, seconds = worker(number)
            outcomes[kind] += 1
            so_far |= {"inputs": number + 1, "outcomes": dict(outcomes), "slowest_s": max(so_far["slowest_s"], seconds)}
            if kind not in ("read", "refused"):
                kept = folder / f"{number}-{kind}"
                shutil.copytree(folder / "input", kept, dirs_exist_ok=True)
                so_far["foreign"].append(f"{number} {kind}: {words[:300]}")
            if number % 200 == 199:
                write_json(state, so_far)
    finally:
        worker.stop()
        write_json(state, so_far)
    return so_far


def main(given: Sequence[str] | None = None) -> None:
    """Read mutated inputs and say what came of them; the exit status is 1 where a reader failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=count, default=100_000, help="inputs in all (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=60.0, help="at most (default %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path("fuzz_run"), help="of the counts and the inputs found")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(given)
    found = campaign(chosen.folder, chosen.count, chosen.minutes, chosen.seed)
    print(
        f"{found['inputs']} inputs of {len(TARGETS)} readers, slowest {found['slowest_s']:.1f} s: {found['outcomes']}"
    )
    print("\n".join(found["foreign"]))
    sys.exit(1 if found["foreign"] else 0)


if __name__ == "__main__":
    run(main)
