"""Motion at another frame rate: frame i of the result is at i / target_fps seconds of the clip."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation

_ROUNDING = 1e-6
"""Frames by which the last new frame may exceed the clip, since rates such as 29.97 are not exact."""


def resample(joints: NDArray[np.floating], fps: float, target_fps: float) -> NDArray[np.float32]:
    """Positions (T, ...) at `fps` as (T', ...) float32 at `target_fps`.

    Cubic Hermite interpolation with central-difference slopes (Catmull-Rom): it passes through every
    frame, velocities are continuous, and since it is linear in the positions, it commutes with rotations and
    translations of the dancer. A lower rate samples the curve at the new times without a low-pass: from 60 to 30 frames
    per second this is every second frame.
    """
    values = np.asarray(joints, np.float64)
    times = _times(len(values), fps, target_fps)
    if len(values) < 2:
        return values.astype(np.float32)
    curve = CubicHermiteSpline(np.arange(len(values)), values, np.gradient(values, axis=0), axis=0)
    return curve(times).astype(np.float32)


def resample_poses(poses: NDArray[np.floating], fps: float, target_fps: float) -> NDArray[np.float32]:
    """Joint rotations (T, J, 3) axis-angle at `fps` as (T', J, 3) float32 at `target_fps`.

    Spherical linear interpolation of each joint; angles of the result are in 0..pi.
    """
    values = np.asarray(poses, np.float64)
    times = _times(len(values), fps, target_fps)
    if len(values) < 2:
        return values.astype(np.float32)
    after = np.maximum(np.ceil(times).astype(int), 1)
    before, part = after - 1, np.repeat(times - (after - 1), values.shape[1])
    first, second = (Rotation.from_rotvec(values[at].reshape(-1, 3)) for at in (before, after))
    # as scipy's Slerp, which also prepares the frames between that are not needed
    between = first * Rotation.from_rotvec((first.inv() * second).as_rotvec() * part[:, None])
    return between.as_rotvec().reshape(len(times), *values.shape[1:]).astype(np.float32)


def _times(frames: int, fps: float, target_fps: float) -> NDArray[np.float64]:
    """The new frames' times within the clip, in old frames."""
    last = max(frames - 1, 0)
    count = int(np.floor(last * target_fps / fps + _ROUNDING)) + 1
    return np.minimum(np.arange(count) * (fps / target_fps), last)
