"""The learning rate over a run."""

import math

from torch.optim import Optimizer


def set_learning_rate(optimiser: Optimizer, highest: float, step: int, steps: int, warmup: float) -> float:
    """Set and return the rate of a step, from 0, of `steps`; see `warm_then_cosine`.

    The rate of a group of weights with a factor `rate` is multiplied by it.
    """
    rate = highest * warm_then_cosine(step, steps, warmup)
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("rate", 1.0)
    return rate


def warm_then_cosine(step: int, steps: int, warmup: float) -> float:
    """Factor of the learning rate: linear rise over the first `warmup` of the steps, then a cosine to 0."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))
