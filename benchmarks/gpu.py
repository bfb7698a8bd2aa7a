"""What a GPU gives: python -m benchmarks.gpu, in less than three minutes on one card.

1. Losses and gradients of a training step on the GPU beside those on the CPU, and Soft-DTW's kernel beside the plain
   programme; the command fails where they part by more than `AGREES`.
2. Soft-DTW, forward and backward, by size: the kernel and the plain programme.
3. Samples a second of the presets, with plain and with compiled encoders, the parts of a step, and the number of
   operations that a step launches.
4. A whole step captured as a CUDA graph (`benchmarks.graphed_step`): what launching costs. It fails where a few steps
   of it train otherwise than launched ones.

Tokens are random, of the sizes that the tokens stage makes, so that it runs from a bare checkout.
--device cpu runs the same in a small form, without what needs a GPU.
"""

import argparse
import importlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import evolve
from torch.profiler import ProfilerActivity, profile

from benchmarks.graphed_step import WARM, GraphedStep
from benchmarks.random_tokens import random_tokens
from benchmarks.training_step import DEFAULT, measure, table, with_preset
from motionbeat.errors import MotionBeatError, run
from motionbeat.files import write_json
from motionbeat.lab.params import Fraction, Params
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batch, Batches
from motionbeat.lab.training.loop import new_encoders
from motionbeat.lab.training.objective import TERMS, objective
from motionbeat.losses import soft_dtw
from motionbeat.model.device import best_device, make_deterministic
from motionbeat.model.dual_encoder import DualEncoder

AGREES = 1e-4
"""Largest difference of a gradient between CPU and GPU, of the largest gradient; sums are taken in another order."""
GRAPH_AGREES = 1e-2
"""Largest difference of a loss in bf16 between launched and replayed steps, of the loss."""
_STEPS_COMPARED = 12
SIZES = ((64, 16), (512, 64), (512, 256))  # pairs, length
CLIPS = 1024


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: the GPU if there is")
    parser.add_argument("--preset", action="append", help="default and paper-size; may be given several times")
    parser.add_argument("--clips", type=int, default=CLIPS, help="random clips of an epoch (default %(default)s)")
    parser.add_argument("--output", type=Path, help="write the figures as JSON as well")
    arguments = parser.parse_args(given)
    device = best_device() if arguments.device == "auto" else torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise MotionBeatError("--device cuda, and torch sees no GPU here: leave --device out")
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), device, arguments.preset or [DEFAULT, "paper-size"], arguments.clips)
    if arguments.output:
        write_json(arguments.output, found)


