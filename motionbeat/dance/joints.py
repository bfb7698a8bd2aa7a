"""Input checks of all measures: 24 finite joints, a frame rate, enough frames at the rate of the measure."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.motion.resample import resample
from motionbeat.motion.skeleton import JOINTS

_MOST_M = 15.0
"""Joints that are usually farther from the neck are in centimetres, millimetres or inches."""
_NECK = JOINTS.index("neck")


def at_rate(measure: str, joints: ArrayLike, fps: float, target_fps: float | None, least: int) -> NDArray[np.float64]:
    """Check joints and return them as (T', 24, 3) float64, m, at `target_fps` frames per second (None: not resampled).

    joints: (T, 24, 3) m at `fps`. Joints that already have the target rate are returned unchanged, others are
    interpolated (`motionbeat.motion.resample`). Raises `MotionBeatError`, beginning with `measure`, for another
    shape or type, NaN or infinity, joints that are not in metres, a wrong rate, and fewer than `least` frames at the
    target rate.
    """
    values = np.asarray(joints)
    if values.dtype.kind not in "fiu":
        raise MotionBeatError(f"{measure}: joints of type {values.dtype}; give metres as numbers")
    if values.ndim != 3 or values.shape[1:] != (len(JOINTS), 3):
        raise MotionBeatError(f"{measure}: joints of shape {values.shape}; give (frames, 24, 3), the SMPL joints in m")
    checked_rate(measure, fps)
    positions = values.astype(np.float64)
    if not np.isfinite(positions).all():
        frame = int(np.flatnonzero(~np.isfinite(positions).all(axis=(1, 2)))[0])
        raise MotionBeatError(
            f"{measure}: joints contain NaN or infinity in frame {frame}; repair the dance or leave it out"
        )
    size = np.median(np.linalg.norm(positions - positions[:, [_NECK]], axis=-1)) if len(positions) else 0.0
    if size > _MOST_M:
        raise MotionBeatError(f"{measure}: joints {size:.3g} m from the neck; give metres (centimetres: divide by 100)")
    if len(positions) and target_fps is not None and not math.isclose(fps, target_fps, rel_tol=1e-9):
        positions = resample(positions, fps, target_fps).astype(np.float64)
    if len(positions) < least:
        at = "" if target_fps is None else f" at {target_fps:g} frames per second"
        raise MotionBeatError(f"{measure}: {len(positions)} frames{at}; give at least {least}")
    return positions


def checked_rate(measure: str, fps: float) -> None:
    """Raise `MotionBeatError` unless `fps` is a valid frame rate."""
    number = isinstance(fps, int | float | np.integer | np.floating) and not isinstance(fps, bool)
    if not number or not math.isfinite(fps) or fps <= 0:
        raise MotionBeatError(
            f"{measure}: fps = {fps!r}; give the frame rate of the joints in frames per second, above 0"
        )
