"""Pickle2Motion: one dance of AIST++, out of its pickle of SMPL parameters."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.manifest import Motion, first_bad_frame
from motionbeat.lab.corpora.pickles import load_arrays
from motionbeat.motion.kinematics import forward_kinematics

FPS = 60.0
_LARGEST = 1e6
FIELDS = (
    *("smpl_poses", "smpl_trans", "smpl_scaling", "full_pose"),
    *("fps", "mocap_framerate", "mocap_frame_rate", "frame_rate", "framerate"),
)
"""What is read of a pickle; other fields, such as gender, do not matter."""


def read_motion(path: Path, fps: float | None = None) -> Motion:
    """The motion in an AIST++ pickle: joints by SMPL forward kinematics, metres = smpl_trans / smpl_scaling.

    smpl_poses (T, 72) or (T, 24, 3), axis-angle; smpl_trans (T, 3); smpl_scaling (1,); there are no betas,
    so every dancer has SMPL's mean body. fps: frames a second that the user gives; without it what the file's own
    field fps says, else 60. Raises `MotionBeatError` naming the file, the field and the fix, also for what no person
    can do (`plausibility`).
    """
    arrays = load_arrays(path, FIELDS)
    missing = [name for name in ("smpl_poses", "smpl_trans", "smpl_scaling") if name not in arrays]
    if "full_pose" in arrays and missing:
        raise MotionBeatError(
            f"{path} is a dance that EDGE generated (full_pose, no smpl_scaling), no pickle of AIST++: give such "
            "dances in a folder with clips.csv (docs/own_data.md), corpus.name = folder"
        )
    if missing:
        raise MotionBeatError(f"{path} has no {', '.join(missing)}: use the pickles of AIST++'s motions archive")
    poses = _poses(path, arrays["smpl_poses"])
    translation = _finite(path, "smpl_trans", arrays["smpl_trans"])
    if translation.shape != (len(poses), 3):
        raise MotionBeatError(
            f"{path}: smpl_trans has shape {translation.shape}; expected ({len(poses)}, 3), as many as poses"
        )
    scaling = arrays["smpl_scaling"].astype(np.float64).ravel()
    if scaling.shape != (1,) or not (np.isfinite(scaling[0]) and scaling[0] > 0):
        raise MotionBeatError(f"{path}: smpl_scaling is {scaling.tolist()}; expected one number above 0")
    moved = forward_kinematics(poses, translation / scaling[0])
    return Motion(moved, poses.astype(np.float32), _fps(path, arrays, fps))


def _fps(path: Path, arrays: dict[str, NDArray[np.generic]], given: float | None) -> float:
    field = next((name for name in FIELDS[4:] if name in arrays), None)
    if field is None:
        return given or FPS
    values = arrays[field]
    said = float(values.reshape(-1)[0]) if values.size == 1 and values.dtype.kind in "iuf" else 0.0
    if not 1 <= said <= 1000:
        raise MotionBeatError(f"{path}: {field} is {values.tolist()}; expected 1 to 1000 frames per second")
    if given is not None and abs(given - said) > 0.01 * said:
        raise MotionBeatError(
            f"{path}: {field} says {said:g} frames a second, the column fps {given:g}: correct or empty the column"
        )
    return said


def _poses(path: Path, poses: NDArray[np.generic]) -> NDArray[np.float64]:
    """(T, 24, 3) from (T, 72) or (T, 24, 3)."""
    if poses.ndim not in (2, 3) or poses.shape[1:] not in ((72,), (24, 3)):
        joints = f", which is {poses.shape[1] / 3:g} joints" if poses.ndim == 2 else ""
        raise MotionBeatError(
            f"{path}: smpl_poses has shape {poses.shape}{joints}; expected (frames, 72): 24 SMPL joints"
        )
    if len(poses) < 2:
        raise MotionBeatError(f"{path}: smpl_poses has {len(poses)} frames; expected at least 2")
    return _finite(path, "smpl_poses", poses).reshape(-1, 24, 3)


def _finite(path: Path, name: str, values: NDArray[np.generic]) -> NDArray[np.float64]:
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        frame = first_bad_frame(numbers)
        raise MotionBeatError(f"{path}: {name} holds NaN or infinity in frame {frame}: put the clip on the ignore list")
    if np.abs(numbers).max(initial=0.0) > _LARGEST:
        raise MotionBeatError(
            f"{path}: {name} reaches {np.abs(numbers).max():.3g}, which is not a place or angle: repair it"
        )
    return numbers
