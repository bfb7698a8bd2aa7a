"""The training loop: batches in, the weights of the best validation out."""

import csv
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import define, field
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.params import Loss, Train
from motionbeat.training.batches import Batches
from motionbeat.training.objective import TERMS, objective

Validate = Callable[[DualEncoder], dict[str, float]]

ACCURACIES = ("jitter_accuracy", "tempo_accuracy")
"""Columns that are there even when no validation pair exists, so that plots find them."""
_LOG_EVERY_S = 15.0


@define
class History:
    """One row of figures an epoch, and the weights of the best one."""

    rows: list[dict[str, Any]] = field(factory=list)
    best_epoch: int = 0
    best: dict[str, float] = field(factory=dict)
    weights: dict[str, Tensor] = field(factory=dict)

    def write(self, path: Path) -> None:
        """Write the rows as CSV; what was not measured in an epoch, or never could be, is left empty."""
        names = list(dict.fromkeys([*(name for row in self.rows for name in row), *ACCURACIES]))
        with whole_file(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(
                {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in self.rows
            )


def train(model: DualEncoder, batches: Batches, validate: Validate, settings: Train, loss: Loss) -> History:
    """Train `model` in place until the epochs end or the score stops rising; load the best weights into it.

    validate: gives named figures of which `score` decides. Raises `MotionBeatError` when a loss
    or a gradient is not finite.
    """
    optimiser = torch.optim.AdamW(model.parameter_groups(settings.weight_decay), lr=settings.learning_rate)
    steps = settings.epochs * batches.steps(settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: _warm_then_cosine(step, steps, settings.warmup)
    )
    generator = np.random.default_rng([settings.seed, 1])
    history, since_best = History(), 0
    with _Progress(settings.epochs) as show:
        for epoch in range(1, settings.epochs + 1):
            model.train()
            sums = dict.fromkeys(TERMS, 0.0)
            count = 0
            for batch in batches.epoch(settings.batch, loss.tempo_negatives, loss.jitter_negatives, generator):
                shown = generator.random(len(batch.mel)) >= settings.rotation_dropout
                terms = objective(model, batch, loss, torch.as_tensor(shown, device=batches.device))
                optimiser.zero_grad(set_to_none=True)
                terms["loss"].backward()
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
                _refuse_not_finite(terms, norm, epoch)
                optimiser.step()
                schedule.step()
                for name in TERMS:
                    sums[name] += float(terms[name].detach())
                count += 1
            row: dict[str, Any] = {"epoch": epoch} | {name: sums[name] / count for name in TERMS}
            row |= {"learning_rate": schedule.get_last_lr()[0]} | model.alphas()
            if epoch % settings.validate_every == 0 or epoch == settings.epochs:
                figures = validate(model)
                row |= figures
                since_best += 1
                if not history.best or figures["score"] > history.best["score"]:
                    history.best_epoch, history.best, since_best = epoch, figures, 0
                    history.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
            history.rows.append(row)
            show(epoch, row["loss"], history.best.get("score"))
            if since_best >= settings.patience:
                break
    model.load_state_dict(history.weights)
    return history


def _warm_then_cosine(step: int, steps: int, warmup: float) -> float:
    """Factor of the learning rate: linear rise over the first `warmup` of the steps, cosine to 0 after it."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))


def _refuse_not_finite(terms: dict[str, Tensor], norm: Tensor, epoch: int) -> None:
    if torch.isfinite(norm) and torch.isfinite(terms["loss"]):
        return
    blame = [name for name in TERMS[1:] if not torch.isfinite(terms[name])] or ["the gradient"]
    raise MotionBeatError(
        f"training stopped in epoch {epoch}: {', '.join(blame)} is not finite; nothing was written. "
        "Lower train.learning_rate, or raise loss.gamma if sral_beat is to blame"
    )


class _Progress:
    """A bar with the loss on a terminal, a line now and then in a log."""

    def __init__(self, epochs: int) -> None:
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}  best score {task.fields[score]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("training", total=epochs, loss=math.nan, score="-")
        self._spoke = time.monotonic()
        self._epochs = epochs

    def __enter__(self) -> Callable[[int, float, float | None], None]:
        self._bar.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _show(self, epoch: int, loss: float, score: float | None) -> None:
        best = "-" if score is None else f"{score:.3f}"
        self._bar.update(self._task, completed=epoch, loss=loss, score=best)
        if self._bar.disable and (time.monotonic() - self._spoke > _LOG_EVERY_S or epoch == self._epochs):
            self._spoke = time.monotonic()
            print(f"epoch {epoch} of {self._epochs}: loss {loss:.3f}, best score {best}", file=sys.stderr, flush=True)
