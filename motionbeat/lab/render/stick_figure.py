"""Common parts of all pictures of a dancer: bones, colours, the view from the front, and the floor.

Left limbs have one colour and right limbs another, so that front and back views of a figure are not confused. Colours
are readable on light and dark background; `INK` is replaced by the colour of the page's text.
"""

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.motion.skeleton import INDEX, JOINTS, PARENTS

INK = "#101418"
LEFT, RIGHT = "#d9622b", "#2b83c9"
ONSET = "#7a8794"
THREE_QUARTER = -0.45
SIDES = (("L", LEFT, (0, 2)), ("R", RIGHT, (1, 3)))
"""Name and colour of each side, and its columns of contacts, in the order of `skeleton.FEET`."""
BONES = tuple((child, parent) for child, parent in enumerate(PARENTS) if parent >= 0 and child != INDEX["head"])
"""Joint and parent of each bone that is drawn as a line; the head is a circle."""
_TRUNK = {"root", "belly", "spine", "chest", "neck", "head", "linshoulder", "rinshoulder", "lhip", "rhip"}


def colour_of(joint: int) -> str:
    """Colour of the bone that ends in a joint: `LEFT` or `RIGHT` of the limbs, `INK` of the trunk."""
    name = JOINTS[joint]
    return INK if name in _TRUNK else LEFT if name[0] == "l" else RIGHT


def project(joints: NDArray[np.floating], angle: float = THREE_QUARTER) -> NDArray[np.float64]:
    """Orthographic view of (..., 24, 3) m, y up, turned by `angle` radians about the vertical: (..., 24, 2) m.

    With angle 0 the viewer looks along -z, so that a dancer who faces +z is shown from the front.
    """
    joints = np.asarray(joints, float)
    across = np.cos(angle) * joints[..., 0] + np.sin(angle) * joints[..., 2]
    return np.stack([across, joints[..., 1]], axis=-1)


def facing(joints: NDArray[np.floating]) -> float:
    """Angle in radians about the vertical for `project`, with which a dance (T, 24, 3) is shown from the front.

    It follows from the mean line between the hips; left = +x for a dancer who faces the viewer.
    """
    x, _, z = (np.asarray(joints, float)[:, INDEX["lhip"]] - joints[:, INDEX["rhip"]]).mean(axis=0)
    return float(np.arctan2(z, x))


def floor_height(joints: NDArray[np.floating]) -> float:
    """Height in m of the floor below a dance (T, 24, 3): the lower toes' 5th percentile."""
    return float(np.percentile(joints[:, (INDEX["ltoes"], INDEX["rtoes"]), 1].min(axis=1), 5))


def check_dance(joints: NDArray[np.floating], contacts: NDArray[np.bool_]) -> None:
    """Raise `MotionBeatError` for joints that are not finite (T, 24, 3), and contacts that are not (T, 4)."""
    if joints.ndim != 3 or joints.shape[1:] != (24, 3) or len(joints) < 2 or not np.all(np.isfinite(joints)):
        raise MotionBeatError(f"joints are {joints.shape}: expected at least 2 finite frames of (24, 3), in metres")
    if contacts.shape != (len(joints), 4):
        raise MotionBeatError(f"contacts are {contacts.shape}: expected {(len(joints), 4)}, one column per foot joint")


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First frame, and the frame after the last, of each unbroken run of True in (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(flags, int), [0]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
