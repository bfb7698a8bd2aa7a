"""A step as a graph trains as a plain one does. A recorder of torch's operations stands in for the CUDA graph.

As a graph it replays operations on the tensors that they had, with the numbers that the host gave them when they were
recorded, and it refuses to read a tensor while it records.
"""

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from training_parts import CPU, K, tiny, write_negatives

from benchmarks.graphed_step import WARM, GraphedStep, Terms
from motionbeat.lab import params
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batch, Batches
from motionbeat.lab.training.objective import objective
from motionbeat.model.dual_encoder import DualEncoder

STEPS, SHORT, SIZE = 9, 6, 6
"""Steps; the one of them whose batch is smaller; windows of a batch."""


class Recorder(TorchDispatchMode):
    """The operations that run in it: the function, its arguments and the tensors of its result."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[Any, Any, Any, list[Any]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("the host reads a tensor while the graph is captured")
        result = func(*args, **(kwargs or {}))
        self.done.append((func, args, kwargs or {}, tree_flatten(result)[0]))
        return result

    def replay(self) -> None:
        with torch.no_grad():
            for func, args, kwargs, written in self.done:
                again = tree_flatten(func(*args, **kwargs))[0]
                for old, new in zip(written, again, strict=True):
                    if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                        old.copy_(new)


def recording(model: DualEncoder, step: list[GraphedStep], captures: list[int]) -> Any:
    def capture(compute: Callable[[], Terms]) -> tuple[Callable[[], Any], Terms]:
        captures.append(1)
        states = [value for state in step[0]._optimiser.state.values() for value in state.values()]
        kept = [*model.parameters(), *states]
        before, drawn = [tensor.detach().clone() for tensor in kept], torch.get_rng_state()
        with Recorder() as recorder:
            written = compute()
        with torch.no_grad():  # a capture computes nothing
            for tensor, value in zip(kept, before, strict=True):
                tensor.copy_(value)
        torch.set_rng_state(drawn)
        return recorder.replay, written

    return capture


@pytest.fixture(autouse=True)
def _as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU alone Soft-DTW reads which of its cells a path may reach."""
    module: Any = importlib.import_module("motionbeat.losses.soft_dtw")
    monkeypatch.setattr(module, "_strip", lambda skewed: ([0] * len(skewed), skewed.shape[1]))


@pytest.fixture
def parts(token_folder: Path, tmp_path: Path, settings: params.Params) -> tuple[Tokens, Batches, params.Params]:
    tokens = Tokens.load(token_folder)
    chosen = evolve(settings, model=evolve(settings.model, dropout=0.3))
    return tokens, Batches(tokens, write_negatives(tokens, chosen, tmp_path), "train", K, CPU), chosen


def trained(parts: tuple[Tokens, Batches, params.Params], graphed: bool) -> tuple[list[Tensor], list[float], int]:
    """Weights and losses after `STEPS` steps with other batches, negatives, rotations and rates, and the captures."""
    tokens, batches, settings = parts
    torch.manual_seed(0)
    model = tiny(settings, tokens).train()
    evaluate = partial(objective, model)

    def terms(batch: Batch, rotations: Tensor) -> Terms:
        return evaluate(batch, settings.loss, rotations, meters=batches.meters)

    captures: list[int] = []
    step: list[GraphedStep] = []
    groups = model.parameter_groups(0.01, 10.0)
    step.append(GraphedStep(model, groups, terms, 1.0, recording(model, step, captures)))
    generator, losses = np.random.default_rng(1), []
    for number in range(STEPS):
        if number == STEPS - 1:
            torch.manual_seed(7)  # as each epoch does
        size = SIZE - 2 if number == SHORT else SIZE
        index = generator.choice(len(batches.windows), size, replace=False)
        rotations = torch.as_tensor(generator.random(size) < 0.5)
        batch, rate = batches.gather(index, 2, 2, generator), 1e-3 * (1 + number)
        losses.append((step[0] if graphed else step[0].launched)(batch, rotations, rate)["loss"])
    return [p.detach().clone() for p in model.parameters()], [float(loss) for loss in losses], len(captures)


def test_replayed_steps_train_the_weights_of_plain_ones(parts: tuple[Tokens, Batches, params.Params]) -> None:
    plain, losses, none = trained(parts, graphed=False)
    graphed, losses_of_graph, captures = trained(parts, graphed=True)
    assert (none, captures) == (0, 1) and STEPS > SHORT > WARM
    assert losses_of_graph == pytest.approx(losses, rel=1e-5)
    assert len(set(losses)) == STEPS
    for one, other in zip(graphed, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


def test_the_recorder_bakes_in_what_the_host_gives_and_refuses_to_read(settings: params.Params) -> None:
    kept, factor = torch.ones(2), 2.0
    with Recorder() as recorder:
        made = kept * factor
    factor = 5.0
    kept.fill_(3)
    recorder.replay()
    assert made.tolist() == [6, 6]
    with pytest.raises(RuntimeError, match="reads a tensor"), Recorder():
        kept.sum().item()
