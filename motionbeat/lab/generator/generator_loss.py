"""The loss of a predicted dance: EDGE's four terms and their weights.

Axes: b batch, f frames.
"""

import torch
from torch import Tensor

from motionbeat.lab.generator.motion_vector import decode, joints
from motionbeat.motion.skeleton import FEET

WEIGHTS = {"reconstruction": 0.636, "velocity": 2.964, "joints": 0.646, "contact": 10.942}
"""EDGE, CVPR 2023."""
TERMS = ("loss", *WEIGHTS)
CERTAIN = 0.95
"""A foot with a predicted contact above this should not move."""


def dance_loss(
    predicted: Tensor,
    target: Tensor,
    offset: Tensor,
    scale: Tensor,
    weights: Tensor | None = None,
    weighted: Tensor | float = 1.0,
    orthonormal: bool = False,
) -> dict[str, Tensor]:
    """The terms, each a scalar mean of squares, and `loss`, their weighted sum.

    predicted, target: (b, f, 151), scaled to -1..1. offset, scale: (151,) that undo the scaling. reconstruction and
    velocity (difference of neighbouring frames) compare the scaled vectors; joints the positions after forward
    kinematics, in m; contact is the displacement, in m per frame, of feet whose predicted contact is certain. weights:
    (b,) of the slices, 1 by default. weighted: (151,), factors of the scaled channels after which their range is 2, as
    in EDGE, where the weights of the terms come from. orthonormal: the six numbers of predicted rotations are already
    columns of rotations; those of the target must be.
    """
    error = (predicted - target) * weighted
    predicted_dance = decode((0.5 * (predicted + 1)) * scale + offset, orthonormal)
    target_dance = decode((0.5 * (target + 1)) * scale + offset, orthonormal=True)
    placed = joints(predicted_dance.root, predicted_dance.rotations)  # (b, f, 24, 3)
    aimed = joints(target_dance.root, target_dance.rotations)
    slide = placed[:, 1:, FEET] - placed[:, :-1, FEET]  # (b, f - 1, 4, 3)
    # The contact is a gate without gradient: otherwise the easiest way to less sliding is to predict no contact.
    stands = (predicted_dance.contact[:, :-1] > CERTAIN)[..., None]
    weights = torch.ones(len(predicted), device=predicted.device) if weights is None else weights

    def squared(errors: Tensor) -> Tensor:
        return (errors.square().flatten(1).mean(dim=1) * weights).mean()

    terms = {
        "reconstruction": squared(error),
        "velocity": squared(error.diff(dim=1)),
        "joints": squared(placed - aimed),
        "contact": squared(torch.where(stands, slide, 0.0)),
    }
    total = sum((WEIGHTS[name] * term for name, term in terms.items()), torch.zeros((), device=predicted.device))
    return {"loss": total} | terms
