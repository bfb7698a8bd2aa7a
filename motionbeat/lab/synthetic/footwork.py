"""The paths of two feet, and of the body's height, written step by step."""

import numpy as np
from attrs import define, field
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline

from motionbeat.lab.synthetic.plan import FPS
from motionbeat.lab.synthetic.style import Style
from motionbeat.motion.limbs import minimum_jerk

Array = NDArray[np.float64]

_HOP_S, _HOP_M = 0.17, 0.18
_TOES_DOWN = {"walk": 0.5, "cross": 0.5, "tap": 0.6, "chasse": 0.5}  # rad; others point their toes
_FEET_APART_M, _SOFT_M = 0.14, 0.02
_GRAVITY = 9.81


@define
class Paths:
    """The positions after the steps so far, and the paths up to here."""

    times: Array
    stood: list[Array]
    faced: list[float]
    heading: float
    place: Array = field(init=False)  # (T, 2, 2)
    extra: Array = field(init=False)  # (T, 2, 3): flourishes and lifts; x, y, z
    yaw: Array = field(init=False)
    pitch: Array = field(init=False)
    lift: Array = field(init=False)
    share: Array = field(init=False)
    height: Array = field(init=False)
    flight: Array = field(init=False)
    level: Array = field(init=False)

    def __attrs_post_init__(self) -> None:
        frames = len(self.times)
        self.place = np.tile(np.array(self.stood), (frames, 1, 1))
        self.extra = np.zeros((frames, 2, 3))
        self.yaw = np.tile(np.array(self.faced), (frames, 1))
        self.pitch, self.lift = np.zeros((frames, 2)), np.zeros((frames, 2))
        self.share, self.height, self.flight, self.level = np.full(frames, 0.5), *np.zeros((3, frames))

    def swing(
        self,
        foot: int,
        time: float,
        duration: float,
        centre: tuple[Array, Array],
        target: Array,
        turn: float,
        facing: float,
        rise: float,
        flourish: Array,
        kind: str,
    ) -> None:
        """Move a foot to its target, turning with the body about a centre that may move, without crossing the other
        foot.
        """
        begin = time - duration
        first, last = np.searchsorted(self.times, (begin, time), side="right")
        progress = (self.times[first:last] - begin) / duration
        path = minimum_jerk(progress)[:, None]
        start = self.stood[foot] - centre[0]
        end = turned(target - centre[1], -turn)
        around = turned(start + path * (end - start), turn * path[:, 0])
        self.place[first:last, foot] = centre[0] + path * (centre[1] - centre[0]) + around
        self.place[last:, foot] = target
        self.yaw[first:last, foot] = self.faced[foot] + path[:, 0] * (facing - self.faced[foot])
        self.yaw[last:, foot] = facing
        self.lift[first:last, foot] = 4 * progress * (1 - progress)
        self.extra[first:last, foot, 1] = 4 * rise * progress * (1 - progress)
        self.extra[first:last, foot] += (64 * (progress * (1 - progress)) ** 3)[:, None] * self._in_room(
            flourish, self.heading + turn * path[:, 0]
        )
        near = slice(*np.searchsorted(self.times, (begin - 0.1, time + 0.1)))
        since, pitch = self.times[near] - begin, self.pitch[near, foot]
        heel_up = minimum_jerk((since + 0.09) / (0.09 + 0.4 * duration))
        heel_down = minimum_jerk((since - 0.55 * duration) / (0.45 * duration + 0.07))
        np.maximum(pitch, _TOES_DOWN.get(kind, 0.85) * heel_up * (1 - heel_down), out=pitch)
        self.stood[foot], self.faced[foot] = target, facing

    @staticmethod
    def _in_room(offset: Array, heading: Array) -> Array:
        """An offset (3,) to the left, up and forwards as x, y and z, for bodies that face `heading` (T,): (T, 3)."""
        floor = turned(offset[[0, 2]], heading)
        return np.stack([floor[:, 0], np.full(len(heading), offset[1]), floor[:, 1]], axis=1)

    def hop(self, foot: int, time: float, mover: Style, turn: float, facing: float) -> None:
        """The standing foot hops back a little while the other kicks; both land at `time`."""
        flight = _HOP_S * min(1.2, mover.spring)
        stance = self.stood[foot]
        target = stance - _HOP_M * mover.step_size * ahead(self.heading + turn)
        self.fly(time, flight)
        self.swing(foot, time, flight, (stance, stance), target, 0.0, facing, 0.0, np.zeros(3), "walk")

    def pivot(self, foot: int, time: float, duration: float, facing: float) -> None:
        """The standing foot turns about its ball, heel a little up."""
        progress = (self.times - time + duration) / duration
        self.yaw[:, foot] += minimum_jerk(progress) * (facing - self.faced[foot])
        s = np.clip(progress, 0, 1)
        self.pitch[:, foot] = np.maximum(self.pitch[:, foot], 0.3 * 16 * (s * (1 - s)) ** 2)
        self.faced[foot] = facing

    def fly(self, time: float, flight: float) -> None:
        """Bend, push off, fly by gravity, land at `time`, and bend on landing."""
        speed = _GRAVITY * flight / 2
        push = 0.06 + 0.35 * flight
        knots = np.array([-push - 0.28, -push, 0.0])
        rise = CubicHermiteSpline(knots, [0.0, -0.5 * speed * push, 0.0], [0.0, 0.0, speed])
        fall = CubicHermiteSpline([0.0, push, 0.52], [0.0, -0.5 * speed * push, 0.0], [-speed, 0.0, 0.0])
        left = self.times - (time - flight)
        before, after = (left > knots[0]) & (left <= 0), (left > flight) & (left < flight + 0.52)
        during = (left > 0) & (left < flight)
        height = speed * left[during] - _GRAVITY / 2 * left[during] ** 2
        self.height[before] += rise(left[before])
        self.height[after] += fall(left[after] - flight)
        self.height[during] += height
        self.flight[during] = height


def clearance(place: Array, lift: Array) -> Array:
    """(T, 2, 2) m by which feet in the air are moved away from the other foot."""
    away = place - place[:, ::-1]
    apart = np.linalg.norm(away, axis=2, keepdims=True)
    near = _SOFT_M * np.logaddexp(0, (_FEET_APART_M - apart) / _SOFT_M)
    return near * away / np.hypot(apart, 0.08) * np.minimum(1, 2 * lift[:, :, None]) ** 2


def shift(path: Array, times: Array, begin: float, duration: float, by: float) -> None:
    """Add a smooth change to a path, in place."""
    first = int(np.searchsorted(times, begin))
    path[first:] += by * minimum_jerk((times[first:] - begin) / duration)


def across(heading: float) -> Array:
    """To the body's left, x and z."""
    return np.array([np.cos(heading), -np.sin(heading)])


def ahead(heading: float) -> Array:
    return np.array([np.sin(heading), np.cos(heading)])


def turned(points: Array, angle: Array | float) -> Array:
    """Points (..., 2) in x and z, turned about y by rad."""
    cosine, sine = np.cos(angle), np.sin(angle)
    x, z = points[..., 0], points[..., 1]
    return np.stack([cosine * x + sine * z, cosine * z - sine * x], axis=-1)


def creeping(noise: Array) -> Array:
    """(T, 2, 2) m of slow noise of any size, never faster than 4 cm/s."""
    speed = np.linalg.norm(np.diff(noise, axis=0), axis=2).max(initial=0.0) * FPS
    return noise * min(1.0, 0.04 / speed) if speed > 0 else noise
