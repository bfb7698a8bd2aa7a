"""Training of a generator: from slices to averaged weights."""

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from attrs import asdict
from numpy.typing import NDArray
from torch import Tensor

from motionbeat.lab.generator.dance_slices import DanceSlices
from motionbeat.lab.generator.diffusion import noised
from motionbeat.lab.generator.generator_loss import TERMS, dance_loss
from motionbeat.lab.generator.generator_model import DanceGenerator, GeneratorConfig
from motionbeat.lab.generator.motion_vector import FRAMES, WIDTH
from motionbeat.lab.training.not_finite import check_finite, repeatable
from motionbeat.lab.training.ranks import Ranks
from motionbeat.lab.training.run_key import run_key
from motionbeat.lab.training.run_state import Checkpoint, check_start
from motionbeat.lab.training.schedule import set_learning_rate
from motionbeat.model.device import autocast, chosen_precision, seed_of
from motionbeat.progress import Bar

if TYPE_CHECKING:  # otherwise a change to the params of another stage would change the key
    from motionbeat.lab.params import Dance

CODE = (__name__,)
"""Modules that determine the weights, together with their imports."""
_CHECKPOINT_EVERY = 50
_NOT_OF_TRAINING = (
    *("encoders", "guidance", "sampling_steps", "sampling_noise", "plant_feet"),
    *("length_s", "songs", "dances_per_song", "bootstrap"),
)
"""The settings of generation and scores, which do not affect the weights."""
_FIX = "Lower dance.learning_rate"


def generator_key(
    settings: "Dance", encoder: str, slices: DanceSlices, device: torch.device, processes: int = 1
) -> str:
    """The key of a run; encoder: digest of the encoder of the slices' music."""
    training = asdict(settings) | {"precision": chosen_precision(settings.precision, device)}
    training = {name: value for name, value in training.items() if name not in _NOT_OF_TRAINING}
    return run_key(CODE, [training, encoder, slices.digest()], [], device, processes)


def new_generator(settings: "Dance", encoder: str, identity: str, slices: DanceSlices) -> DanceGenerator:
    """An untrained generator of the settings' size, with the statistics of the slices, on their device.

    encoder, identity: name and digest of the encoder of the slices' music.
    """
    torch.manual_seed(settings.seed)
    width = slices.music.shape[1]
    model = DanceGenerator(
        GeneratorConfig.of(settings, encoder=encoder, encoder_identity=identity, condition_width=width)
    )
    model.set_statistics(slices.vectors.cpu(), slices.music.cpu(), (part.cpu() for part in slices.parts()))
    return model.to(slices.vectors.device)


def train(
    model: DanceGenerator,
    slices: DanceSlices,
    settings: "Dance",
    checkpoint: Checkpoint | None = None,
    ranks: Ranks | None = None,
) -> list[float]:
    """Train `model` in place, load the averaged weights into it, and return the loss of every step.

    checkpoint: where the run is saved and, if the file exists, resumed from. ranks: the processes that share each
    batch; their number only affects dropout. Raises `MotionBeatError` naming step, clips and term when a loss or a
    gradient is not finite.
    """
    ranks = ranks or Ranks()
    device = slices.vectors.device
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.99), fused=True
    )
    average = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    losses: list[float] = []
    if saved := checkpoint.restore(model, optimiser) if checkpoint else None:
        average, losses = saved.tensors, saved.values
    check_start(ranks, "step", len(losses), losses[-1] if losses else None)
    model.train()
    with Bar(f"training steps, {model.config.encoder}", settings.steps, len(losses), ranks.is_main) as bar:
        for step in range(len(losses), settings.steps):
            set_learning_rate(optimiser, settings.learning_rate, step, settings.steps, settings.warmup)
            # From the step only, so that a resumed run draws the same numbers as an uninterrupted one.
            generator = np.random.default_rng([settings.seed, step])
            torch.manual_seed(seed_of(settings.seed, step, ranks.rank))
            index = generator.integers(len(slices), size=settings.batch)
            evaluate = partial(batch_loss, model, slices, settings, index, generator, ranks)
            again = repeatable(evaluate, device)
            terms = evaluate()
            optimiser.zero_grad(set_to_none=True)
            terms["loss"].backward()
            ranks.sum_gradients(model)
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
            place = f"step {step + 1} of the dance generator"
            check_finite(model, terms, norm, again, place, slices.clips(index), _FIX)
            optimiser.step()
            _follow(average, model, settings.ema, step)
            losses.append(float(terms["loss"].detach()))
            bar.update(step + 1, f"loss {losses[-1]:.3f}")
            if checkpoint and ranks.is_main and (step + 1) % _CHECKPOINT_EVERY == 0:
                checkpoint.save(model, optimiser, average, losses)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(average[name])
    model.eval()
    return losses


def batch_loss(
    model: DanceGenerator,
    slices: DanceSlices,
    settings: "Dance",
    index: NDArray[np.integer],
    generator: np.random.Generator,
    ranks: Ranks,
) -> dict[str, Tensor]:
    """The loss terms of this process's rows, weighted by their share of the joint batch.

    index: (b,) the slices of the batch. generator: it is copied, so that a second call draws the same numbers.
    """
    generator, device = deepcopy(generator), slices.vectors.device
    b, rows = len(index), ranks.rows(len(index))
    steps = generator.integers(len(model.levels), size=b)[rows]
    shown = (generator.random(b) >= settings.condition_dropout)[rows]
    noise = generator.standard_normal((b, FRAMES, WIDTH), dtype=np.float32)[rows]
    if not len(steps):  # more processes than slices: nothing to add
        nothing = sum((weight.sum() for weight in model.parameters()), torch.zeros((), device=device)) * 0.0
        return dict.fromkeys(TERMS, nothing)
    vectors, music = slices.gather(index[rows])
    clean = model.scaled(vectors)
    step = torch.as_tensor(steps, device=device)
    level = model.levels[step].float()[:, None, None]
    x = noised(clean, level, torch.as_tensor(noise, device=device))
    with autocast(chosen_precision(settings.precision, device), device):
        predicted = model.clean(x, step, model.normalise_music(music), torch.as_tensor(shown, device=device))
    terms = dance_loss(
        predicted.float(), clean, model.offset, model.scale, model.weights(step), model.weighted, model.orthonormal
    )
    return {name: term * (len(steps) / b) for name, term in terms.items()}


@torch.no_grad()
def _follow(average: dict[str, Tensor], model: DanceGenerator, decay: float, step: int) -> None:
    """Update the exponential moving average of the weights; its memory is shorter in the first steps."""
    kept = min(decay, (1 + step) / (10 + step))
    for name, weight in model.named_parameters():
        average[name].lerp_(weight, 1 - kept)
