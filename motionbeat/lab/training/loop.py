"""The training loop: from batches to the weights of the best validation."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from attrs import asdict, frozen
from torch import Tensor

from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.augmentation import Augmentation
from motionbeat.lab.training.batches import Batch, Batches
from motionbeat.lab.training.event_log import Observe
from motionbeat.lab.training.history import History
from motionbeat.lab.training.not_finite import Unread, check_finite, repeatable
from motionbeat.lab.training.objective import TERMS, objective
from motionbeat.lab.training.ranks import Ranks
from motionbeat.lab.training.run_key import run_key
from motionbeat.lab.training.run_state import Checkpoint, check_start
from motionbeat.lab.training.schedule import set_learning_rate
from motionbeat.lab.training.stopwatch import Stopwatch
from motionbeat.model.config import ModelConfig
from motionbeat.model.device import chosen_precision, seed_of, sent
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.progress import Bar

if TYPE_CHECKING:  # else a change to the params of another stage would change the key
    from motionbeat.lab.params import Loss, Model, Params, Train

Validate = Callable[[DualEncoder], dict[str, float]]
_FIX = "Lower train.learning_rate; where sral_beat is named, raise loss.gamma"
CODE = (__name__, "motionbeat.lab.training.start_model", "motionbeat.lab.tasks.validation", "motionbeat.model.compiled")
"""Modules that decide the weights, with all that they import."""


def encoder_key(settings: "Params", data: Iterable[Path], device: torch.device, processes: int = 1) -> str:
    """The key of a run; data: the files of tokens and negatives, and of the model that it starts from."""
    training = asdict(settings.train) | {"precision": chosen_precision(settings.train.precision, device)}
    for name in ("log", "start_from"):  # how a run is watched decides nothing, and the start model is among the files
        del training[name]
    named = [asdict(settings.model), asdict(settings.loss), training, settings.tokens.window_beats]
    return run_key(CODE, named, data, device, processes)


def new_encoders(tokens: Tokens, settings: "Model") -> DualEncoder:
    """A freshly initialised model for these tokens, with their training statistics."""
    model = DualEncoder(ModelConfig.of(settings, tokens.layout))
    model.set_statistics(**tokens.statistics)
    return model


def train(
    model: DualEncoder,
    batches: Batches,
    validate: Validate,
    settings: "Train",
    loss: "Loss",
    checkpoint: Checkpoint | None = None,
    ranks: Ranks | None = None,
    *,
    watch: Stopwatch | None = None,
    observe: Observe | None = None,
) -> History:
    """Train `model` in place until the epochs end or the score stops rising; load the best weights into it.

    validate: gives named figures of which `score` decides; a model to fine-tune is validated before the first epoch
    too, and stays the best one where training makes nothing better. checkpoint: where the run is kept and, if it is
    there, resumed from. ranks: the processes that share each batch. watch: takes the time of the parts of each step.
    observe: gets each epoch's row of the history, those before a resumption too. Raises `MotionBeatError` naming step,
    clips and term when a loss or a gradient is not finite, and where processes have different checkpoints.
    """
    ranks, watch = ranks or Ranks(), watch or Stopwatch(batches.device)
    groups = model.parameter_groups(settings.weight_decay, settings.alpha_rate)
    fused = True if batches.device.type == "cuda" else None  # one kernel for all weights
    optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=fused)
    model.check_meters(min(batches.meters), max(batches.meters))
    saved = checkpoint.restore(model, optimiser) if checkpoint else None
    history = History(**saved.values, weights=saved.tensors) if saved else History()
    if settings.start_from is not None and not saved:
        history.begin(ranks.broadcast_from_main(partial(validate, model)), model)
    check_start(ranks, "epoch", len(history.rows), history.rows[-1]["loss"] if history.rows else None)
    if observe:
        for old in history.rows:
            observe(old)
    run = _Run(model, optimiser, batches, settings, loss, ranks, watch)
    with Bar("training epochs", settings.epochs, len(history.rows), ranks.is_main) as bar:
        for epoch in range(len(history.rows) + 1, settings.epochs + 1):
            if history.since_best >= settings.patience:
                break
            row = run.epoch(epoch)
            due = epoch % settings.validate_every == 0 or epoch == settings.epochs
            history.add(row, ranks.broadcast_from_main(partial(validate, model)) if due else None, model)
            if observe:
                observe(history.rows[-1])
            best = f", best score {history.best['score']:.3f}" if history.best else ""
            bar.update(epoch, f"loss {row['loss']:.3f}{best}")
            if checkpoint and ranks.is_main:
                values = {name: getattr(history, name) for name in ("rows", "best_epoch", "best", "start")}
                checkpoint.save(model, optimiser, history.weights, values)
    model.load_state_dict(history.weights)
    return history


@frozen(eq=False)
class _Run:
    """The parts of a run that every epoch uses."""

    model: DualEncoder
    optimiser: torch.optim.Optimizer
    batches: Batches
    settings: "Train"
    loss: "Loss"
    ranks: Ranks
    watch: Stopwatch

    def epoch(self, epoch: int) -> dict[str, Any]:
        """Train for an epoch, counted from 1; its row of the history."""
        settings, watch = self.settings, self.watch
        self.model.train()
        # From the epoch alone, so that a resumed run draws what the unbroken one drew.
        generator = np.random.default_rng([settings.seed, epoch])
        torch.manual_seed(seed_of(settings.seed, epoch, self.ranks.rank))
        steps = self.batches.steps(settings.batch)
        # On the device: reading a number there would wait for all work before it.
        sums = torch.zeros(len(TERMS), dtype=torch.float64, device=self.batches.device)
        negatives = self.loss.tempo_negatives, self.loss.jitter_negatives
        augmentation = Augmentation(settings.mirror, settings.band_mask, settings.beat_mask, settings.band_shift)
        drawn = self.batches.epoch(
            settings.batch,
            *negatives,
            generator,
            settings.lattice_share,
            settings.sampling,
            augmentation,
            settings.shares,
        )
        unread = Unread()
        watch.begin()
        for step, batch in enumerate(drawn, (epoch - 1) * steps):
            watch.mark("gather")
            all_steps = settings.epochs * steps
            rate = set_learning_rate(self.optimiser, settings.learning_rate, step, all_steps, settings.warmup)
            rotations = sent(generator.random(len(batch.mel)) >= settings.rotation_dropout, self.batches.device)
            terms = self.step(batch, rotations, f"epoch {epoch}, step {step + 1}", unread)
            sums += torch.stack([terms[name].detach().double() for name in TERMS])
            watch.step_done(len(batch.mel))
            watch.mark("other")
        unread.check(_FIX)
        means = dict(zip(TERMS, (sums / steps).tolist(), strict=True))
        return {"epoch": epoch} | means | {"learning_rate": rate} | self.model.alphas()

    def step(self, batch: Batch, rotations: Tensor, place: str, unread: Unread) -> dict[str, Tensor]:
        """One update of the weights; the terms of the loss before it.

        On a GPU nothing is read back: whether the loss is finite is left to `unread`.
        """
        device = self.batches.device
        on_cpu = device.type == "cpu"
        precision = chosen_precision(self.settings.precision, device)
        meters = None if on_cpu else self.batches.meters
        evaluate = partial(objective, self.model, batch, self.loss, rotations, self.ranks, precision, meters)
        again = repeatable(evaluate, device) if on_cpu else None
        self.watch.mark("other")
        terms = evaluate()
        self.watch.mark("forward")
        self.optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        self.ranks.sum_gradients(self.model)
        self.watch.mark("backward")
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        if again:
            check_finite(self.model, terms, norm, again, place, batch.clips, _FIX)
        else:
            unread.add(terms, norm, place, batch.clips)
        self.optimiser.step()
        self.watch.mark("optimiser")
        return terms
