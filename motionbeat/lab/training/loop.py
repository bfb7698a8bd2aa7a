"""The training loop: batches in, the weights of the best validation out."""

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from motionbeat.errors import MotionBeatError
from motionbeat.lab.params import Loss, Train
from motionbeat.lab.training.augmentation import Augmentation
from motionbeat.lab.training.batches import Batches
from motionbeat.lab.training.checkpoint import Checkpoint
from motionbeat.lab.training.event_log import Observe
from motionbeat.lab.training.history import History
from motionbeat.lab.training.objective import TERMS, objective
from motionbeat.lab.training.ranks import ONE_CHECKPOINT, Ranks
from motionbeat.lab.training.stopwatch import Stopwatch
from motionbeat.model.device import chosen_precision
from motionbeat.model.dual_encoder import DualEncoder

Validate = Callable[[DualEncoder], dict[str, float]]

_LOG_EVERY_S = 15.0
_MOST_CLIPS = 8


def train(
    model: DualEncoder,
    batches: Batches,
    validate: Validate,
    settings: Train,
    loss: Loss,
    checkpoint: Checkpoint | None = None,
    ranks: Ranks | None = None,
    *,
    watch: Stopwatch | None = None,
    observe: Observe | None = None,
) -> History:
    """Train `model` in place until the epochs end or the score stops rising; load the best weights into it.

    validate: gives named figures of which `score` decides. checkpoint: where the run is kept and, if it is there,
    continued from. ranks: the processes that share each batch. watch: takes the time of the parts of each step.
    observe: is shown each epoch's row of the history, those of a run that goes on too. Raises `MotionBeatError` naming
    step, clips and term when a loss or a gradient is not finite, and where processes found different checkpoints.
    """
    ranks, watch = ranks or Ranks(), watch or Stopwatch(batches.device)
    precision = chosen_precision(settings.precision, batches.device)
    optimiser = torch.optim.AdamW(
        model.parameter_groups(settings.weight_decay, settings.alpha_rate), lr=settings.learning_rate
    )
    history = checkpoint.restore(model, optimiser) if checkpoint else None
    ranks.check_same(_reached(history), "where they go on", ONE_CHECKPOINT)
    if history and ranks.first:
        print(f"going on after epoch {len(history.rows)} of a run that was cut off", file=sys.stderr)
    history = history or History()
    if observe:
        for old in history.rows:
            observe(old)
    steps = batches.steps(settings.batch)
    with _Progress(settings.epochs, ranks.first) as show:
        for epoch in range(len(history.rows) + 1, settings.epochs + 1):
            if history.since_best >= settings.patience:
                break
            model.train()
            # From the epoch alone, so that a run that goes on draws what the unbroken one drew.
            generator = np.random.default_rng([settings.seed, epoch])
            torch.manual_seed(_seed(settings.seed, epoch, ranks.rank))
            # On the device: reading a number there would wait for all work before it.
            sums = torch.zeros(len(TERMS), dtype=torch.float64, device=batches.device)
            drawn = batches.epoch(
                settings.batch,
                loss.tempo_negatives,
                loss.jitter_negatives,
                generator,
                settings.lattice_share,
                settings.sampling,
                Augmentation(settings.mirror, settings.band_mask, settings.beat_mask),
            )
            watch.begin()
            for step, batch in enumerate(drawn, (epoch - 1) * steps):
                watch.mark("gather")
                rate = settings.learning_rate * _warm_then_cosine(step, settings.epochs * steps, settings.warmup)
                for group in optimiser.param_groups:
                    group["lr"] = rate * group["rate"]
                rotations = torch.as_tensor(generator.random(len(batch.mel)) >= settings.rotation_dropout)
                evaluate = partial(objective, model, batch, loss, rotations.to(batches.device), ranks, precision)
                before = random_state(batches.device)
                watch.mark("other")
                terms = evaluate()
                watch.mark("forward")
                optimiser.zero_grad(set_to_none=True)
                terms["loss"].backward()
                ranks.sum_gradients(model)
                watch.mark("backward")
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
                if not torch.isfinite(norm + terms["loss"]):
                    guilty = not_finite(terms)
                    if not guilty:
                        restore_random_state(before, batches.device)  # the same dropout again
                        guilty = gradients_not_finite(model, evaluate())
                    raise MotionBeatError(blame(guilty, epoch, step + 1, batch.clips))
                optimiser.step()
                watch.mark("optimiser")
                sums += torch.stack([terms[name].detach().double() for name in TERMS])
                watch.step_done(len(batch.mel))
                watch.mark("other")
            means = (sums / steps).tolist()
            row: dict[str, Any] = {"epoch": epoch} | dict(zip(TERMS, means, strict=True))
            row |= {"learning_rate": rate} | model.alphas()
            due = epoch % settings.validate_every == 0 or epoch == settings.epochs
            history.add(row, ranks.of_first(partial(validate, model)) if due else None, model)
            if observe:
                observe(history.rows[-1])
            show(epoch, row["loss"], history.best.get("score"))
            if checkpoint and ranks.first:
                checkpoint.save(model, optimiser, history)
    model.load_state_dict(history.weights)
    return history


