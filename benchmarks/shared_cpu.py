"""What busy programs beside it cost training and the generator: python -m benchmarks.shared_cpu

Each kind of work runs alone, then beside one and beside two programs that never rest, in one process, so that only
ratios count. On two cores a fair share is at most twice and three times the time of work that runs alone. Rows:
threads, and how a thread waits for the others: PASSIVE (it sleeps; what `python -m stages` sets) or ACTIVE (it spins;
with --spinning, which can take many minutes).

--repro: the stages from check to dance instead, on 24 songs at the widths of params.yaml, alone and then beside one
busy program, and how many times longer each takes; five minutes on two idle cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.arguments import count
from benchmarks.small_chain import CHAIN, ROOT, prepare, run_whole
from motionbeat.errors import MotionBeatError, run

WORKS, BUSY = ("training", "generator"), (0, 1, 2)
FAIR = {0: 1.0, 1: 2.0, 2: 3.0}
SETUPS = ((2, "PASSIVE"), (1, "PASSIVE"))  # threads, OMP_WAIT_POLICY
SPINNING = ((2, "ACTIVE"),)
_CLIPS = 64
_PIPELINE: dict[str, dict[str, Any]] = {
    "corpus": {"songs": 12, "val_songs": 4, "test_songs": 8, "clips_per_song": 2},
    "train": {"epochs": 20, "validate_every": 10},
    "retrieve": {"slice_songs": 4, "head_epochs": 4},
    "dance": {"steps": 100, "songs": 4, "dances_per_song": 2},
}


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.shared_cpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--steps", type=count, default=8, help="of training, at least (default %(default)s)")
    parser.add_argument("--works", nargs="+", choices=WORKS, default=WORKS)
    parser.add_argument("--spinning", action="store_true", help="threads that spin as well")
    parser.add_argument("--repro", action="store_true", help="the pipeline's stages beside one busy program")
    parser.add_argument("--inside", choices=WORKS, help=argparse.SUPPRESS)  # the process that works
    arguments = parser.parse_args(given)
    if arguments.inside:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(list(slowed(worker(arguments.inside, arguments.steps, Path(folder))))))
        return
    print(f"{os.cpu_count()} cores")
    if arguments.repro:
        of_pipeline()
        return
    print(f"{'work':<11}{'threads':>8}  {'waiting':<9}{'beside':>7}{'a second':>11}{'slower':>8}  fair")
    for work in arguments.works:
        for threads, policy in SETUPS + SPINNING * arguments.spinning:
            for busy, speed, slower in of_process(work, threads, policy, arguments.steps):
                fair = "" if not busy else f"{'yes' if slower <= FAIR[busy] else 'no'}, at most {FAIR[busy]:g}"
                print(f"{work:<11}{threads:>8}  {policy:<9}{busy:>7}{speed:>11.1f}{slower:>7.2f}x  {fair}", flush=True)


def of_process(work: str, threads: int, policy: str, steps: int) -> list[tuple[int, float, float]]:
    """(busy programs, samples or frames a second, times slower than alone) of a process with these settings."""
    settings = {"MOTIONBEAT_THREADS": str(threads), "OMP_WAIT_POLICY": policy}
    command = [sys.executable, "-m", "benchmarks.shared_cpu", "--inside", work, "--steps", str(steps)]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MotionBeatError(f"{' '.join(command)} failed with {done.returncode}: {done.stderr.strip()[-500:]}")
    return [tuple(row) for row in json.loads(done.stdout.splitlines()[-1])]


def slowed(speed: Callable[[], float]) -> Iterator[tuple[int, float, float]]:
    """What `speed` gives beside 0, 1 and 2 busy programs, and how many times less than alone that is."""
    alone = 0.0
    for busy in BUSY:
        with _busy(busy):
            found = speed()
        alone = alone or found
        yield busy, found, alone / found


def of_pipeline() -> None:
    """Print the seconds of each stage alone and beside one busy program, each time from an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        alone, beside = (_seconds_of_stages(Path(folder, str(busy)), busy) for busy in (0, 1))
    for seconds in (alone, beside):
        seconds["all"] = sum(seconds.values())
    print(f"{'stage':<11}{'alone':>9}{'beside one':>12}{'slower':>9}")
    for name in alone:
        print(f"{name:<11}{alone[name]:>8.1f}s{beside[name]:>11.1f}s{beside[name] / alone[name]:>8.2f}x")
    print(f"all at most {FAIR[1]:g}x: {'yes' if beside['all'] <= FAIR[1] * alone['all'] else 'no'}")


def _seconds_of_stages(folder: Path, busy: int) -> dict[str, float]:
    """Seconds of each stage, run as DVC runs it, with nothing kept from before."""
    prepare(folder)
    yaml = YAML()
    values = yaml.load(ROOT / "params.yaml")
    for section, knobs in _PIPELINE.items():
        values[section].update(knobs)
    yaml.dump(values, folder / "params.yaml")
    seconds = {}
    with _busy(busy):
        for stage in CHAIN:
            begun = time.monotonic()
            run_whole(folder, ("stages", stage), {"MOTIONBEAT_CACHE": str(folder / "cache")})
            seconds[stage] = time.monotonic() - begun
            print(f"{stage}: {seconds[stage]:.1f} s beside {busy}", file=sys.stderr, flush=True)
    return seconds


@contextmanager
def _busy(programs: int) -> Iterator[None]:
    """So many programs that never rest."""
    with ExitStack() as stack:
        for _ in range(programs):
            program = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(program.kill)  # before it is waited for
        yield


def worker(work: str, steps: int, folder: Path) -> Callable[[], float]:
    """A function that works for some seconds and gives the samples, or frames, of a second; folder: an empty one."""
    import torch  # here: the parent process needs none of it

    from benchmarks import dance_sampling, training_step
    from benchmarks.random_tokens import random_tokens
    from motionbeat.lab.generator.motion_vector import FRAMES
    from motionbeat.model.device import make_deterministic

    make_deterministic(0)
    settings = training_step.with_preset(training_step.DEFAULT, None, None)
    if work == "generator":
        model, guidance = dance_sampling.generator(settings.dance, 128), settings.dance.guidance
        return lambda: float(dance_sampling.measure(model, 1, FRAMES, 20, guidance)["frames_per_s"])
    tokens, cpu = random_tokens(folder, settings, _CLIPS), torch.device("cpu")
    return lambda: float(
        training_step.measure(settings, tokens, folder, cpu, steps, 1, compiled=False)["samples_per_s"]
    )


if __name__ == "__main__":
    run(main)
