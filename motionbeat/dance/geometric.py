"""Geometric ("manual") features: the share of frames in which each of 32 conditions on the body is true.

Mueller, Roeder & Clausen, "Efficient Content-Based Retrieval of Motion Capture Data", SIGGRAPH 2005, with the 32
features that the evaluation of AIST++ (Li et al., ICCV 2021) uses, at 60 frames per second.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionbeat.dance.joints import at_rate
from motionbeat.motion.skeleton import INDEX

FPS = 60.0
VELOCITY_SCALE = 120.0
"""The definition multiplies the displacement per 60-Hz frame by 120, so its speeds are twice the speed in m/s."""
HUMERUS, SHOULDERS, HIPS = 0.25683811, 0.39084836, 0.11924707
"""Thresholds are multiples of these lengths (m): upper arm, shoulder width, hip width."""
_LEAST_FRAMES = 2

_Points = Mapping[str, NDArray[np.float64]]
_Condition = Callable[..., NDArray[np.bool_]]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors scaled to length 1; zero vectors stay 0."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def _dot(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return (x * y).sum(axis=-1)


def _speed_along(
    direction: NDArray[np.float64], a: NDArray[np.float64], moving: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scaled displacement of `moving` relative to `a` along the unit of `direction`, of frames 1 .. T - 1."""
    return _dot(np.diff(moving - a, axis=0), _unit(direction)[1:]) * VELOCITY_SCALE


def _move(points: _Points, threshold: float, a: str, b: str, c: str) -> NDArray[np.bool_]:
    """c moves away from a along the line from a to b."""
    return _speed_along(points[b] - points[a], points[a], points[c]) > threshold


def _nmove(points: _Points, threshold: float, a: str, b: str, c: str, d: str) -> NDArray[np.bool_]:
    """d moves along the normal of the plane through a, b and c."""
    normal = np.cross(points[c] - points[a], points[b] - points[a])
    return _speed_along(normal, points[a], points[d]) > threshold


def _plane(points: _Points, threshold: float, a: str, b: str, c: str, d: str) -> NDArray[np.bool_]:
    """d lies above the plane through a, b and c."""
    normal = _unit(np.cross(points[c] - points[a], points[b] - points[a]))
    return (_dot(normal, points[d] - points[a]) > threshold)[1:]


def _nplane(points: _Points, threshold: float, a: str, b: str, c: str, d: str) -> NDArray[np.bool_]:
    """d lies above the plane through c whose normal is the line from a to b."""
    return (_dot(_unit(points[b] - points[a]), points[d] - points[c]) > threshold)[1:]


def _angle(points: _Points, bounds: tuple[float, float], a: str, b: str, c: str, d: str) -> NDArray[np.bool_]:
    """The angle between the lines from a to b and from c to d is between the bounds, in degrees.

    If a line has length 0 there is no angle, and the condition is false.
    """
    first, second = points[b] - points[a], points[d] - points[c]
    degrees = np.degrees(np.arccos(np.clip(_dot(_unit(first), _unit(second)), -1.0, 1.0)))
    has_length = first.any(axis=-1) & second.any(axis=-1)
    return (has_length & (degrees > bounds[0]) & (degrees < bounds[1]))[1:]


def _fast(points: _Points, threshold: float, a: str) -> NDArray[np.bool_]:
    return np.linalg.norm(np.diff(points[a], axis=0), axis=-1) * VELOCITY_SCALE > threshold


CONDITIONS: tuple[tuple[_Condition, float | tuple[float, float], str], ...] = (
    (_nmove, 1.8 * HUMERUS, "neck rhip lhip rwrist"),
    (_nmove, 1.8 * HUMERUS, "neck lhip rhip lwrist"),
    (_nplane, 0.2 * HUMERUS, "chest neck neck rwrist"),
    (_nplane, 0.2 * HUMERUS, "chest neck neck lwrist"),
    (_move, 1.8 * HUMERUS, "belly chest chest"),  # meant for the right wrist, which the definition ignores
    (_move, 1.8 * HUMERUS, "belly chest chest"),  # meant for the left wrist
    (_angle, (0, 110), "relbow rshoulder relbow rwrist"),
    (_angle, (0, 110), "lelbow lshoulder lelbow lwrist"),
    (_nplane, 2.5 * SHOULDERS, "lshoulder rshoulder lwrist rwrist"),
    (_move, 1.4 * HUMERUS, "lwrist rwrist rwrist"),
    (_move, 1.4 * HUMERUS, "rwrist root lwrist"),
    (_move, 1.4 * HUMERUS, "lwrist root rwrist"),
    (_fast, 2.5 * HUMERUS, "rwrist"),
    (_fast, 2.5 * HUMERUS, "lwrist"),
    (_plane, 0.38 * HUMERUS, "root lhip ltoes rankle"),
    (_plane, 0.38 * HUMERUS, "root rhip rtoes lankle"),
    (_nplane, 1.2 * HUMERUS, "zero y y_min rankle"),
    (_nplane, 1.2 * HUMERUS, "zero y y_min lankle"),
    (_nplane, 2.1 * HIPS, "lhip rhip lankle rankle"),
    (_angle, (0, 110), "rknee rhip rknee rankle"),
    (_angle, (0, 110), "lknee lhip lknee lankle"),
    (_fast, 2.5 * HUMERUS, "rankle"),
    (_fast, 2.5 * HUMERUS, "lankle"),
    (_angle, (25, 180), "neck root rshoulder relbow"),
    (_angle, (25, 180), "neck root lshoulder lelbow"),
    (_angle, (50, 180), "neck root rhip rknee"),
    (_angle, (50, 180), "neck root lhip lknee"),
    (_plane, 0.5 * HUMERUS, "rankle neck lankle root"),
    (_angle, (70, 110), "neck root zero y"),
    (_nplane, -1.2 * HUMERUS, "zero -y y_min rwrist"),
    (_nplane, -1.2 * HUMERUS, "zero -y y_min lwrist"),
    (_fast, 2.3 * HUMERUS, "root"),
)
"""Each condition, its threshold (m, scaled m per frame, or degrees) and its points, in order."""


def geometric_features(joints: ArrayLike, fps: float = FPS) -> NDArray[np.float64]:
    """32 geometric features of one sequence: the share of its frames, 0..1, in which each condition is true.

    joints: (T, 24, 3) m, y up, at `fps` frames per second (resampled to 60). Returns (32,) in the order
    of `CONDITIONS`; the first frame has no velocity and is left out. Features 5 and 6 are equal, since the definition
    ignores the wrist in which they should differ. Features do not depend on place or direction of the dancer, but 1, 2,
    15, 16 and 28 change in a mirror, since their planes turn over. Raises `MotionBeatError` for joints that cannot be
    used or have fewer than 2 frames.
    """
    positions = at_rate("geometric_features", joints, fps, FPS, _LEAST_FRAMES)
    points = {name: positions[:, index] for name, index in INDEX.items()}
    upwards = np.broadcast_to([0.0, 1.0, 0.0], points["root"].shape)
    points |= {"zero": 0.0 * upwards, "y": upwards, "-y": -upwards}
    points["y_min"] = positions[..., 1].min(axis=1)[:, None] * upwards
    return np.array([condition(points, bound, *names.split()).mean() for condition, bound, names in CONDITIONS])
