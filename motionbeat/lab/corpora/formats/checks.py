"""Checks that a motion is of an upright person, in metres, with left and right not exchanged."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats.hints import UNITS, Hints
from motionbeat.lab.corpora.manifest import Motion
from motionbeat.motion.kinematics import rest_joints
from motionbeat.motion.skeleton import INDEX

_CHAIN = (
    *(("root", "belly"), ("belly", "spine"), ("spine", "chest"), ("chest", "neck"), ("neck", "head")),
    *(("lhip", "lknee"), ("lknee", "lankle"), ("rhip", "rknee"), ("rknee", "rankle")),
)
_SMALLEST, _LARGEST = 0.7, 1.3
"""Bodies relative to SMPL's mean body: from about 1.2 m to 2.2 m tall."""
_CMU_UNIT = 0.0254 / 0.45
"""Unit of the CMU motion capture database: lengths of its skeletons are inches times 0.45."""
_LYING, _ALONG = 0.3, 0.7
_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Converts z-up coordinates to y-up: a rotation by -90 degrees about x."""


def with_y_up(motion: Motion, up: str | None) -> Motion:
    """The motion rotated, with its root rotations, so that y points up, if `up` is z."""
    if up != "z":
        return motion
    from scipy.spatial.transform import Rotation

    poses = motion.poses
    if poses is not None:
        poses = poses.copy()
        turned = Rotation.from_matrix(_Z_UP) * Rotation.from_rotvec(poses[:, 0].astype(np.float64))
        poses[:, 0] = turned.as_rotvec()
    return Motion((motion.joints @ _Z_UP.T).astype(np.float32), poses, motion.fps)


def size(joints: NDArray[np.floating]) -> float:
    """Length of trunk and legs relative to SMPL's mean body (1.46 m from ankle to head joint), the median over time."""
    lengths = [_length(joints[:, INDEX[a]], joints[:, INDEX[b]]) for a, b in _CHAIN]
    rest = rest_joints()[None]
    return float(sum(lengths) / sum(_length(rest[:, INDEX[a]], rest[:, INDEX[b]]) for a, b in _CHAIN))


def _length(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(np.median(np.linalg.norm(a.astype(np.float64) - b, axis=-1)))


def metres(path: Path, joints: NDArray[np.floating], hints: Hints) -> float:
    """Metres per unit of joints (T, 24, 3): from `hints`, or the unit in which the body has human size.

    Raises `MotionBeatError` if it has human size in no known unit (m, cm, mm, inch, CMU's).
    """
    if hints.unit is not None:
        return UNITS[hints.unit]
    measured = size(joints)
    if not measured > 0:
        raise MotionBeatError(
            f"{path}: the joints of the trunk and legs are at the same place: are its position channels or OFFSETs "
            "zero? Export them again"
        )
    for scale in (*UNITS.values(), _CMU_UNIT):
        if _SMALLEST <= measured * scale <= _LARGEST:
            return scale
    raise MotionBeatError(
        f"{path}: from ankle to head the body measures {measured * 1.46:.4g}, which is not a human size in m, cm, mm "
        "or inch: give the unit in the column unit of clips.csv, or scale the file"
    )


def refuse_unlikely(path: Path, motion: Motion, hints: Hints, toes: bool = True) -> None:
    """Raise `MotionBeatError` if the size is not human, the body lies down or is upside down, or its feet are
    backwards.

    The columns unit and up are trusted. toes: False if their direction was guessed.
    """
    joints = motion.joints.astype(np.float64)
    measured = size(joints)
    if hints.unit is None and not _SMALLEST <= measured <= _LARGEST:
        raise MotionBeatError(
            f"{path}: from ankle to head the body measures {measured * 1.46:.3g} m, not a human size: give the unit in "
            "the column unit of clips.csv (m, cm, mm or inch)"
        )
    if hints.up is None and _lies_along_z(joints):
        raise MotionBeatError(
            f"{path}: the dancer lies along z, as in data whose z axis points up: give z in the column up of clips.csv "
            "(or y, if the dance is like this)"
        )
    trunk = _trunk(joints)
    if hints.up is None and np.median(trunk[:, 1]) < -_ALONG:
        raise MotionBeatError(
            f"{path}: the dancer's head is below the hips throughout, as in camera coordinates, whose y axis points "
            "down: turn the motion by 180 degrees about x (joints * [1, -1, -1]), or give y in the column up of "
            "clips.csv, if the dance is like this"
        )
    across = joints[:, INDEX["lhip"]] - joints[:, INDEX["rhip"]]
    forward = _unit(np.cross(across, trunk))
    feet = [_unit(joints[:, INDEX[f"{side}toes"]] - joints[:, INDEX[f"{side}ankle"]]) for side in "lr"]
    ahead = float(np.median([(foot * forward).sum(axis=1) for foot in feet]))
    if toes and ahead < -_LYING:
        raise MotionBeatError(
            f"{path}: the toes point backwards, so left and right are exchanged or the axes are left-handed (as "
            "Unity's): export right-handed axes, or negate x in joints and swap no names"
        )


def doubts(motion: Motion, hints: Hints) -> list[str]:
    """Warnings if the columns unit and up do not fit the motion."""
    joints = motion.joints.astype(np.float64)
    measured, found = size(joints), []
    if hints.unit is not None and not _SMALLEST <= measured <= _LARGEST:
        metres = f"{measured * 1.46:.3g} m"
        found.append(f"from ankle to head the body measures {metres}; is the unit ({hints.unit}) right?")
    if hints.up is not None and np.median(_trunk(joints)[:, 1]) < -_ALONG:
        found.append(f"the dancer's head is below the hips throughout; does {hints.up} point up, not down?")
    return found


def _lies_along_z(joints: NDArray[np.float64]) -> bool:
    along = np.median(_trunk(joints), axis=0)
    return bool(along[1] < _LYING and abs(along[2]) > _ALONG)


def _trunk(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 3) directions from the root to the neck."""
    return _unit(joints[:, INDEX["neck"]] - joints[:, INDEX["root"]])


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
