"""The project's own format: an .npz with joints (T, 24, 3), fps, and poses (T, 24, 3) if they are known."""

from pathlib import Path

import numpy as np

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats import archives
from motionbeat.lab.corpora.formats.hints import UNITS, Hints, rate
from motionbeat.lab.corpora.manifest import Motion


def read_motion(path: Path, hints: Hints) -> Motion:
    """joints: positions of the SMPL joints, metres (or the unit of `hints`); poses: their axis-angle rotations.

    Raises `MotionBeatError` naming the file, the field and the fix.
    """
    arrays = archives.load(path, ("joints", "poses", "fps"))
    joints = archives.numbers(path, "joints", arrays["joints"], 24, 3)
    poses = archives.numbers(path, "poses", arrays["poses"], 24, 3) if "poses" in arrays else None
    if poses is not None and len(poses) != len(joints):
        raise MotionBeatError(
            f"{path}: {len(poses)} frames of poses for {len(joints)} of joints; expected the same number"
        )
    said = archives.number(path, "fps", arrays["fps"]) if "fps" in arrays else None
    scale = UNITS[hints.unit or "m"]
    rotations = None if poses is None else poses.astype(np.float32)
    return Motion((joints * scale).astype(np.float32), rotations, rate(path, said, hints, "fps"))
