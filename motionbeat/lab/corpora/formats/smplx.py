"""SMPL, SMPL-H and SMPL-X parameters (AMASS, FineDance and others): their joints mapped to SMPL's 24.

Joints 0-21 are the same in the three models. SMPL's hand joints 22 and 23 represent the whole hand; they get the
rotation of the knuckle of the middle finger, or none if the file has no fingers. Positions come from forward kinematics
of the neutral rest body: neither the licensed model files nor the shape (betas) are used, so every dancer has the same
proportions, as in AIST++.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats import archives
from motionbeat.lab.corpora.formats.hints import RATE_FIELDS, UNITS, Hints, rate, rate_field
from motionbeat.lab.corpora.manifest import Motion
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import JOINTS

_ROOTS, _BODIES = ("global_orient", "root_orient"), ("body_pose", "pose_body")
_LEFT, _RIGHT, _TRANSLATIONS = ("left_hand_pose",), ("right_hand_pose",), ("trans", "transl")
FIELDS = frozenset(("poses", *RATE_FIELDS, *_ROOTS, *_BODIES, *_LEFT, *_RIGHT, *_TRANSLATIONS))
_BODY = 22
_HANDS_AT = {72: None, 66: None, 156: 22, 165: 25}
"""Columns of `poses`, and the joint where its hands begin: SMPL-X has jaw and eyes before them.

SMPL has hand joints.
"""
_MIDDLE, _HAND = 3, 15
"""In a hand of 15 joints the knuckle of the middle finger is number 3 (index, middle, little, ring finger, thumb)."""
_FINEDANCE_FPS = 30.0
_JOINTS_OF_COLUMNS = {315: 52, 319: 52, 135: 22, 139: 22}


def read_motion(path: Path, hints: Hints) -> Motion:
    """A motion from an .npz with `poses` (T, 66, 72, 156 or 165), or `global_orient` and `body_pose`; and `trans`.

    Raises `MotionBeatError` naming the file, the field and the fix.
    """
    arrays = archives.load(path, FIELDS)
    poses = _whole(path, arrays) if "poses" in arrays else _parts(path, arrays)
    translation = archives.numbers(path, *_one_of(path, arrays, _TRANSLATIONS), 3)
    if len(translation) != len(poses):
        raise MotionBeatError(
            f"{path}: {len(translation)} frames of trans for {len(poses)} of poses; expected the same number"
        )
    field = rate_field(arrays)
    said = archives.number(path, field, arrays[field]) if field else None
    return _motion(poses, translation * UNITS[hints.unit or "m"], rate(path, said, hints, field or "fps"))


def read_finedance(path: Path, hints: Hints) -> Motion:
    """A motion of FineDance, an .npy of (T, 315): translation, then 52 SMPL-H joints as two rows of their matrix.

    With 319 columns, four foot contacts are in front; with 135 or 139 (Lodge, CVPR 2024) there are 22 joints.
    30 frames per second (Li et al., "FineDance", ICCV 2023: data/code/pre_motion.py and render.py of its repository;
    the six numbers are the first two rows of the rotation matrix, as in PyTorch3D).
    """
    values = archives.load_one(path)
    count = _JOINTS_OF_COLUMNS.get(values.shape[1]) if values.ndim == 2 else None
    if count is None:
        raise MotionBeatError(
            f"{path} has shape {values.shape}; expected FineDance's (frames, 315): 3 of translation and 52 x 6 of "
            "rotations; save other motions as .npz"
        )
    table = archives.numbers(path, "the array", values, values.shape[1])[:, -3 - 6 * count :]
    if np.abs(np.linalg.norm(table[:, :3], axis=1) - 1).max() < 1e-3:
        raise MotionBeatError(
            f"{path}: the translation is not in front, where the numbers of a rotation are: move it there, such as by "
            "numpy.roll(array, 3, axis=1) if it comes last"
        )
    rows = table[:, 3:].reshape(-1, count, 2, 3)
    _refuse_interleaved(path, rows[:, :_BODY])
    rows[:, _BODY:][np.abs(rows[:, _BODY:]).max(axis=(-1, -2)) == 0] = np.eye(3)[:2]  # fingers were not recorded
    lengths = np.linalg.norm(np.cross(rows[:, :, 0], rows[:, :, 1]), axis=-1)
    if lengths.min() < 1e-6:
        bad = lengths < 1e-6
        frame, joint = np.unravel_index(lengths.argmin(), lengths.shape)
        name = JOINTS[joint] if joint < _BODY else f"finger joint {joint - _BODY} of 30"
        raise MotionBeatError(
            f"{path}: {name} has no rotation in frame {frame} and in {int(bad.any(axis=1).sum())} of {len(bad)} frames "
            f"(two parallel rows, columns {3 + 6 * joint} to {8 + 6 * joint} of {3 + 6 * count}): leave out "
            "those frames, or write 1 0 0 0 1 0 for a joint that was not recorded"
        )
    poses = Rotation.from_matrix(_orthonormal(rows).reshape(-1, 3, 3)).as_rotvec().reshape(-1, count, 3)
    translation = table[:, :3] * UNITS[hints.unit or "m"]
    return _motion(_smpl(poses, _BODY if count > _BODY else None), translation, hints.fps or _FINEDANCE_FPS)


def _refuse_interleaved(path: Path, rows: NDArray[np.float64]) -> None:
    """Refuse rotations whose six numbers are the first two columns of a matrix instead of its first two rows."""
    pairs = rows.reshape(*rows.shape[:-2], 3, 2).swapaxes(-1, -2)
    as_rows, as_columns = (float(np.median(_skew(each))) for each in (rows, pairs))
    if as_columns < 0.05 < 0.2 < as_rows:
        raise MotionBeatError(
            f"{path}: the six numbers of a rotation are the first two columns of its matrix, interleaved "
            "(matrix[:, :2]); expected its first two rows (matrix[:2], as PyTorch3D's matrix_to_rotation_6d)"
        )


def _skew(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far two rows (..., 2, 3) differ from orthonormal vectors."""
    return np.asarray(np.abs(rows @ rows.swapaxes(-1, -2) - np.eye(2)).max(axis=(-1, -2)))


