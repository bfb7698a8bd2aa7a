"""Kinetic features: the energy of each joint, horizontal and vertical, and its acceleration.

Onuma, Faloutsos & Hodgins, "FMDistance: A Fast and Effective Distance Function for Motion Capture Data",
Eurographics 2008, as the evaluation of AIST++ (Li et al., ICCV 2021) computes them at 60 frames per second.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import correlate1d

from motionbeat.dance.joints import at_rate

FPS = 60.0
_WINDOW = 2  # frames before and after
_LEAST_FRAMES = 4  # the window of the last frame needs at least one acceleration


def kinetic_features(joints: ArrayLike, fps: float = FPS, reference_bug: bool = True) -> NDArray[np.float64]:
    """72 kinetic features of one sequence: horizontal energy, vertical energy and expenditure of each of the 24 joints.

    joints: (T, 24, 3) m, y up, at `fps` frames per second (resampled to 60). Returns (72,), joint after joint: mean of
    v_x^2 + v_z^2 and of v_y^2 (m^2/s^2), and the mean length of the acceleration (m/s^2), from the second frame to the
    last. Velocity and acceleration of a frame are means over the five frames around it, fewer at the ends.

    With `reference_bug` the expenditure is what the field's reference code computes, whose misplaced brackets divide
    only one of two positions by the frame's length. That value is about 3,540 times the mean distance of the joint from
    the origin, says little about the movement and depends on where the dancer stands, but published tables use it.
    Otherwise expenditure is the acceleration. Raises `MotionBeatError` for joints that cannot be used or have fewer
    than 4 frames.
    """
    positions = at_rate("kinetic_features", joints, fps, FPS, _LEAST_FRAMES)
    step = np.diff(positions, axis=0)  # (T - 1, 24, 3): step[i] leads to frame i + 1
    velocity = _windowed(step * FPS)
    before = positions[1:-1] - positions[:-2] * FPS if reference_bug else step[:-1] * FPS
    acceleration = (step[1:] * FPS - before) * FPS  # (T - 2, 24, 3): of frames 1 .. T - 2
    padding = np.zeros_like(step[:1])
    driven = _windowed(np.concatenate([acceleration, padding]), known=len(acceleration))  # of frames 1 .. T - 1
    horizontal = (velocity[..., [0, 2]] ** 2).sum(axis=-1).mean(axis=0)
    vertical = (velocity[..., 1] ** 2).mean(axis=0)
    expenditure = np.linalg.norm(driven, axis=-1).mean(axis=0)
    return np.stack([horizontal, vertical, expenditure], axis=1).ravel()  # (24, 3) -> (72,)


def _windowed(values: NDArray[np.float64], known: int | None = None) -> NDArray[np.float64]:
    """Mean of (T, ...) over the window around each frame; only the first `known` frames count."""
    exists = (np.arange(len(values)) < (len(values) if known is None else known)).astype(np.float64)
    ones = np.ones(2 * _WINDOW + 1)
    sums = correlate1d(values, ones, axis=0, mode="constant")
    counts = correlate1d(exists, ones, mode="constant")
    return np.asarray(sums / counts.reshape(-1, *[1] * (values.ndim - 1)))
