"""A body to SMPL: smooth paths, two-link inverse kinematics, and world rotations turned into joint rotations."""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.spatial.transform import Rotation

from motionbeat.motion.skeleton import INDEX, REST_OFFSETS

ANKLE_HEIGHT = 0.082  # m: ankle joint of a flat foot whose toe joint is 2 cm over the floor
_UPPER = ("belly", "spine", "chest", "neck", "head", "lshoulder", "rshoulder", "lelbow", "relbow", "lwrist", "rwrist")
UPPER_BODY = tuple(INDEX[name] for name in _UPPER)
_LEGS = (("lhip", "lknee", "lankle"), ("rhip", "rknee", "rankle"))
_REACH = 0.985  # legs are never straighter than this part of their length

Array = NDArray[np.float64]


@frozen
class Feet:
    """Paths of the two feet, left then right."""

    position: Array  # (T, 2, 3) m: the ankle joints
    yaw: Array  # (T, 2) rad about y
    pitch: Array  # (T, 2) rad, toes down positive


def minimum_jerk(progress: Array) -> Array:
    """The smoothest path from 0 to 1 that starts and ends at rest: s^3 (10 - 15 s + 6 s^2), Flash & Hogan 1985."""
    s = np.clip(progress, 0, 1)
    return s**3 * (10 - 15 * s + 6 * s**2)


def unit(vectors: Array) -> Array:
    """Vectors of the last axis, scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def two_link(
    start: Array, end: Array, pole: Array, first: Array, second: Array, rest_pole: Array
) -> tuple[Array, Array]:
    """Rotations of two links so that the chain from `start` reaches `end`, bent towards `pole`.

    start, end, pole: (T, 3). first, second, rest_pole: (3,), the links and the bend at rest. Returns the world
    rotations of both links, (T, 3, 3) each. A target out of reach is approached along its own direction.
    """
    long, short = np.linalg.norm(first), np.linalg.norm(second)
    reach = end - start
    distance = np.clip(np.linalg.norm(reach, axis=-1), abs(long - short) + 0.02, 0.9995 * (long + short))
    ahead = unit(reach)
    aside = unit(pole - np.sum(pole * ahead, axis=-1, keepdims=True) * ahead)
    cosine = (long**2 + distance**2 - short**2) / (2 * long * distance)
    bend = ahead * (cosine * long)[:, None] + aside * (np.sqrt(1 - cosine**2) * long)[:, None]
    hinge = np.cross(ahead, aside)
    onward = unit(ahead * distance[:, None] - bend)
    return (_frame(unit(bend), hinge) @ _rest_frame(first, rest_pole).T), (
        _frame(onward, hinge) @ _rest_frame(second, rest_pole).T
    )


def _frame(direction: Array, hinge: Array) -> Array:
    return np.stack([direction, hinge, np.cross(direction, hinge)], axis=-1)


def _rest_frame(link: Array, pole: Array) -> Array:
    direction = unit(link)
    return _frame(direction, unit(np.cross(direction, pole)))


def pelvis_height(wanted: Array, place: Array, turn: Array, feet: Feet) -> Array:
    """Root height (T,): as wanted, but never so high that a leg must stretch to keep its foot where it is.

    wanted: (T,) m. place: (T, 2) root x and z. turn: (T, 3, 3) world rotation of the pelvis.
    """
    highest = np.full(len(wanted), np.inf)
    for side, (hip, knee, ankle) in enumerate(_LEGS):
        length = np.linalg.norm(REST_OFFSETS[INDEX[knee]]) + np.linalg.norm(REST_OFFSETS[INDEX[ankle]])
        socket = turn @ REST_OFFSETS[INDEX[hip]]
        across = np.hypot(*(place + socket[:, [0, 2]] - feet.position[:, side][:, [0, 2]]).T)
        rise = np.sqrt(np.maximum((_REACH * length) ** 2 - across**2, 0.01))
        highest = np.minimum(highest, feet.position[:, side, 1] + rise - socket[:, 1])
    ceiling = gaussian_filter1d(minimum_filter1d(highest, 13), 3)
    # A soft minimum: no kink where the leg's length takes over.
    gap = (wanted - ceiling) / 0.012
    return wanted - 0.012 * np.logaddexp(0, gap)


def pose(root: Array, turn: Array, feet: Feet, upper: dict[int, Array]) -> Array:
    """SMPL joint rotations (T, 72), axis-angle, of a body on its feet.

    root: (T, 3) m. turn: (T, 3, 3) pelvis in the world. upper: joint -> (T, 3, 3) rotation relative to its parent.
    """
    local = {0: turn, **upper}
    heading = _about_y(feet.yaw)
    for side, (hip, knee, ankle) in enumerate(_LEGS):
        socket = root + turn @ REST_OFFSETS[INDEX[hip]]
        outward = 0.15 if side == 0 else -0.15
        forward = (heading[:, side] + turn) @ np.array([outward, 0.0, 1.0])
        thigh, shank = two_link(
            socket,
            feet.position[:, side],
            forward,
            REST_OFFSETS[INDEX[knee]],
            REST_OFFSETS[INDEX[ankle]],
            np.array([0.0, 0.0, 1.0]),
        )
        foot = heading[:, side] @ _about_x(feet.pitch[:, side])
        local[INDEX[hip]] = np.swapaxes(turn, 1, 2) @ thigh
        local[INDEX[knee]] = np.swapaxes(thigh, 1, 2) @ shank
        local[INDEX[ankle]] = np.swapaxes(shank, 1, 2) @ foot
    vectors = np.zeros((len(root), 24, 3))
    for joint, matrix in local.items():
        vectors[:, joint] = Rotation.from_matrix(matrix).as_rotvec()
    return vectors.reshape(len(root), 72)


def _about_y(angle: Array) -> Array:
    return Rotation.from_rotvec(angle.reshape(-1, 1) * [0, 1, 0]).as_matrix().reshape(*angle.shape, 3, 3)


def _about_x(angle: Array) -> Array:
    return Rotation.from_rotvec(angle[:, None] * [1, 0, 0]).as_matrix()


def arm(wrist: Array, pole: Array, left: bool) -> tuple[Rotation, Rotation]:
    """Shoulder and elbow rotations that bring the wrist to a place relative to the shoulder.

    wrist, pole: (3,) in the chest's frame for a left arm (x outward, y up, z forward); a right arm is mirrored.
    """
    mirror = np.array([1.0 if left else -1.0, 1.0, 1.0])
    side = "l" if left else "r"
    upper, fore = two_link(
        np.zeros((1, 3)),
        (wrist * mirror)[None],
        (pole * mirror)[None],
        REST_OFFSETS[INDEX[side + "elbow"]],
        REST_OFFSETS[INDEX[side + "wrist"]],
        np.array([0.0, 0.0, -1.0]),
    )
    shoulder = Rotation.from_matrix(upper[0])
    return shoulder, shoulder.inv() * Rotation.from_matrix(fore[0])
