"""Limbs: two-link inverse kinematics, and minimum-jerk paths."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_FOLDED_M = 0.02
_STRETCHED = 0.9995


def minimum_jerk(progress: Array) -> Array:
    """The smoothest path from 0 to 1 that starts and ends at rest: s^3 (10 - 15 s + 6 s^2), Flash & Hogan 1985."""
    s = np.clip(progress, 0, 1)
    return s**3 * (10 - 15 * s + 6 * s**2)


def unit(vectors: Array) -> Array:
    """Scale the vectors of the last axis to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def bent(reach: Array, pole: Array, first: float, second: float) -> tuple[Array, Array, Array]:
    """Directions of two links that end at `reach` from their start and bend towards `pole`, and their hinge axis.

    reach, pole: (T, 3). first, second: lengths of the links. Returns unit vectors (T, 3) each. If `reach` is too far,
    the links are stretched towards it.
    """
    distance = np.clip(np.linalg.norm(reach, axis=-1), abs(first - second) + _FOLDED_M, _STRETCHED * (first + second))
    ahead = unit(reach)
    aside = unit(pole - np.sum(pole * ahead, axis=-1, keepdims=True) * ahead)
    cosine = (first**2 + distance**2 - second**2) / (2 * first * distance)
    bend = ahead * (cosine * first)[:, None] + aside * (np.sqrt(1 - cosine**2) * first)[:, None]
    onward = unit(ahead * distance[:, None] - bend)
    return unit(bend), onward, np.cross(ahead, aside)


def link_frame(direction: Array, hinge: Array) -> Array:
    """(..., 3, 3): axes of a link along `direction` that turns about `hinge`, unit vectors (..., 3) at right angles."""
    return np.stack([direction, hinge, np.cross(direction, hinge)], axis=-1)
