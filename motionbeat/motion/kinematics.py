"""Poses2Joints: SMPL forward kinematics, driven through smplx without the gated body model."""

import numpy as np
from numpy.typing import NDArray

from motionbeat.motion.skeleton import PARENTS, REST_OFFSETS

_FRAMES_AT_ONCE = 4096


def forward_kinematics(poses: NDArray[np.floating], translation: NDArray[np.floating]) -> NDArray[np.float32]:
    """Joint positions of a pose sequence on the neutral rest body.

    poses: (T, 24, 3) axis-angle, radians. translation: (T, 3) m, where the root joint goes (SMPL
    adds the rest position of the root to it; that constant is left out, since only the floor that
    a clip stands on would move). Returns (T, 24, 3) float32, metres, in the axes of the input.
    """
    import torch
    from smplx.lbs import batch_rigid_transform, batch_rodrigues

    parents = torch.tensor(PARENTS)
    rest = _rest_joints()
    blocks = []
    for begin in range(0, len(poses), _FRAMES_AT_ONCE):
        block = torch.as_tensor(np.ascontiguousarray(poses[begin : begin + _FRAMES_AT_ONCE]), dtype=torch.float64)
        rotations = batch_rodrigues(block.reshape(-1, 3)).reshape(-1, 24, 3, 3)
        joints, _ = batch_rigid_transform(rotations, torch.as_tensor(rest).expand(len(block), -1, -1), parents)
        blocks.append(joints.numpy())
    joints_array = np.concatenate(blocks) if blocks else np.empty((0, 24, 3))
    return (joints_array + np.asarray(translation, float)[:, None]).astype(np.float32)


def _rest_joints() -> NDArray[np.float64]:
    """(24, 3) m: rest positions, the root at the origin."""
    joints = np.zeros((24, 3))
    for joint, parent in enumerate(PARENTS):
        joints[joint] = REST_OFFSETS[joint] + (joints[parent] if parent >= 0 else 0)
    return joints
