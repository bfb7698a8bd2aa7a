"""How fast dances are made: python -m benchmarks.dance_sampling --songs 1 8 --steps 50 10

Samples dances to random music with an untrained generator, since speed does not depend on the weights, and prints
frames of dance per second (30 frames are one second of dance), how many times faster than real time that is, and the
peak of memory. Songs are processed one after the other, as in the stage dance; the slices of a song are one batch.
Sizes: `params` is the section dance of params.yaml in this folder, `edge` the size that EDGE has published.
Peak memory on a CPU is that of the whole process so far: for the figure of a single row, run it alone.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import evolve

from benchmarks.arguments import count
from motionbeat.errors import MotionBeatError, run
from motionbeat.files import write_json
from motionbeat.lab import params
from motionbeat.lab.generator.generator_model import DanceGenerator, GeneratorConfig
from motionbeat.lab.generator.motion_vector import FPS, FRAMES
from motionbeat.lab.generator.sampling import generate
from motionbeat.lab.params import Count, Dance
from motionbeat.lab.training.stopwatch import peak_memory_mib
from motionbeat.model.device import best_device, make_deterministic

PARAMS = Path("params.yaml")
SIZES = ("params", "edge")
EDGE: dict[str, Any] = {
    **{"width": Count(512), "layers": Count(8), "heads": Count(8), "feedforward": Count(1024), "patch": Count(1)},
    **{"condition_layers": 2, "aligned": False, "preconditioned": False},
}


def main(given: Sequence[str] | None = None) -> None:
    arguments = _arguments(given)
    device = best_device() if arguments.device == "auto" else torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise MotionBeatError("--device cuda, and torch sees no GPU here: leave --device out")
    frames = round(arguments.seconds * FPS)
    if frames < FRAMES:
        raise MotionBeatError(f"--seconds {arguments.seconds:g}: give at least {FRAMES / FPS:g}, a slice")
    make_deterministic(0)
    settings = params.load(PARAMS).dance
    model = generator(settings if arguments.size == "params" else evolve(settings, **EDGE), arguments.condition)
    model.to(device)
    found = []
    for songs in arguments.songs:
        for steps in arguments.steps:
            figures = measure(model, songs, frames, steps, settings.guidance, arguments.warm)
            found.append({"size": arguments.size, **figures})
            print(table(found[-1:], header=len(found) == 1), flush=True)
    if arguments.output:
        write_json(arguments.output, found)


def generator(settings: Dance, condition_width: int) -> DanceGenerator:
    """An untrained generator of the settings' size for music of `condition_width` numbers per frame."""
    config = GeneratorConfig.of(settings, encoder="none", encoder_identity="", condition_width=condition_width)
    return DanceGenerator(config).eval()


def measure(
    model: DanceGenerator, songs: int, frames: int, steps: int, guidance: float, warm: bool = True
) -> dict[str, Any]:
    """Time of `songs` dances of `frames` frames each, in `steps` steps; warm: make one more dance before, not
    counted.
    """
    device = model.offset.device
    random = np.random.default_rng(0)
    music = random.standard_normal((songs, frames, model.config.condition_width), dtype=np.float32)
    if warm:
        generate(model, music[0], steps=min(steps, 2), guidance=guidance)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    begin = time.perf_counter()
    for seed, condition in enumerate(music):
        generate(model, condition, seed=seed, steps=steps, guidance=guidance)  # its result is on the CPU: it is done
    seconds = time.perf_counter() - begin
    return {
        "songs": songs,
        "steps": steps,
        "frames": songs * frames,
        "seconds": seconds,
        "frames_per_s": songs * frames / seconds,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "peak_memory_mib": peak_memory_mib(device),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads",
    }


def table(rows: list[dict[str, Any]], header: bool) -> str:
    """Lines of one measurement each."""
    lines = []
    if header:
        names = ("size", "parameters", "songs", "steps", "frames/s", "x real time", "seconds", "peak MiB")
        lines.append("".join(f"{name:>13}" for name in names) + "  device")
    for row in rows:
        cells = [row["size"], f"{row['parameters']:,}", row["songs"], row["steps"], f"{row['frames_per_s']:.0f}"]
        cells += [f"{row['frames_per_s'] / FPS:.1f}", f"{row['seconds']:.2f}", f"{row['peak_memory_mib']:.0f}"]
        lines.append("".join(f"{cell:>13}" for cell in cells) + f"  {row['device']}")
    return "\n".join(lines)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dance_sampling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", choices=SIZES, default="params", help="size of the generator (default %(default)s)")
    parser.add_argument("--songs", type=count, nargs="+", default=[1, 8], help="how many (default 1 8)")
    parser.add_argument("--steps", type=count, nargs="+", default=[50, 10], help="of DDIM (default 50 10)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each dance (default %(default)s)")
    parser.add_argument("--condition", type=count, default=128, help="width of the music (default %(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: the GPU if there is")
    parser.add_argument("--no-warm", dest="warm", action="store_false", help="count the first call's overhead too")
    parser.add_argument("--output", type=Path, help="write the figures as JSON as well")
    return parser.parse_args(given)


if __name__ == "__main__":
    run(main)
