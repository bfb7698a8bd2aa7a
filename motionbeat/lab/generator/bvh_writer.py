"""Poses2Bvh: a dance as a Biovision Hierarchy file, which Blender, Maya, MotionBuilder and others read.

Units are metres (one unit of Blender; use scale 100 in programs with centimetres) and degrees, y points
up. The grammar: Meredith & Maddock, "Motion Capture File Formats Explained", University of Sheffield, 2001.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from motionbeat.motion.skeleton import INDEX, JOINTS, PARENTS, REST_OFFSETS

ORDER = "ZXY"
"""Channels of a rotation: R = Rz Rx Ry. Gimbal lock, at x = 90 degrees, is far from the poses of most joints."""
# fmt: off
NAMES = (
    "Pelvis", "L_Hip", "R_Hip", "Spine1", "L_Knee", "R_Knee", "Spine2", "L_Ankle", "R_Ankle", "Spine3", "L_Foot",
    "R_Foot", "Neck", "L_Collar", "R_Collar", "Head", "L_Shoulder", "R_Shoulder", "L_Elbow", "R_Elbow", "L_Wrist",
    "R_Wrist", "L_Hand", "R_Hand",
)
# fmt: on
"""The names of the joints in SMPL, in the order of `skeleton.JOINTS`."""
_ENDS = {
    INDEX["head"]: (0.0, 0.12, 0.0),
    INDEX["ltoes"]: (0.0, 0.0, 0.06),
    INDEX["rtoes"]: (0.0, 0.0, 0.06),
    INDEX["lhand"]: (0.08, 0.0, 0.0),
    INDEX["rhand"]: (-0.08, 0.0, 0.0),
}
"""m: ends of the joints without children, so that programs can draw them as bones."""
_CHILDREN = [[child for child, parent in enumerate(PARENTS) if parent == joint] for joint in range(len(JOINTS))]


def text(poses: NDArray[np.floating], root: NDArray[np.floating], fps: float) -> str:
    """The file's text.

    poses: (T, 24, 3) axis-angle, radians, each relative to its parent. root: (T, 3) m, position of the root joint. The
    offsets are those of the project's neutral body, so forward kinematics of the file gives the dance's joints. The
    root has six channels, position in m and rotation; every other joint has three, its rotation.
    """
    angles = euler_degrees(poses)
    order = list(_depth_first(0))
    columns = np.concatenate([np.asarray(root, np.float64), angles[:, order].reshape(len(angles), -1)], axis=1)
    lines = ["HIERARCHY", *_joint(0, 0), "MOTION", f"Frames: {len(columns)}", f"Frame Time: {1 / fps:.9f}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in columns.tolist()]
    return "\n".join(lines) + "\n"


def euler_degrees(poses: NDArray[np.floating]) -> NDArray[np.float64]:
    """(T, J, 3) angles about z, x and y, degrees, of axis-angle rotations (T, J, 3), without jumps over time.

    Each rotation has two triples of angles, and each angle is defined up to full turns; the values nearest to the
    previous frame are used, so that interpolation between frames does not turn a limb around. In gimbal lock, only the
    sum or difference of the first and last angle matters, and one of them is 0.
    """
    values = np.asarray(poses, np.float64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gimbal lock")  # the rotation is right in any case
        first = Rotation.from_rotvec(values.reshape(-1, 3)).as_euler(ORDER, degrees=True).reshape(values.shape)
    other = first * [1, -1, 1] + 180
    continuous = first.copy()
    for frame in range(1, len(continuous)):
        before = continuous[frame - 1]
        near, far = (_nearest_turn(angles[frame], before) for angles in (first, other))
        shorter = np.abs(near - before).sum(axis=-1) <= np.abs(far - before).sum(axis=-1)
        continuous[frame] = np.where(shorter[:, None], near, far)
    return continuous


def _nearest_turn(angles: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same directions within half a turn of `before`."""
    return np.asarray(angles - 360 * np.round((angles - before) / 360), np.float64)


def _depth_first(joint: int) -> Iterator[int]:
    yield joint
    for child in _CHILDREN[joint]:
        yield from _depth_first(child)


def _joint(joint: int, depth: int) -> Iterator[str]:
    """The block of a joint and all joints below it."""
    indent, inner = "  " * depth, "  " * (depth + 1)
    turns = " ".join(f"{axis}rotation" for axis in ORDER)
    yield f"{indent}{'JOINT' if depth else 'ROOT'} {NAMES[joint]}"
    yield f"{indent}{{"
    yield f"{inner}OFFSET {_three(REST_OFFSETS[joint])}"
    yield f"{inner}CHANNELS 3 {turns}" if depth else f"{inner}CHANNELS 6 Xposition Yposition Zposition {turns}"
    for child in _CHILDREN[joint]:
        yield from _joint(child, depth + 1)
    if joint in _ENDS:
        yield from (f"{inner}End Site", f"{inner}{{", f"{inner}  OFFSET {_three(_ENDS[joint])}", f"{inner}}}")
    yield f"{indent}}}"


def _three(numbers: NDArray[np.float64] | tuple[float, float, float]) -> str:
    return " ".join(f"{number:.6f}" for number in numbers)
