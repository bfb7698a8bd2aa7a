"""Body2Smpl: two-link inverse kinematics, and conversion of world rotations to joint rotations."""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.spatial.transform import Rotation

from motionbeat.motion.limbs import bent, link_frame, unit
from motionbeat.motion.skeleton import INDEX, REST_OFFSETS

BALL_HEIGHT = 0.02  # m: the toe joint of a foot on the floor; its ankle is then 6 cm higher
_LEGS = (("lhip", "lknee", "lankle", "ltoes"), ("rhip", "rknee", "rankle", "rtoes"))
_FOLDED_M, _SOFT_M = 0.34, 0.02  # least distance of a lifted foot from its hip
_REACH = 0.985  # longest distance from hip to ankle, as a share of the leg's length
_AIRBORNE_SLACK_M = 0.6  # the pelvis need not be lowered for a foot in the air

Array = NDArray[np.float64]


@frozen
class Feet:
    """Paths of the two feet, left then right.

    A foot turns, and lifts its heel, about its ball, which is the toe joint.
    """

    ball: Array  # (T, 2, 3) m
    yaw: Array  # (T, 2) rad about y
    pitch: Array  # (T, 2) rad, toes down positive
    lift: Array  # (T, 2) progress of a step, from 0 (planted) to 1

    def rotation(self) -> Array:
        """World rotations of the feet, (T, 2, 3, 3)."""
        return _about(self.yaw, 1) @ _about(self.pitch, 0)

    def ankle(self) -> Array:
        """Positions of the ankle joints, (T, 2, 3) m."""
        toes = np.array([REST_OFFSETS[INDEX[toes]] for *_, toes in _LEGS])
        return self.ball - (self.rotation() @ toes[:, :, None])[..., 0]


def two_link(
    start: Array, end: Array, pole: Array, first: Array, second: Array, rest_pole: Array
) -> tuple[Array, Array]:
    """Rotations of two links so that the chain from `start` reaches `end`, bent towards `pole`.

    start, end, pole: (T, 3). first, second, rest_pole: (3,), the links and the direction of the bend at rest. Returns
    the world rotations of both links, (T, 3, 3) each. For a target out of reach the links are stretched towards it.
    """
    long, short = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    upper, lower, hinge = bent(end - start, pole, long, short)
    return (link_frame(upper, hinge) @ _rest_frame(first, rest_pole).T), (
        link_frame(lower, hinge) @ _rest_frame(second, rest_pole).T
    )


def _rest_frame(link: Array, pole: Array) -> Array:
    direction = unit(link)
    return link_frame(direction, unit(np.cross(direction, pole)))


def pelvis_height(wanted: Array, place: Array, turn: Array, feet: Feet) -> Array:
    """Root height (T,): `wanted`, but lower if a leg would have to stretch to keep its foot in place.

    wanted: (T,) m. place: (T, 2) root x and z. turn: (T, 3, 3) world rotation of the pelvis.
    """
    highest = np.full(len(wanted), np.inf)
    ankles = feet.ankle()
    for side, (hip, knee, ankle, _) in enumerate(_LEGS):
        length = np.linalg.norm(REST_OFFSETS[INDEX[knee]]) + np.linalg.norm(REST_OFFSETS[INDEX[ankle]])
        socket = turn @ REST_OFFSETS[INDEX[hip]]
        across = np.hypot(*(place + socket[:, [0, 2]] - ankles[:, side][:, [0, 2]]).T)
        rise = np.sqrt(np.maximum((_REACH * length) ** 2 - across**2, 0.01))
        slack = _AIRBORNE_SLACK_M * feet.lift[:, side]
        highest = np.minimum(highest, ankles[:, side, 1] + rise - socket[:, 1] + slack)
    ceiling = gaussian_filter1d(minimum_filter1d(highest, 17), 4)
    # A soft minimum, so that the path is smooth where the leg's length becomes the limit.
    gap = (wanted - ceiling) / 0.012
    return wanted - 0.012 * np.logaddexp(0, gap)


