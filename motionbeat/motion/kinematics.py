"""Poses2Joints: SMPL forward kinematics by smplx, without the body model that needs a registration."""

import numpy as np
from numpy.typing import NDArray

from motionbeat.motion.skeleton import PARENTS, REST_OFFSETS

_FRAMES_AT_ONCE = 4096


def forward_kinematics(poses: NDArray[np.floating], translation: NDArray[np.floating]) -> NDArray[np.float32]:
    """Joint positions of a pose sequence on the neutral rest body.

    poses: (T, 24, 3) axis-angle, radians. translation: (T, 3) m, position of the root joint (SMPL adds the root's rest
    position to it; this constant is left out, since it would only move the floor). Returns (T, 24, 3) float32, metres,
    in the axes of the input.
    """
    import torch
    from smplx.lbs import batch_rigid_transform, batch_rodrigues

    parents = torch.tensor(PARENTS)
    rest = torch.as_tensor(rest_joints())
    blocks = []
    for begin in range(0, len(poses), _FRAMES_AT_ONCE):
        block = torch.as_tensor(np.array(poses[begin : begin + _FRAMES_AT_ONCE], dtype=np.float64))
        rotations = batch_rodrigues(block.reshape(-1, 3)).reshape(-1, 24, 3, 3)
        joints, _ = batch_rigid_transform(rotations, rest.expand(len(block), -1, -1), parents)
        blocks.append(joints.numpy())
    relative = np.concatenate(blocks) if blocks else np.empty((0, 24, 3))
    return (relative + np.asarray(translation, np.float64)[:, None]).astype(np.float32)


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
