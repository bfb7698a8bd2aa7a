"""Foot contacts: when a foot is on the floor, and when it lands."""

import numpy as np
from numpy.typing import NDArray

from motionbeat.motion.kinematics import velocity
from motionbeat.motion.skeleton import FEET

_FLOOR_PERCENTILE = 5


def foot_contacts(joints: NDArray[np.floating], fps: float, speed: float, height: float) -> NDArray[np.bool_]:
    """Which of the four foot joints is in contact in each frame.

    joints: (T, 24, 3) m, y up, at `fps` frames per second. A joint of `FEET` (left ankle, right ankle,
    left toes, right toes) is in contact while it is slower than `speed` m/s and less than `height` m
    above the floor of that joint: the 5th percentile of its height over the clip, since ankles and toes have different
    heights and captured floors are not at 0. Returns (T, 4) bool. Since thresholds are in m and m/s, the result does
    not depend on the frame rate.
    """
    feet = np.asarray(joints, np.float64)[:, FEET]  # (T, 4, 3)
    slow = np.linalg.norm(velocity(feet, fps), axis=-1) < speed
    above_floor = feet[..., 1] - np.percentile(feet[..., 1], _FLOOR_PERCENTILE, axis=0)
    return slow & (above_floor < height)


def contact_pulses(contacts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The frames in which a contact begins, from (T, J) contacts; a contact in the first frame does not count."""
    pulses = np.zeros_like(contacts, dtype=bool)
    pulses[1:] = contacts[1:] & ~contacts[:-1]
    return pulses
