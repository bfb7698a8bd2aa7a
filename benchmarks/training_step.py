"""How fast training is, by preset: python -m benchmarks.training_step --preset paper --preset paper-size

Runs the training loop itself for a few steps on the tokens and negatives of this folder (dvc repro negatives),
without validation, and prints samples per second, the milliseconds of each part of a step and the peak of memory.
A sample is one window of music and dance with its negatives. `default` is params.yaml as it stands.
Peak memory on a CPU is that of the whole process so far: for the figure of a single preset, run it alone.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import evolve
from ruamel.yaml import YAML

from benchmarks.arguments import count
from motionbeat.errors import MotionBeatError, run
from motionbeat.files import write_json
from motionbeat.lab import params
from motionbeat.lab.params import Count, Fraction, Params, presets
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batches
from motionbeat.lab.training.loop import new_encoders, train
from motionbeat.lab.training.stopwatch import PARTS, Stopwatch
from motionbeat.model.compiled import compile_encoders
from motionbeat.model.device import best_device, chosen_precision, make_deterministic

TOKENS, NEGATIVES, PARAMS = Path("data/tokens"), Path("data/negatives"), Path("params.yaml")
DEFAULT = "default"


def main(given: Sequence[str] | None = None) -> None:
    arguments = _arguments(given)
    device = best_device() if arguments.device == "auto" else torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise MotionBeatError("--device cuda, and torch sees no GPU here: leave --device out")
    if not TOKENS.is_dir():
        raise MotionBeatError(f"{TOKENS} is missing: run `dvc repro negatives` in this folder first")
    tokens = Tokens.load(TOKENS)
    found = []
    for name in arguments.preset or [DEFAULT]:
        settings = with_preset(name, arguments.precision, arguments.batch)
        figures = measure(settings, tokens, NEGATIVES, device, arguments.steps, arguments.warm, arguments.compile)
        found.append({"preset": name, **figures})
        print(table(found[-1:], header=len(found) == 1), flush=True)
    if arguments.output:
        write_json(arguments.output, found)


def with_preset(name: str, precision: str | None, batch: int | None) -> Params:
    """params.yaml with a preset over it, and a precision and a batch size over that."""
    values: Any = YAML(typ="safe", pure=True).load(PARAMS.read_text(encoding="utf-8")) if PARAMS.is_file() else {}
    for key, value in ({} if name == DEFAULT else presets.overrides(name)).items():
        section, _, knob = key.partition(".")
        values[section][knob] = value
    for knob, chosen in (("precision", precision), ("batch", batch)):
        if chosen is not None:
            values["train"][knob] = chosen
    return params.from_dict(values, f"{PARAMS} with {name}")


def measure(
    settings: Params, tokens: Tokens, negatives: Path, device: torch.device, steps: int, warm: int, compiled: bool
) -> dict[str, Any]:
    """Figures of `Stopwatch` over at least `steps` steps, whole epochs, after `warm` that are not counted."""
    make_deterministic(settings.train.seed)
    tokens = with_subbeats(tokens, settings.tokens.subbeats)
    batches = Batches(tokens, negatives, "train", settings.tokens.window_beats, device)
    model = new_encoders(tokens, settings.model).to(device)
    if compiled:
        compile_encoders(model, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)  # of this preset, not of those before it
    each = batches.steps(settings.train.batch)
    watch = Stopwatch(device)
    for wanted, measured in ((warm, False), (steps, True)):
        if wanted:
            epochs = Count(math.ceil(wanted / each))
            # a window on a lattice costs what one on beats does, and its tables need not be there
            chosen = evolve(settings.train, epochs=epochs, validate_every=epochs, lattice_share=Fraction(0.0))
            train(model, batches, lambda _: {"score": 0.0}, chosen, settings.loss, watch=watch if measured else None)
    return {
        **watch.figures(),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "batch": settings.train.batch,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads",
        "precision": chosen_precision(settings.train.precision, device),
        "compile": compiled,
    }


def with_subbeats(tokens: Tokens, subbeats: int) -> Tokens:
    """The same beats in fewer parts, means of the old: enough to take the time of a preset that pools otherwise."""
    old = tokens.layout.subbeats
    if old % subbeats:
        raise MotionBeatError(f"{TOKENS} has {old} parts a beat, the preset {subbeats}: run `dvc repro tokens` with it")

    def pooled(column: np.ndarray) -> np.ndarray:
        rows = len(column)
        return column.reshape(rows, subbeats, old // subbeats, -1).mean(2).reshape(rows, -1).astype(np.float32)

    audio = tokens.audio | {name: pooled(tokens.audio[name]) for name in ("mel", "onset")}
    motion = tokens.motion | {name: pooled(tokens.motion[name]) for name in ("features", "contact", "energy")}
    return evolve(tokens, audio=audio, motion=motion, layout=evolve(tokens.layout, subbeats=subbeats))


def table(rows: list[dict[str, Any]], header: bool) -> str:
    """Lines of one preset each; milliseconds are of one step."""
    lines = []
    if header:
        names = ["preset", "parameters", "batch", "precision", "samples/s", *(f"{part} ms" for part in PARTS)]
        lines.append("".join(f"{name:>13}" for name in [*names, "outside %", "peak MiB"]) + "  device")
    for row in rows:
        cells = [row["preset"], f"{row['parameters']:,}", row["batch"], row["precision"], f"{row['samples_per_s']:.1f}"]
        cells += [f"{1000 * row[f'seconds_{part}'] / row['steps']:.1f}" for part in PARTS]
        cells += [
            f"{100 * row['share_outside']:.2f}",
            f"{row['peak_memory_mib']:.0f}" if "peak_memory_mib" in row else "-",
        ]
        lines.append("".join(f"{cell:>13}" for cell in cells) + f"  {row['device']}{', compiled' * row['compile']}")
    return "\n".join(lines)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training_step",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--preset", action="append", help=f"a preset's name, or {DEFAULT}; may be given several times")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: the GPU if there is one"
    )
    parser.add_argument("--precision", choices=("auto", "float32", "bf16"), help="instead of train.precision")
    parser.add_argument("--compile", action="store_true", help="torch.compile both encoders; not counted if warmed up")
    parser.add_argument("--batch", type=count, help="windows a batch, instead of train.batch")
    parser.add_argument("--steps", type=count, default=20, help="steps to measure, at least (default %(default)s)")
    parser.add_argument("--warm", type=int, default=3, help="steps before, not counted (default %(default)s)")
    parser.add_argument("--output", type=Path, help="write the figures as JSON as well")
    return parser.parse_args(given)


if __name__ == "__main__":
    run(main)
