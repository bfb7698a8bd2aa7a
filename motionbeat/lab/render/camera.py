"""Joints2Pixels: a pinhole camera that follows a dancer across the floor without turning.

Axes: metres, y up. The camera looks down at the dancer a little, so that steps over the floor are visible.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.render.stick_figure import THREE_QUARTER, facing
from motionbeat.motion.skeleton import INDEX

Floats = NDArray[np.float64]

_PITCH = 0.21  # rad, downwards
_DISTANCE = 5.5  # m from the dancer, more if limbs or movement need it
_FOLLOW_S = 0.6  # s, deviation of the Gaussian that smooths the root's path
_REACH = 0.16  # m around each joint that must be visible: head, hands, the width of bones
_LEAST_HEIGHT = 1.9  # least size of the picture, m, so that a dancer on the floor is not enlarged


@frozen(eq=False)
class Camera:
    """The position of the camera in each frame, and its scale.

    targets: (T, 3) m, the point that it looks at. angle: rad about the vertical, as for `stick_figure.project`.
    distance: m from the target. focal: pixels. centre: (x, y) pixel at which the target appears.
    """

    targets: Floats
    angle: float
    distance: float
    focal: float
    centre: tuple[float, float]

    def project(self, points: NDArray[np.floating], frame: int) -> Floats:
        """Points (..., 3) m in a frame as (..., 3): x and y in pixels, y downwards, and pixels per metre at this
        point.
        """
        x, y, depth = _in_view(np.asarray(points, float) - self.targets[frame], self.angle, self.distance)
        scale = self.focal / depth
        return np.stack([self.centre[0] + x * scale, self.centre[1] - y * scale, scale], axis=-1)

    @property
    def flattening(self) -> float:
        """Height divided by width, in pixels, of a circle on the floor below the target."""
        return float(np.sin(_PITCH))


def follow(joints: NDArray[np.floating], fps: float, ground: float, box: tuple[float, float, float, float]) -> Camera:
    """The camera that shows a dance (T, 24, 3) m at `fps` frames/s from the front, a little from the side.

    Its target is the root's path over the floor, smoothed by a Gaussian of 0.6 s, half the body's height above
    `ground` (m). box: left, top, right, bottom in pixels: it contains every joint of every frame, with space for head
    and hands, as large as possible.
    """
    from scipy.ndimage import gaussian_filter1d

    joints = np.asarray(joints, float)
    targets = gaussian_filter1d(joints[:, INDEX["root"]], _FOLLOW_S * fps, axis=0, mode="nearest")
    targets[:, 1] = ground + max(joints[..., 1].max() - ground, _LEAST_HEIGHT) / 2
    relative = joints - targets[:, None]
    floor = np.where([False, True, False], ground - targets[:, None], relative)  # shadows must be in view as well
    angle = facing(joints) + THREE_QUARTER
    distance = max(_DISTANCE, 2.5 * float(np.abs(relative).max()))
    x, y, depth = _in_view(np.concatenate([relative, floor], axis=1), angle, distance)
    left, top, right, bottom = box
    half_width = float(((np.abs(x) + _REACH) / depth).max())
    highest, lowest = float(((y + _REACH) / depth).max()), float(((y - _REACH) / depth).min())
    height = max(highest - lowest, _LEAST_HEIGHT / distance)
    focal = min((right - left) / 2 / half_width, (bottom - top) / height)
    middle = (highest + lowest) / 2
    return Camera(targets, angle, distance, focal, ((left + right) / 2, (top + bottom) / 2 + focal * middle))


def _in_view(relative: Floats, angle: float, distance: float) -> tuple[Floats, Floats, Floats]:
    """Points (..., 3) m relative to the target, in camera axes: right, up, and away from the camera (m)."""
    across = np.cos(angle) * relative[..., 0] + np.sin(angle) * relative[..., 2]
    nearer = -np.sin(angle) * relative[..., 0] + np.cos(angle) * relative[..., 2]
    up = np.cos(_PITCH) * relative[..., 1] - np.sin(_PITCH) * nearer
    return across, up, distance - np.sin(_PITCH) * relative[..., 1] - np.cos(_PITCH) * nearer