def _orthonormal(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3, 3) rotation matrices from their first two rows (..., 2, 3), by Gram-Schmidt (Zhou et al., CVPR 2019)."""
    first = rows[..., 0, :] / np.linalg.norm(rows[..., 0, :], axis=-1, keepdims=True)
    second = rows[..., 1, :] - (first * rows[..., 1, :]).sum(axis=-1, keepdims=True) * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-2)


def _motion(poses: NDArray[np.float64], translation: NDArray[np.float64], fps: float) -> Motion:
    return Motion(forward_kinematics(poses, translation), poses.astype(np.float32), fps)


def _smpl(poses: NDArray[np.float64], hands_at: int | None) -> NDArray[np.float64]:
    """(T, 24, 3) from the joints of a larger model (T, J, 3) whose hands begin at joint `hands_at`."""
    hands = np.zeros((len(poses), 2, 3))
    if hands_at is not None:
        hands = poses[:, [hands_at + _MIDDLE, hands_at + _HAND + _MIDDLE]]
    return np.concatenate([poses[:, :_BODY], hands], axis=1)


def _whole(path: Path, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    values = arrays["poses"]
    columns = _columns(values)
    if columns not in _HANDS_AT:
        raise MotionBeatError(
            f"{path}: poses has shape {values.shape}; expected (frames, 165) of SMPL-X, 156 of SMPL-H, 72 of SMPL "
            "or 66 of a body without hands, axis-angle"
        )
    poses = archives.numbers(path, "poses", _flat(values), columns).reshape(len(values), -1, 3)
    return poses if columns == 72 else _smpl(poses, _HANDS_AT[columns])


def _parts(path: Path, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    root = archives.numbers(path, *_one_of(path, arrays, _ROOTS), 1, 3)
    name, values = _one_of(path, arrays, _BODIES)
    columns = _columns(values)
    joints = 23 if columns == 69 else 21
    body = archives.numbers(path, name, _flat(values), 3 * joints).reshape(-1, joints, 3)
    parts = [("root", root), (name, body)]
    if joints == 21:
        for names in (_LEFT, _RIGHT):
            parts.append((names[0], _knuckle(path, arrays, names[0], len(root))))
    uneven = [f"{name} {len(part)}" for name, part in parts if len(part) != len(root)]
    if uneven:
        raise MotionBeatError(
            f"{path}: {len(root)} frames of root orientation, but {', '.join(uneven)}: give the same number"
        )
    return np.concatenate([part for _, part in parts], axis=1)


def _knuckle(path: Path, arrays: dict[str, NDArray[Any]], name: str, frames: int) -> NDArray[np.float64]:
    if name not in arrays:
        return np.zeros((frames, 1, 3))
    columns = _columns(arrays[name])
    if columns != 3 * _HAND:
        raise MotionBeatError(
            f"{path}: {name} has {columns} numbers per frame; expected 45, axis-angle: export the hands without PCA "
            "(use_pca=False) or leave them out"
        )
    hand = archives.numbers(path, name, _flat(arrays[name]), columns).reshape(-1, _HAND, 3)
    return hand[:, _MIDDLE : _MIDDLE + 1]


def _columns(values: NDArray[Any]) -> int:
    """Numbers per frame, 0 for a single number."""
    return int(np.prod(values.shape[1:])) if values.ndim > 1 else 0


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    """(T, numbers per frame); empty and single values are not changed: `archives.numbers` refuses them."""
    return values.reshape(len(values), -1) if values.ndim > 1 and values.size else values


def _one_of(path: Path, arrays: dict[str, NDArray[Any]], names: tuple[str, ...]) -> tuple[str, NDArray[Any]]:
    for name in names:
        if name in arrays:
            return name, arrays[name]
    raise MotionBeatError(f"{path} has no {' or '.join(names)}: add it, or give joints (frames, 24, 3) instead")
