"""Physical Foot Contact: does the body speed up only while a foot stands still?

Tseng, Castellon & Liu, "EDGE: Editable Dance Generation From Music", CVPR 2023. Published values vary by +-30 % between
checkpoints of one method, and the measure has no unit: report it with an interval over sequences.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionbeat.dance.joints import at_rate
from motionbeat.errors import MotionBeatError
from motionbeat.motion.skeleton import INDEX

FPS = 30.0
"""The rate at which the published values were computed."""
SCALE = 1e4
_UP = {"y": 1, "z": 2}
_LEAST_FRAMES = 3
_LEFT, _RIGHT = (INDEX["lankle"], INDEX["ltoes"]), (INDEX["rankle"], INDEX["rtoes"])


def physical_foot_contact(joints: ArrayLike, fps: float = FPS, up: str = "y", resampled: bool = True) -> float:
    """Physical Foot Contact of one sequence, times 10^4; lower is more plausible.

    joints: (T, 24, 3) m at `fps` frames per second, `up` being the vertical axis, y or z. The measure depends on the
    frame rate (displacements are per frame, so doubling the rate divides it by four): other rates are first resampled
    to 30 frames per second, unless `resampled` is False.

    mean_t(A_t L_t R_t): A is the length of the root's acceleration with its downward part set to 0, divided by its
    maximum over the sequence; L is the smaller of the ground-plane displacements of the left ankle and toes in the
    frame that follows, R that of the right. A dancer whose root stands still or moves at constant velocity scores 0,
    and so does one whose feet do not move. This is the best value, so compare the kinetic features too. Average it over
    sequences. Raises `MotionBeatError` for joints that cannot be used or have fewer than 3 frames.
    """
    if up not in _UP:
        raise MotionBeatError(f"physical_foot_contact: up = {up!r}; give y or z")
    positions = at_rate("physical_foot_contact", joints, fps, FPS if resampled else None, _LEAST_FRAMES)
    vertical = _UP[up]
    rate = FPS if resampled else fps
    acceleration = np.diff(positions[:, 0], n=2, axis=0) * rate**2  # (T - 2, 3)
    acceleration[:, vertical] = np.maximum(acceleration[:, vertical], 0.0)
    strength = np.linalg.norm(acceleration, axis=1)
    if strength.max() <= _rounding(positions) * rate**2:
        return 0.0
    ground = [axis for axis in range(3) if axis != vertical]
    step = np.linalg.norm(np.diff(positions[1:, :, ground], axis=0), axis=-1)  # (T - 2, 24)
    left, right = step[:, _LEFT].min(axis=1), step[:, _RIGHT].min(axis=1)
    return float(SCALE * np.mean(strength / strength.max() * left * right))


def _rounding(positions: NDArray[np.float64]) -> float:
    """m: second differences below this can be float32 rounding of a root without acceleration."""
    return 8 * float(np.finfo(np.float32).eps) * float(np.abs(positions[:, 0]).max())
