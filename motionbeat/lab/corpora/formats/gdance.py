"""AIOZ-GDANCE: pickles of several dancers, smpl_poses (persons, T, 72) and root_trans (persons, T, 3).

Le et al., "Music-Driven Group Choreography", CVPR 2023; the layout is that of the README of its repository. The files
have no frame rate.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats import archives
from motionbeat.lab.corpora.formats.hints import UNITS, Hints, rate, rate_field
from motionbeat.lab.corpora.manifest import Motion
from motionbeat.motion.kinematics import forward_kinematics


def read_motion(path: Path, arrays: dict[str, NDArray[Any]], hints: Hints) -> Motion:
    """One dancer, `hints.person`, of the arrays of a file.

    Raises `MotionBeatError` naming the file, the field and the fix.
    """
    if "smpl_poses" not in arrays:
        raise MotionBeatError(f"{path} has root_trans but no smpl_poses: use AIOZ-GDANCE's motions_smpl")
    poses, translation = arrays["smpl_poses"], arrays["root_trans"]
    if poses.ndim != 3 or poses.shape[2] != 72 or translation.shape != (*poses.shape[:2], 3):
        raise MotionBeatError(
            f"{path}: smpl_poses has shape {poses.shape} and root_trans {translation.shape}; expected "
            "(persons, frames, 72) and (persons, frames, 3)"
        )
    person = hints.person
    if person is None or person >= len(poses):
        raise MotionBeatError(
            f"{path} has {len(poses)} dancers; give 0 to {len(poses) - 1} in the column person of clips.csv, one line "
            "per dancer"
        )
    rotations = archives.numbers(path, "smpl_poses", poses[person], 24, 3)
    places = archives.numbers(path, "root_trans", translation[person], 3) * UNITS[hints.unit or "m"]
    field = rate_field(arrays)
    said = archives.number(path, field, arrays[field]) if field else None
    fps = rate(path, said, hints, field or "fps")
    return Motion(forward_kinematics(rotations, places), rotations.astype(np.float32), fps)
