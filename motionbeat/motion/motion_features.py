"""Joints2Features: a dancer's movement as numbers that do not depend on place or facing direction.

Shapes: T frames; the features of a frame are the blocks in the order of `FEATURE_BLOCKS`. Rotations
come last, so that the features of a corpus without rotations are a prefix of those with them.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from motionbeat.motion.contacts import foot_contacts
from motionbeat.motion.feature_blocks import feature_slices
from motionbeat.motion.kinematics import velocity
from motionbeat.motion.skeleton import INDEX

_SHORTEST_ACROSS = 0.05
"""m: if hips and shoulders are shorter than this in the floor plane (a dancer on the side), there is no heading."""


def motion_features(
    joints: NDArray[np.floating],
    poses: NDArray[np.floating] | None,
    fps: float,
    contact_speed: float,
    contact_height: float,
) -> NDArray[np.float32]:
    """Features of each frame without the joint events, not z-scored.

    joints: (T, 24, 3) m, y up. poses: (T, 24, 3) axis-angle, or none. fps: of both. contact_speed (m/s)
    and contact_height (m): see `foot_contacts`. Returns (T, 296) float32, or (T, 152) without poses.
    They do not change if the dancer turns about the vertical or stands in another place, and are finite for a body that
    stands still, lies down or has size 0.
    """
    joints = np.asarray(joints, np.float64)
    yaw = heading(joints)
    root = joints[:, 0]
    positions = _turned(joints - root[:, None], -yaw)
    blocks = {
        "positions": positions,
        "velocities": velocity(positions, fps),
        "root_velocity": _turned(velocity(root, fps)[:, None], -yaw),
        "yaw_rate": velocity(yaw, fps),
        "contacts": foot_contacts(joints, fps, contact_speed, contact_height),
    }
    if poses is not None:
        blocks["rotations"] = _rotations_6d(np.asarray(poses, np.float64), yaw)
    slices = feature_slices(poses is not None)
    return np.concatenate([blocks[name].reshape(len(joints), -1) for name in slices], axis=1, dtype=np.float32)


def joint_events(joints: NDArray[np.floating], fps: float) -> NDArray[np.float32]:
    """Speed, and how much it rises and falls, of each joint: where a movement starts, and where it stops.

    For a joint that swings, the mean of a signed velocity over part of a beat is about 0; the mean of these is not.
    joints: (T, 24, 3) m. Returns (T, 72) float32, block after block of 24 joints: `|v|` in m/s, `max(d|v|/dt, 0)`
    and `max(-d|v|/dt, 0)` in m/s^2, by central differences.
    """
    speed = np.linalg.norm(velocity(joints, fps), axis=-1)  # (T, 24)
    change = velocity(speed, fps)
    return np.concatenate([speed, np.maximum(change, 0), np.maximum(-change, 0)], axis=1, dtype=np.float32)


def heading(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Yaw (T,) of the dancer, radians, continuous over time; 0 faces +z, positive turns to the left (+x).

    The axis is the vector from right to left hip plus the vector from right to left shoulder, in the floor plane; the
    heading is the cross product of this axis and the vertical. Where the axis is upright, the heading is interpolated
    over time; if it always is, the heading is 0.
    """
    across = joints[:, INDEX["lhip"]] - joints[:, INDEX["rhip"]]
    across = across + joints[:, INDEX["lshoulder"]] - joints[:, INDEX["rshoulder"]]
    clear = np.flatnonzero(np.hypot(across[:, 0], across[:, 2]) >= _SHORTEST_ACROSS)
    if not len(clear):
        return np.zeros(len(joints))
    yaw = np.unwrap(np.arctan2(-across[clear, 2], across[clear, 0]))
    return np.interp(np.arange(len(joints)), clear, yaw)


def kinetic_energy(joints: NDArray[np.floating], fps: float) -> NDArray[np.float64]:
    """Sum over the joints of squared speed (T,), m^2/s^2: kinetic energy for joints of equal mass."""
    return (velocity(joints, fps) ** 2).sum(axis=(1, 2))


def _turned(vectors: NDArray[np.float64], yaw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors (T, J, 3) turned about the vertical by (T,) radians."""
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], axis=-1)


def _rotations_6d(poses: NDArray[np.float64], yaw: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 24, 6): the continuous rotation of Zhou et al. (CVPR 2019), without the yaw of the root."""
    matrices = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(*poses.shape, 3)
    matrices[:, 0] = _turned(matrices[:, 0].swapaxes(1, 2), -yaw).swapaxes(1, 2)  # each column is a vector
    return matrices[..., :2].swapaxes(-1, -2).reshape(*poses.shape[:2], 6)