def measured(folder: Path, device: torch.device, presets: Sequence[str], clips: int) -> dict[str, Any]:
    """All figures, printed as they come."""
    on_gpu = device.type == "cuda"
    print(torch.cuda.get_device_name(device) if on_gpu else f"CPU, {torch.get_num_threads()} threads", flush=True)
    settings = with_preset(presets[0], "float32", None)
    tokens = random_tokens(folder, settings, clips)
    found: dict[str, Any] = {"agreement": agreement(settings, tokens, folder, device)}
    print(f"largest difference from the CPU in double precision: {found['agreement']}", flush=True)
    found["soft_dtw"] = list(soft_dtw_times(device, SIZES if on_gpu else SIZES[:1]))
    for row in found["soft_dtw"]:
        print("Soft-DTW " + ", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    found["operations"] = operations(settings, tokens, folder, device)
    print(f"operations of a step: {found['operations']}", flush=True)
    found["training"] = []
    for name in presets:
        for compiled in (False, True) if on_gpu else (False,):
            steps = 100 if on_gpu else 1
            chosen = with_preset(name, None, None)
            row = measure(chosen, tokens, folder, device, steps, steps // 5, compiled)
            found["training"].append({"preset": name, **row})
            print(table(found["training"][-1:], header=len(found["training"]) == 1), flush=True)
        if on_gpu:
            found[f"graph {name}"] = graphed(with_preset(name, None, None), tokens, folder, device)
            print(f"{name}, a step: {found[f'graph {name}']}", flush=True)
    return found


def agreement(settings: Params, tokens: Tokens, negatives: Path, device: torch.device) -> dict[str, float]:
    """Largest difference of a loss and of a gradient (of the largest) in a step without dropout, in double precision.

    On the CPU with values checked and masked parts left out; on `device` as training does it there. Raises
    `MotionBeatError` where they differ by more than `AGREES`.
    """
    model = new_encoders(tokens, evolve(settings.model, dropout=Fraction(0.0))).double()
    results: list[tuple[torch.Tensor, torch.Tensor]] = []
    for where in (torch.device("cpu"), device):
        batches = Batches(tokens, negatives, "train", settings.tokens.window_beats, where)
        index = np.arange(0, len(batches.windows), max(1, len(batches.windows) // 16))
        model.to(where).zero_grad()
        meters = batches.meters if results else None
        terms = objective(model, batches.gather(index, 2, 2), settings.loss, meters=meters)
        terms["loss"].backward()
        gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        results.append((torch.stack([terms[name].detach().double() for name in TERMS]).cpu(), gradient.cpu()))
    (losses, gradient), (losses_there, gradient_there) = results
    found = {
        "loss": float((losses - losses_there).abs().max()),
        "gradient": float((gradient - gradient_there).abs().max() / gradient.abs().max()),
    }
    if not max(found.values()) <= AGREES:
        raise MotionBeatError(f"{device} and the CPU differ: {found}; at most {AGREES:g} is rounding. Please report it")
    return found


def soft_dtw_times(device: torch.device, sizes: Sequence[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    """Milliseconds of forward and backward, plain and with the kernel, and their largest difference."""
    module: Any = importlib.import_module("motionbeat.losses.soft_dtw")
    for pairs, length in sizes:
        x, y = torch.rand(2, pairs, length, 1, device=device).unbind()
        x.requires_grad_()

        def both_ways(x: torch.Tensor = x, y: torch.Tensor = y) -> torch.Tensor:
            (gradient,) = torch.autograd.grad(soft_dtw(x, y, 0.1).sum(), x)
            return gradient

        row: dict[str, Any] = {"pairs": pairs, "length": length}
        chosen, has_kernel = module._compiled, module._compiled(x, None) is not None
        gradients = []
        try:
            for name in ("plain", "kernel") if has_kernel else ("plain",):
                module._compiled = (lambda *_: None) if name == "plain" else chosen
                gradients.append(both_ways())
                row[f"{name}_ms"] = round(milliseconds(both_ways, device, 3 if name == "plain" else 50), 3)
        finally:
            module._compiled = chosen
        if has_kernel:
            row["difference"] = float((gradients[0] - gradients[1]).abs().max())
            if not row["difference"] <= 1e-5:
                raise MotionBeatError(f"the Soft-DTW kernel and the plain programme differ: {row}. Please report it")
        yield row


def operations(settings: Params, tokens: Tokens, negatives: Path, device: torch.device) -> dict[str, int]:
    """How many operations the host starts in the forward and backward pass of a step, by the profiler."""
    batches = Batches(tokens, negatives, "train", settings.tokens.window_beats, device)
    batch = batches.gather(np.arange(min(64, len(batches.windows))), 2, 2)
    model = new_encoders(tokens, settings.model).to(device)
    counts = {}
    for name, meters in (("values checked", None), ("nothing read back", batches.meters)):
        objective(model, batch, settings.loss, meters=meters)["loss"].backward()
        with profile(activities=[ProfilerActivity.CPU]) as watched:
            objective(model, batch, settings.loss, meters=meters)["loss"].backward()
        counts[name] = sum(event.count for event in watched.key_averages() if event.key.startswith("aten::"))
    return counts


def graphed(settings: Params, tokens: Tokens, negatives: Path, device: torch.device) -> dict[str, float]:
    """Milliseconds of a training step as it is launched and as it is replayed, and how far their losses part.

    Both train the same model, without dropout, on the same batches at the same changing rates. Raises
    `MotionBeatError` where a loss of one is not that of the other to `GRAPH_AGREES` of its size.
    """
    make_deterministic(0)
    batches = Batches(tokens, negatives, "train", settings.tokens.window_beats, device)
    size = min(int(settings.train.batch), len(batches.windows))
    model = new_encoders(tokens, evolve(settings.model, dropout=Fraction(0.0))).to(device)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    losses, times = [], []
    for replayed in (False, True):
        model.load_state_dict(start)
        generator = np.random.default_rng(0)
        terms = partial(_terms, model, settings, batches.meters)
        groups = model.parameter_groups(settings.train.weight_decay, settings.train.alpha_rate)
        step = GraphedStep(model, groups, terms, settings.train.clip_norm, warm=WARM if replayed else _STEPS_COMPARED)
        of_steps = []
        for number in range(_STEPS_COMPARED):
            batch = batches.gather(generator.choice(len(batches.windows), size, replace=False), 2, 2, generator)
            rotations = torch.as_tensor(generator.random(size) < 0.7, device=device)
            of_steps.append(step(batch, rotations, 1e-4 * (1 + number % 3))["loss"])
        losses.append(torch.stack(of_steps).double().cpu())
        again = partial(step, batch, rotations, 1e-4) if replayed else partial(step.launched, batch, rotations, 1e-4)
        times.append(milliseconds(again, device, 20))
    found = {"launched_ms": times[0], "graph_ms": times[1]}
    found["difference"] = float(((losses[0] - losses[1]).abs() / losses[0].abs()).max())
    if not found["difference"] <= GRAPH_AGREES:
        raise MotionBeatError(f"a replayed step trains otherwise than a launched one: {found}. Please report it")
    return found


def _terms(
    model: DualEncoder, settings: Params, meters: tuple[int, ...], batch: Batch, rotations: torch.Tensor
) -> dict[str, torch.Tensor]:
    return objective(model, batch, settings.loss, rotations, precision="bf16", meters=meters)


def milliseconds(compute: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """Mean of so many runs after one that does not count."""

    def waited() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    compute()
    begin = waited()
    for _ in range(repeats):
        compute()
    return 1000 * (waited() - begin) / repeats


if __name__ == "__main__":
    run(main)