def _reached(history: History | None) -> str:
    """Where a run goes on; with the loss, since checkpoints of as many epochs can be of different runs."""
    return f"after epoch {len(history.rows)} (loss {history.rows[-1]['loss']!r})" if history else "from the start"


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _warm_then_cosine(step: int, steps: int, warmup: float) -> float:
    """Factor of the learning rate: linear rise over the first `warmup` of the steps, cosine to 0 after it."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))


def random_state(device: torch.device) -> tuple[Tensor, ...]:
    """Where the random numbers of the CPU stand and, on a GPU, its own, of which dropout draws there."""
    states = (torch.get_rng_state(),)
    return (*states, torch.cuda.get_rng_state(device)) if device.type == "cuda" else states


def restore_random_state(state: tuple[Tensor, ...], device: torch.device) -> None:
    """Draw again what was drawn after `random_state`."""
    torch.set_rng_state(state[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[1], device)


def not_finite(terms: Mapping[str, Tensor]) -> list[str]:
    """Names of the terms that are not finite themselves."""
    return [name for name in TERMS[1:] if not torch.isfinite(terms[name])]


def gradients_not_finite(model: DualEncoder, terms: Mapping[str, Tensor]) -> list[str]:
    """The terms, named as gradients, whose derivative by some weight is not finite."""
    weights, guilty = list(model.parameters()), []
    for name in TERMS[1:]:
        if not terms[name].requires_grad:  # a constant, such as SRAL of detected curves
            continue
        by_weight = torch.autograd.grad(terms[name], weights, retain_graph=True, allow_unused=True)
        if any(grad is not None and not torch.isfinite(grad).all() for grad in by_weight):
            guilty.append(f"the gradient of {name}")
    return guilty


def blame(guilty: Sequence[str], epoch: int, step: int, clips: Sequence[str]) -> str:
    """Why training stopped: which terms or gradients are not finite, where, and what to do."""
    shown = ", ".join(clips[:_MOST_CLIPS]) + (f" and {len(clips) - _MOST_CLIPS} more" if clips[_MOST_CLIPS:] else "")
    return (
        f"training stopped in epoch {epoch}, step {step}: {', '.join(guilty) or 'the gradient'} is not finite; nothing "
        f"was written. The batch: {shown}. Lower train.learning_rate, or raise loss.gamma if sral_beat is to blame"
    )


class _Progress:
    """A bar with the loss on a terminal, a line now and then in a log."""

    def __init__(self, epochs: int, shown: bool) -> None:
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}  best score {task.fields[score]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not (shown and sys.stderr.isatty()),
        )
        self._task = self._bar.add_task("training", total=epochs, loss=math.nan, score="-")
        self._spoke = time.monotonic()
        self._epochs, self._shown = epochs, shown

    def __enter__(self) -> Callable[[int, float, float | None], None]:
        self._bar.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _show(self, epoch: int, loss: float, score: float | None) -> None:
        best = "-" if score is None else f"{score:.3f}"
        self._bar.update(self._task, completed=epoch, loss=loss, score=best)
        if (
            self._shown
            and self._bar.disable
            and (time.monotonic() - self._spoke > _LOG_EVERY_S or epoch == self._epochs)
        ):
            self._spoke = time.monotonic()
            print(f"epoch {epoch} of {self._epochs}: loss {loss:.3f}, best score {best}", file=sys.stderr, flush=True)
