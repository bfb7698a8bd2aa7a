"""Pickles of SMPL parameters without AIST++'s scaling, such as the dances that EDGE generates.

Tseng, Castellon & Liu, "EDGE: Editable Dance Generation from Music", CVPR 2023: smpl_poses (T, 72), smpl_trans (T, 3)
in metres and full_pose (T, 24, 3), the joints; 30 frames per second, z up (the layout is that of its README and
`SMPLSkeleton`, `render_sample` of its repository).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats import archives
from motionbeat.lab.corpora.formats.hints import RATE_FIELDS, UNITS, Hints, rate, rate_field
from motionbeat.lab.corpora.manifest import Motion
from motionbeat.motion.kinematics import forward_kinematics

FIELDS = ("smpl_poses", "smpl_trans", "smpl_scaling", "root_trans", "full_pose", *RATE_FIELDS)
"""The fields that are read from a pickle of a dance; others are ignored."""
_EDGE_FPS = 30.0


def read_motion(path: Path, arrays: dict[str, NDArray[Any]], hints: Hints) -> tuple[Motion, str | None]:
    """The motion in the file's axes, and the axis that points up if the format defines it (EDGE: z).

    Raises `MotionBeatError` naming the file, the field and the fix.
    """
    missing = [name for name in ("smpl_poses", "smpl_trans") if name not in arrays]
    if missing:
        raise MotionBeatError(
            f"{path} has no {', '.join(missing)}: give AIST++'s smpl_poses, smpl_trans and smpl_scaling, EDGE's "
            "smpl_poses, smpl_trans and full_pose, or AIOZ-GDANCE's smpl_poses and root_trans"
        )
    poses = archives.numbers(path, "smpl_poses", arrays["smpl_poses"], 24, 3)
    places = archives.numbers(path, "smpl_trans", arrays["smpl_trans"], 3)
    if len(places) != len(poses):
        raise MotionBeatError(
            f"{path}: {len(places)} frames of smpl_trans for {len(poses)} of smpl_poses; expected the same number"
        )
    edge = "full_pose" in arrays
    field = rate_field(arrays)
    said = archives.number(path, field, arrays[field]) if field else None
    if said is None and hints.fps is None and edge:
        said = _EDGE_FPS
    joints = forward_kinematics(poses, places * UNITS[hints.unit or "m"])
    motion = Motion(joints, poses.astype(np.float32), rate(path, said, hints, field or "fps"))
    return motion, "z" if edge and hints.up is None else hints.up
