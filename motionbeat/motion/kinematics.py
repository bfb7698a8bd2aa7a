"""Poses2Joints: SMPL forward kinematics, without the body model that needs a registration."""

import numpy as np
from numpy.typing import NDArray

from motionbeat.motion.skeleton import PARENTS, REST_OFFSETS

_FRAMES_AT_ONCE = 1024
_NOT_ZERO = 1e-8


def forward_kinematics(poses: NDArray[np.floating], translation: NDArray[np.floating]) -> NDArray[np.float32]:
    """Joint positions of a pose sequence on the neutral rest body.

    poses: (T, 24, 3) axis-angle, radians. translation: (T, 3) m, position of the root joint (SMPL adds the root's rest
    position to it; this constant is left out, since it would only move the floor). Returns (T, 24, 3) float32, metres,
    in the axes of the input.
    """
    joints = np.empty((len(poses), 24, 3), np.float32)
    for begin in range(0, len(poses), _FRAMES_AT_ONCE):
        part = slice(begin, begin + _FRAMES_AT_ONCE)
        joints[part] = _joints(np.asarray(poses[part], np.float64), np.asarray(translation[part], np.float64))
    return joints


def _joints(poses: NDArray[np.float64], translation: NDArray[np.float64]) -> NDArray[np.float64]:
    turned = _matrices(poses.swapaxes(0, 1))  # (24, T, 3, 3); of each joint first to its parent, then to the world
    joints = np.empty((len(poses), 24, 3))
    joints[:, 0] = translation
    for joint, parent in list(enumerate(PARENTS))[1:]:
        joints[:, joint] = joints[:, parent] + turned[parent] @ REST_OFFSETS[joint]
        turned[joint] = turned[parent] @ turned[joint]
    return joints


def _matrices(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rodrigues' formula: axis-angle (..., 3) to matrices (..., 3, 3), with smplx's way of not dividing by 0."""
    angle = np.linalg.norm(vectors + _NOT_ZERO, axis=-1)[..., None, None]
    cross = np.zeros((*vectors.shape, 3))  # of the axis with a vector
    for one, two, three in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        cross[..., three, two], cross[..., two, three] = vectors[..., one], -vectors[..., one]
    cross /= angle
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def rest_joints() -> NDArray[np.float64]:
    """(24, 3) m: positions in the rest (T) pose, the root at the origin."""
    joints = np.zeros((24, 3))
    for joint, parent in enumerate(PARENTS):
        joints[joint] = REST_OFFSETS[joint] + (joints[parent] if parent >= 0 else 0)
    return joints


def velocity(series: NDArray[np.floating], fps: float) -> NDArray[np.float64]:
    """Change per second of a series (T, ...) at `fps` frames per second: central differences, one-sided at the ends.

    The unit is seconds and not frames, so that a movement has the same velocity at every frame rate. A single frame has
    velocity 0.
    """
    values = np.asarray(series, np.float64)
    return np.gradient(values, axis=0) * fps if len(values) > 1 else np.zeros_like(values)
