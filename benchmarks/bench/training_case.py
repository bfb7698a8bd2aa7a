"""A training step of params.yaml on this machine, part by part."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench.rounds import Row
from benchmarks.random_tokens import random_tokens
from benchmarks.training_step import DEFAULT, measure, with_preset
from motionbeat.lab.training.stopwatch import PARTS
from motionbeat.model.device import best_device

CLIPS, STEPS = 128, 6


def rows() -> Iterator[Row]:
    """Seconds of each part of a step, compared with the whole step; on random tokens of the default's sizes."""
    settings = with_preset(DEFAULT, None, None)
    with tempfile.TemporaryDirectory() as folder:
        tokens = random_tokens(Path(folder), settings, CLIPS)
        found = measure(settings, tokens, Path(folder), best_device(), STEPS, 2, compiled=False)
    step = sum(found[f"seconds_{part}"] for part in PARTS) / found["steps"]
    size, speed = f"batch {found['batch']}, {found['device']}", f"{found['samples_per_s']:.0f} samples/s"
    for part in PARTS:
        mine = found[f"seconds_{part}"] / found["steps"]
        yield Row(
            f"training step: {part}", size, mine, "the step", step, mine / step, mine / step, mine / step, note=speed
        )
