"""Seconds of dance generated per second."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench.rounds import Row
from benchmarks.dance_sampling import generator, measure
from motionbeat.lab import params
from motionbeat.lab.generator.motion_vector import FPS

SECONDS, WIDTH = 10, 128


def rows() -> Iterator[Row]:
    """The generator of params.yaml with random weights, its number of DDIM steps, planting included."""
    settings = params.load(Path("params.yaml")).dance
    model = generator(settings, WIDTH)
    ratios: list[float] = []
    for _ in range(3):
        found = measure(
            model, 1, round(SECONDS * FPS), int(settings.sampling_steps), settings.guidance, warm=not ratios
        )
        ratios.append(found["seconds"] / SECONDS)
    middle = sorted(ratios)[1]
    size, note = f"{SECONDS} s, {settings.sampling_steps} steps", f"{FPS / middle:.0f} frames/s"
    yield Row("dance", size, middle * SECONDS, "the dance lasts", SECONDS, middle, min(ratios), max(ratios), note=note)
