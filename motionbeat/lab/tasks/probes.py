"""Features2Labels: probes on frozen features, a linear head or one hidden layer, by MARBLE's protocol.

Adam, batches of 64, a grid of learning rates; validation chooses epoch and learning rate, with early stopping. All
learning rates are trained together from one initialisation on the same batches, with the same result as separate
trainings. Features are standardised by the training clips. Probes run on the CPU in one thread, since they are small
and the order of sums must not depend on the machine.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from motionbeat.errors import MotionBeatError
from motionbeat.lab.labelled.labelled_set import Kind
from motionbeat.lab.params import Tasks

Features = NDArray[np.floating]
Score = Callable[[NDArray[np.float32], NDArray[Any]], float]
_AT_ONCE = 1 << 14  # rows: frames of many songs do not fit into memory as float32


class ProbeHead(nn.Module):
    """A linear map, or one hidden layer with ReLU: (n, D) -> (n, C)."""

    def __init__(self, name: str, width: int, classes: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, hidden) if name == "mlp" else None
        self.last = nn.Linear(hidden if name == "mlp" else width, classes)

    def forward(self, features: torch.Tensor, kept: torch.Tensor | None = None) -> torch.Tensor:
        """kept: (n, hidden) the dropout mask, already divided by the share of ones."""
        if self.hidden is None:
            return self.last(features)
        states = functional.relu(self.hidden(features))
        return self.last(states if kept is None else states * kept)


@frozen(eq=False)
class Probe:
    """A trained head with the statistics of its training features, and its learning rate, epoch and validation
    score.
    """

    head: ProbeHead
    mean: torch.Tensor
    std: torch.Tensor
    name: str
    learning_rate: float
    epoch: int
    score: float  # on validation, greater is better
    loss: float  # on validation

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """Outputs (n, C) for features (n, D): logits of classes or tags, or regressed values."""
        return _outputs([self.head], features, self.mean, self.std)[0].numpy()


@contextmanager
def _reproducible() -> Iterator[None]:
    """Use one thread, and restore the global random state afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)


@_reproducible()
def fit(
    name: str,
    kind: Kind,
    classes: int,
    train: tuple[Features, NDArray[Any]],
    val: tuple[Features, NDArray[Any]],
    options: Tasks,
    score: Score | None = None,
    batch: int | None = None,
) -> Probe:
    """Train the head `name` (linear or mlp); return the one that is best on `val`.

    train, val: features (n, D) and targets (n,) int64 for kind classes, otherwise (n, C): 0..1 for tags and beats,
    values of unit scale for regression. score: a function of outputs and targets, greater is better; the loss decides
    ties, or everything without a score. batch: rows per batch, by default `options.batch`.

    A learning rate that diverges (outputs or loss not finite) is stopped; its earlier epochs count. Raises
    `MotionBeatError` if none completes an epoch.
    """
    batch = batch or options.batch
    mean, std = _statistics(train[0])
    targets, val_targets = (torch.as_tensor(each[1]) for each in (train, val))
    generator = torch.Generator().manual_seed(options.seed)
    heads = []
    for _ in options.learning_rates:
        torch.manual_seed(options.seed)
        heads.append(ProbeHead(name, train[0].shape[1], classes, options.hidden))
    optimiser = torch.optim.Adam(
        [{"params": head.parameters(), "lr": lr} for head, lr in zip(heads, options.learning_rates, strict=True)]
    )
    gathered = _Gathered(train[0], mean, std, batch)
    best: list[Probe | None] = [None] * len(heads)
    diverged: set[int] = set()
    for epoch in range(1, options.epochs + 1):
        running = [
            place
            for place, kept in enumerate(best)
            if place not in diverged and (kept is None or epoch - kept.epoch <= options.patience)
        ]
        if not running:
            break
        for rows in torch.randperm(len(targets), generator=generator).split(batch):
            inputs = gathered(rows)
            kept = None
            if name == "mlp":
                share = torch.rand(len(rows), options.hidden, generator=generator) >= options.dropout
                kept = share / max(1 - options.dropout, 1e-6)
            optimiser.zero_grad(set_to_none=True)
            # the heads share no weight: the gradient of the sum is that of each head
            torch.stack([_loss(kind, heads[i](inputs, kept), targets[rows]) for i in running]).sum().backward()
            optimiser.step()
        answers = _outputs([heads[place] for place in running], val[0], mean, std)
        for place, outputs in zip(running, answers, strict=True):
            loss = float(_loss(kind, outputs, val_targets))
            if not (np.isfinite(loss) and torch.isfinite(outputs).all()):
                diverged.add(place)
                continue
            value = -loss if score is None else score(outputs.numpy(), val[1])
            previous = best[place]
            if previous is None or (value, -loss) > (previous.score, -previous.loss):
                rate = options.learning_rates[place]
                best[place] = Probe(deepcopy(heads[place]), mean, std, name, rate, epoch, value, loss)
    trained = [probe for probe in best if probe is not None]
    if not trained:
        raise MotionBeatError(
            f"the {name} probe gives NaN or infinity after one epoch with each of tasks.learning_rates = "
            f"{options.learning_rates}: lower them"
        )
    return max(trained, key=lambda probe: (probe.score, -probe.loss))


def _loss(kind: Kind, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    if kind == "classes":
        return functional.cross_entropy(outputs, targets)
    if kind == "regression":
        return functional.mse_loss(outputs, targets.to(outputs.dtype))
    return functional.binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype))


@torch.no_grad()
def _outputs(heads: list[ProbeHead], features: Features, mean: torch.Tensor, std: torch.Tensor) -> list[torch.Tensor]:
    pieces = []
    for begin in range(0, len(features), _AT_ONCE):
        inputs = _standardised(features[begin : begin + _AT_ONCE], mean, std)
        pieces.append([head(inputs) for head in heads])
    return [torch.cat(of_head) for of_head in zip(*pieces, strict=True)]


class _Gathered:
    """Rows of a training set, standardised, always in the same memory: new memory pages cost more than the
    arithmetic.
    """

    def __init__(self, features: Features, mean: torch.Tensor, std: torch.Tensor, batch: int) -> None:
        self._features, self._mean, self._std = features, mean, std
        rows = min(batch, len(features))
        self._taken = np.empty((rows, features.shape[1]), features.dtype)
        self._inputs = torch.empty((rows, features.shape[1]))

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        taken, inputs = self._taken[: len(rows)], self._inputs[: len(rows)]
        np.take(self._features, rows.numpy(), axis=0, out=taken, mode="clip")  # the other modes make a copy first
        return inputs.copy_(torch.as_tensor(taken)).sub_(self._mean).div_(self._std)


def _standardised(features: Features, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    return (torch.as_tensor(np.ascontiguousarray(features)).float() - mean) / std


def _statistics(features: Features) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation (D,) of the training rows; a constant feature is not scaled."""
    total, squares = np.zeros((2, features.shape[1]))
    middle = np.asarray(features[0], np.float64)  # keeps the sum of squares exact if the mean is far from 0
    for begin in range(0, len(features), _AT_ONCE):
        piece = np.asarray(features[begin : begin + _AT_ONCE], np.float64) - middle
        total += piece.sum(axis=0)
        squares += (piece**2).sum(axis=0)
    mean = total / len(features)
    deviation = np.sqrt(np.maximum(squares / len(features) - mean**2, 0))
    deviation[deviation < 1e-6 * np.maximum(np.abs(middle + mean), 1)] = 1.0
    return torch.as_tensor(middle + mean).float(), torch.as_tensor(deviation).float()