def pose(root: Array, turn: Array, feet: Feet, upper: dict[int, Array]) -> Array:
    """SMPL joint rotations (T, 72), axis-angle, of a standing body.

    root: (T, 3) m. turn: (T, 3, 3) pelvis in the world. upper: joint -> (T, 3, 3) rotation relative to its parent.
    """
    local = {0: turn, **upper}
    world, ankles = feet.rotation(), feet.ankle()
    heading = _about(feet.yaw, 1)
    for side, (hip, knee, ankle, toes) in enumerate(_LEGS):
        socket = root + turn @ REST_OFFSETS[INDEX[hip]]
        # The knee bends forwards about the line from right to left, a little outwards; only for a leg
        # stretched along that line the plane of its bend would be undefined.
        leftwards = (heading[:, side] + turn) @ np.array([1.0, 0.0, -0.15 if side == 0 else 0.15])
        reach = ankles[:, side] - socket
        length = np.linalg.norm(reach, axis=1, keepdims=True)
        least = length + _SOFT_M * np.logaddexp(0, (_FOLDED_M - length) / _SOFT_M)
        forward = np.cross(reach, leftwards)
        thigh, shank = two_link(
            socket,
            socket + reach * least / np.maximum(length, 0.05),
            forward,
            REST_OFFSETS[INDEX[knee]],
            REST_OFFSETS[INDEX[ankle]],
            np.array([0.0, 0.0, 1.0]),
        )
        local[INDEX[hip]] = np.swapaxes(turn, 1, 2) @ thigh
        local[INDEX[knee]] = np.swapaxes(thigh, 1, 2) @ shank
        local[INDEX[ankle]] = np.swapaxes(shank, 1, 2) @ world[:, side]
        # Toes are flat on the floor while the heel is up, and in line with the foot in the air.
        local[INDEX[toes]] = _about(-feet.pitch[:, side] * (1 - np.minimum(1, feet.lift[:, side])), 0)
    joints = np.array(list(local))
    matrices = np.stack(list(local.values()), axis=1)
    vectors = np.zeros((len(root), 24, 3))
    vectors[:, joints] = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_rotvec().reshape(len(root), -1, 3)
    return vectors.reshape(len(root), 72)


def _about(angle: Array, axis: int) -> Array:
    """Rotations about x, y or z by (...) rad: (..., 3, 3)."""
    cosine, sine = np.cos(angle), np.sin(angle)
    one, two = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., axis, axis] = 1
    matrix[..., one, one] = matrix[..., two, two] = cosine
    matrix[..., two, one], matrix[..., one, two] = sine, -sine
    return matrix


def arm(wrist: Array, pole: Array, left: bool) -> tuple[Rotation, Array]:
    """Shoulder rotations (N,) and elbow bends (N,) rad that move the wrist to places relative to the shoulder.

    wrist, pole: (N, 3) in the chest's frame for a left arm (x outward, y up, z forward); a right arm is mirrored.
    """
    mirror = np.array([1.0 if left else -1.0, 1.0, 1.0])
    first, second = _arm_links(left)
    upper, fore = two_link(np.zeros_like(wrist), wrist * mirror, pole * mirror, first, second, _ELBOW_POLE)
    links = [one @ two for one, two in zip(upper @ unit(first), fore @ unit(second), strict=True)]
    return Rotation.from_matrix(upper), np.arccos(np.clip(links, -1, 1))


def elbow(bend: Array, left: bool) -> Array:
    """Elbow rotations (T, 3, 3) for bends (T,) in rad: 0 is straight; the elbow only turns about its hinge."""
    first, second = _arm_links(left)
    return _rest_frame(first, _ELBOW_POLE) @ _about(-bend, 1) @ _rest_frame(second, _ELBOW_POLE).T


_ELBOW_POLE = np.array([0.0, 0.0, -1.0])


def _arm_links(left: bool) -> tuple[Array, Array]:
    side = "l" if left else "r"
    return REST_OFFSETS[INDEX[side + "elbow"]], REST_OFFSETS[INDEX[side + "wrist"]]
