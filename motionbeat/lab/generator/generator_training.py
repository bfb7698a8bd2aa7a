"""Training of a generator: slices in, the averaged weights out."""

import math
import sys
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator.dance_slices import Slices
from motionbeat.lab.generator.diffusion import noised
from motionbeat.lab.generator.generator_checkpoint import Checkpoint
from motionbeat.lab.generator.generator_loss import TERMS, dance_loss
from motionbeat.lab.generator.generator_model import DanceGenerator, GeneratorConfig
from motionbeat.lab.params import Dance
from motionbeat.lab.training.ranks import ONE_CHECKPOINT, Ranks
from motionbeat.model.device import autocast, chosen_precision
from motionbeat.progress import counted

_CHECKPOINT_EVERY = 50
_MOST_CLIPS = 8


def new_generator(settings: Dance, encoder: str, identity: str, slices: Slices) -> DanceGenerator:
    """An untrained generator of the settings' size, with the statistics of the slices, on their device.

    encoder, identity: name and digest of the encoder whose music the slices hold.
    """
    torch.manual_seed(settings.seed)
    sizes = {name: getattr(settings, name) for name in ("width", "layers", "heads", "feedforward", "patch")}
    config = GeneratorConfig(
        encoder=encoder,
        encoder_identity=identity,
        condition_width=slices.music.shape[1],
        condition_layers=settings.condition_layers,
        aligned=settings.aligned,
        preconditioned=settings.preconditioned,
        dropout=settings.dropout,
        **sizes,
    )
    model = DanceGenerator(config)
    model.set_statistics(slices.vectors.cpu(), slices.music.cpu(), (part.cpu() for part in slices.parts()))
    return model.to(slices.vectors.device)


def train(
    model: DanceGenerator,
    slices: Slices,
    settings: Dance,
    checkpoint: Checkpoint | None = None,
    ranks: Ranks | None = None,
) -> list[float]:
    """Train `model` in place, load the averaged weights into it, and give the loss of every step.

    checkpoint: where the run is kept and, if it is there, continued from. ranks: the processes that share each batch;
    dropout aside, any number of them trains the same model. Raises `MotionBeatError` naming step, clips and term when
    a loss or a gradient is not finite.
    """
    ranks = ranks or Ranks()
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.99), fused=True
    )
    average = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    losses = checkpoint.restore(model, average, optimiser) if checkpoint else []
    reached = f"after step {len(losses)} (loss {losses[-1]!r})" if losses else "from the start"
    ranks.check_same(reached, "where they go on", ONE_CHECKPOINT)
    if losses and ranks.first:
        print(f"going on after step {len(losses)} of a run that was cut off", file=sys.stderr)
    model.train()
    left = range(len(losses), settings.steps)
    for step in counted(left, len(left), f"training steps, {model.config.encoder}") if ranks.first else left:
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _warm_then_cosine(step, settings.steps, settings.warmup)
        # From the step alone, so that a run that goes on draws what the unbroken one drew.
        generator = np.random.default_rng([settings.seed, step])
        torch.manual_seed(int(np.random.SeedSequence([settings.seed, step, ranks.rank]).generate_state(1)[0]))
        index = generator.integers(len(slices), size=settings.batch)
        terms = _terms(model, slices, settings, index, generator, ranks)
        optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        ranks.sum_gradients(model)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        if not (torch.isfinite(norm) and torch.isfinite(terms["loss"])):
            raise MotionBeatError(blame(terms, step + 1, slices.clips(index)))
        optimiser.step()
        _follow(average, model, settings.ema, step)
        losses.append(float(terms["loss"].detach()))
        if checkpoint and ranks.first and (step + 1) % _CHECKPOINT_EVERY == 0:
            checkpoint.save(model, average, optimiser, losses)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(average[name])
    model.eval()
    return losses


def _terms(
    model: DanceGenerator,
    slices: Slices,
    settings: Dance,
    index: np.ndarray,
    generator: np.random.Generator,
    ranks: Ranks,
) -> dict[str, Tensor]:
    """The loss of this process's rows of the joint batch, by their part of it."""
    device = slices.vectors.device
    rows = ranks.rows(len(index))
    steps = generator.integers(len(model.levels), size=len(index))[rows]
    shown = (generator.random(len(index)) >= settings.condition_dropout)[rows]
    shape = (len(index), *slices.gather(index[:1])[0].shape[1:])
    noise = generator.standard_normal(shape, dtype=np.float32)[rows]
    own = index[rows]
    if not len(own):  # more processes than slices: nothing to add
        nothing = sum((weight.sum() for weight in model.parameters()), torch.zeros((), device=device)) * 0.0
        return dict.fromkeys(TERMS, nothing)
    vectors, music = slices.gather(own)
    clean = model.scaled(vectors)
    step = torch.as_tensor(steps, device=device)
    level = model.levels[step].float()[:, None, None]
    x = noised(clean, level, torch.as_tensor(noise, device=device))
    with autocast(chosen_precision(settings.precision, device), device):
        predicted = model.clean(x, step, model.normalise_music(music), torch.as_tensor(shown, device=device))
    terms = dance_loss(
        predicted.float(), clean, model.offset, model.scale, model.weights(step), model.weighted, model.orthonormal
    )
    return {name: term * (len(own) / len(index)) for name, term in terms.items()}


@torch.no_grad()
def _follow(average: dict[str, Tensor], model: DanceGenerator, decay: float, step: int) -> None:
    """Exponential moving average of the weights; early steps, when there is little to average, weigh less."""
    kept = min(decay, (1 + step) / (10 + step))
    for name, weight in model.named_parameters():
        average[name].lerp_(weight, 1 - kept)


def _warm_then_cosine(step: int, steps: int, warmup: float) -> float:
    """Factor of the learning rate: linear rise over the first `warmup` of the steps, cosine to 0 after it."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def blame(terms: dict[str, Tensor], step: int, clips: Sequence[str]) -> str:
    """Why training stopped: which term is not finite, where, and what to do."""
    guilty = [name for name in TERMS[1:] if not torch.isfinite(terms[name])]
    shown = ", ".join(clips[:_MOST_CLIPS]) + (f" and {len(clips) - _MOST_CLIPS} more" if clips[_MOST_CLIPS:] else "")
    return (
        f"training of the dance generator stopped in step {step}: {', '.join(guilty) or 'the gradient'} is not finite; "
        f"nothing was written. The batch: {shown}. Lower dance.learning_rate"
    )
