"""The blocks of the motion features, and their mirror image. It needs only numpy, since training imports it."""

import numpy as np
from numpy.typing import NDArray

from motionbeat.motion.skeleton import MIRRORED

FEATURE_BLOCKS = {
    "positions": 72,  # m, 24 joints relative to the root, in the heading frame (the root itself is 0)
    "velocities": 72,  # m/s, velocities of these positions
    "root_velocity": 3,  # m/s, in the heading frame: to the left, up, forwards
    "yaw_rate": 1,  # rad/s, positive to the left
    "contacts": 4,  # 0 or 1: left ankle, right ankle, left toes, right toes
    "events": 72,  # of 24 joints: speed (m/s), acceleration and deceleration (m/s^2), see `joint_events`
    "rotations": 144,  # of 24 joints: the first two columns of the rotation matrix; the root's without yaw
}
"""Width of each block of the features, in order."""


def feature_slices(has_rotations: bool, has_events: bool = False) -> dict[str, slice]:
    """The slice of each block of the features; blocks that are not requested are left out."""
    left_out = {name for name, wanted in (("rotations", has_rotations), ("events", has_events)) if not wanted}
    slices, begin = {}, 0
    for name, width in FEATURE_BLOCKS.items():
        if name not in left_out:
            slices[name] = slice(begin, begin + width)
            begin += width
    return slices


def mirrored_features(has_rotations: bool, has_events: bool = False) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """How to compute the features of a mirrored dance (left and right exchanged) from the features of the dance.

    Returns (F,) order and (F,) sign: features of the mirrored dance = features[..., order] * sign. The same is true for
    means over time.
    """
    joint, xyz = 3 * np.array(MIRRORED)[:, None], np.arange(3)
    blocks = {
        "positions": ((joint + xyz).ravel(), np.tile([-1, 1, 1], 24)),
        "velocities": ((joint + xyz).ravel(), np.tile([-1, 1, 1], 24)),
        "root_velocity": (np.arange(3), np.array([-1, 1, 1])),
        "yaw_rate": (np.arange(1), np.array([-1])),
        "contacts": (np.array([1, 0, 3, 2]), np.ones(4)),
        "events": (np.concatenate([np.array(MIRRORED) + 24 * part for part in range(3)]), np.ones(72)),
        # R -> M R M with M = diag(-1, 1, 1): the first column keeps its first entry, the second loses its sign there
        "rotations": ((2 * joint + np.arange(6)).ravel(), np.tile([1, -1, -1, -1, 1, 1], 24)),
    }
    slices = feature_slices(has_rotations, has_events)
    order = np.concatenate([blocks[name][0] + part.start for name, part in slices.items()])
    return order, np.concatenate([blocks[name][1] for name in slices]).astype(np.float32)
