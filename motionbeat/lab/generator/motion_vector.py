"""Poses2Vector and back: one frame of a dance as the generator's vector of 151 numbers.

4 foot contacts (0 or 1: left ankle, right ankle, left toes, right toes), 3 of the root's position in m (y up), and
24 joint rotations of 6 numbers: the first two columns of the rotation matrix, one after the other (Zhou et al., "On
the Continuity of Rotation Representations in Neural Networks", CVPR 2019). Layout: EDGE, CVPR 2023.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionbeat.motion.skeleton import FEET, PARENTS, REST_OFFSETS

FPS = 30.0
FRAMES = 150
"""Frames of a slice, the input length of the network: 5 s."""
CONTACT, ROOT, ROTATION = slice(0, 4), slice(4, 7), slice(7, 151)
WIDTH = 151
STILL_M = 0.01
"""A foot joint that moves less than this to the next frame is in contact."""
_SHORTEST_COLUMN = 1e-8


class Decoded(NamedTuple):
    """Vectors (..., 151), decoded."""

    contact: Tensor  # (..., 4)
    root: Tensor  # (..., 3) m
    rotations: Tensor  # (..., 24, 3, 3), each relative to its parent


def joint_channels(joint: int) -> slice:
    """The channels of a joint's rotation in the vector."""
    return slice(ROTATION.start + 6 * joint, ROTATION.start + 6 * joint + 6)


def encode(poses: NDArray[np.floating], root: NDArray[np.floating]) -> NDArray[np.float32]:
    """Vectors (T, 151) float32 of a dance at 30 frames per second.

    poses: (T, 24, 3) axis-angle, radians. root: (T, 3) m. Contacts come from the feet of the neutral body; the last
    frame has no next one and gets the contacts of the frame before.
    """
    import roma

    rotations = roma.rotvec_to_rotmat(torch.as_tensor(np.asarray(poses, np.float64)))  # (T, 24, 3, 3)
    places = torch.as_tensor(np.asarray(root, np.float64))
    six = rotations[..., :2].transpose(-1, -2).reshape(len(rotations), -1)  # (T, 144)
    contact = foot_contacts(joints(places, rotations).numpy())
    return torch.cat([torch.as_tensor(contact), places, six], dim=1).numpy().astype(np.float32)


def decode(vectors: Tensor, orthonormal: bool = False) -> Decoded:
    """Contacts, root and rotation matrices of vectors (..., 151), unscaled; the rotations by Gram-Schmidt.

    orthonormal: the six numbers are already columns of rotations, as from `with_rotations`, so only the third column is
    computed.
    """
    import roma

    columns = vectors[..., ROTATION].unflatten(-1, (24, 2, 3))  # (..., 24, 2, 3), one column per row
    if orthonormal:
        first, second = columns.unbind(dim=-2)
        rotations = torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)
    else:
        rotations = roma.special_gramschmidt(columns.transpose(-1, -2), epsilon=_SHORTEST_COLUMN)
    return Decoded(vectors[..., CONTACT], vectors[..., ROOT], rotations)


def with_rotations(vectors: Tensor) -> Tensor:
    """Vectors (..., 151), unscaled, with the six numbers of each joint replaced by columns of the decoded rotation."""
    six = decode(vectors).rotations[..., :2].transpose(-1, -2).flatten(-3)
    return torch.cat([vectors[..., : ROTATION.start], six], dim=-1)


def rotation_vectors(rotations: Tensor) -> Tensor:
    """(..., 3, 3) -> (..., 3) axis-angle, radians, angles in 0..pi."""
    import roma

    vectors: Tensor = roma.rotmat_to_rotvec(rotations)
    return vectors


def foot_contacts(positions: NDArray[np.floating]) -> NDArray[np.float64]:
    """(T, 4) 0 or 1: which foot joints of (T, 24, 3) m at 30 frames/s move less than 1 cm to the next frame."""
    if len(positions) < 2:
        return np.ones((len(positions), 4))
    feet = np.asarray(positions, np.float64)[:, list(FEET)]
    still = np.linalg.norm(np.diff(feet, axis=0), axis=-1) < STILL_M  # (T - 1, 4)
    return np.concatenate([still, still[-1:]]).astype(np.float64)


def joints(root: Tensor, rotations: Tensor) -> Tensor:
    """Forward kinematics on the neutral body, differentiable: (..., 3) m and (..., 24, 3, 3) -> (..., 24, 3) m."""
    return torch.stack(_chain(root, rotations)[0], dim=-2)


def placed(root: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor]:
    """Joints (..., 24, 3) m as `joints` gives them, and their world rotations (..., 24, 3, 3)."""
    places, turns = _chain(root, rotations)
    return torch.stack(places, dim=-2), torch.stack(turns, dim=-3)


def _chain(root: Tensor, rotations: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Joints of equal depth in the tree are rotated together: 9 steps instead of 23."""
    offsets = torch.as_tensor(REST_OFFSETS, dtype=root.dtype, device=root.device)
    # joints are the first axis, so that each level is copied in one piece
    local = rotations.movedim(-3, 0).contiguous().unbind()
    place: list[Tensor | None] = [root] + [None] * 23
    turn: list[Tensor | None] = [local[0]] + [None] * 23
    for level in _levels():
        parents = [PARENTS[joint] for joint in level]
        above = torch.stack([_known(turn[parent]) for parent in parents])  # (n, ..., 3, 3)
        moved = torch.stack([above[row] @ offsets[joint] for row, joint in enumerate(level)])  # (n, ..., 3)
        shifted = torch.stack([_known(place[parent]) for parent in parents]) + moved
        turned = above @ torch.stack([local[joint] for joint in level])
        for joint, here, turns in zip(level, shifted, turned, strict=True):
            place[joint], turn[joint] = here, turns
    return [_known(values) for values in place], [_known(values) for values in turn]


@cache
def _levels() -> tuple[list[int], ...]:
    """Joints by their depth in the tree, from the root's children on."""
    depth = [0] * 24
    for joint, parent in enumerate(PARENTS[1:], 1):
        depth[joint] = depth[parent] + 1
    return tuple([joint for joint in range(24) if depth[joint] == level] for level in range(1, max(depth) + 1))


def _known(values: Tensor | None) -> Tensor:
    assert values is not None  # parents come before their children
    return values
