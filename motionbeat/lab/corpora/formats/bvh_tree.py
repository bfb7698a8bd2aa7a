"""Bvh2Positions: joint positions from a hierarchy and its frames, by forward kinematics."""

from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from motionbeat.errors import MotionBeatError

END_SITE = "End Site"
_RATES = (
    *(120, 60, 30, 25, 24, 100, 50, 90, 240, 200, 48, 10, 12, 15, 20, 40, 72, 144),
    *(120 / 1.001, 60 / 1.001, 30 / 1.001, 24 / 1.001),
)
_COARSE = 0.01
"""A Frame Time with so few digits that the rate is uncertain by more than this is not used."""


@frozen
class Joint:
    """A joint or End Site; channels: axis and kind (position or rotation) as the file lists them."""

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[tuple[str, str], ...]


@frozen(eq=False)
class Bvh:
    """A parsed BVH file. joints: parents before children. values: (T, channels), degrees and file units."""

    joints: tuple[Joint, ...]
    values: NDArray[np.float64]
    frame_time: str

    def positions(self) -> NDArray[np.float64]:
        """(T, J, 3): positions of all joints and End Sites, by forward kinematics.

        A rotation is the product of the joint's rotation channels in their order, applied to its children. A position
        channel replaces that axis of the offset, as in exports of Blender and MotionBuilder; but if all position
        channels are closer to 0 than to the offsets, they are added to the offsets.
        """
        relative = self._relative_positions()
        frames, start = len(self.values), 0
        turns: list[Rotation] = []
        places = np.zeros((frames, len(self.joints), 3))
        for number, joint in enumerate(self.joints):
            values = self.values[:, start : start + len(joint.channels)]
            start += len(joint.channels)
            local = np.tile(np.array(joint.offset), (frames, 1))
            for column, (axis, kind) in enumerate(joint.channels):
                if kind == "position":
                    start_at = joint.offset["XYZ".index(axis)] if relative and joint.parent >= 0 else 0.0
                    local[:, "XYZ".index(axis)] = start_at + values[:, column]
            order = [(axis, column) for column, (axis, kind) in enumerate(joint.channels) if kind == "rotation"]
            turn = Rotation.identity(frames)
            if order:
                angles = values[:, [column for _, column in order]]
                turn = Rotation.from_euler("".join(axis for axis, _ in order), angles, degrees=True)
            if joint.parent < 0:
                places[:, number] = local
                turns.append(turn)
            else:
                above = turns[joint.parent]
                places[:, number] = places[:, joint.parent] + above.apply(local)
                turns.append(above if joint.name == END_SITE else above * turn)
        return places

    def _relative_positions(self) -> bool:
        """Whether position channels below the root are relative to the joints' offsets."""
        start, absolute, relative = 0, 0.0, 0.0
        for joint in self.joints:
            for column, (axis, kind) in enumerate(joint.channels, start):
                if kind == "position" and joint.parent >= 0:
                    middle = float(np.median(self.values[:, column]))
                    absolute += abs(middle - joint.offset["XYZ".index(axis)])
                    relative += abs(middle)
            start += len(joint.channels)
        return relative < absolute

    def fps(self, path: Path, given: float | None) -> float:
        """Frames per second: the common rate whose rounded inverse is Frame Time, such as 30 for 0.033333.

        given: the rate from the user; it is used if Frame Time is rounded coarsely, and must agree with it.
        """
        seconds = float(self.frame_time)
        half = 0.5 * 10.0 ** -len(self.frame_time.lower().partition("e")[0].partition(".")[2])
        half *= 10.0 ** float(self.frame_time.lower().partition("e")[2] or 0)
        if given is not None:
            if abs(1 / given - seconds) > max(half, _COARSE * seconds):
                raise MotionBeatError(
                    f"{path}: Frame Time {self.frame_time} s is {1 / seconds:.4g} frames per second, the column fps "
                    "says "
                    f"{given:g}: correct or empty the column"
                )
            return given
        exact = [rate for rate in _RATES if abs(rate * seconds - 1) < 1e-12]
        if exact:
            return float(exact[0])
        near = sorted(_RATES, key=lambda rate: abs(1 / rate - seconds))
        usual = [rate for rate in near if abs(1 / rate - seconds) <= half * (1 + 1e-9)]
        usual = usual or [rate for rate in near if abs(1 / rate - seconds) < 2 * half]  # cut off, not rounded
        usual = [rate for rate in usual if rate == int(rate)] or usual  # 0.0167 is 60 rounded, not 60 / 1.001
        if half > _COARSE * seconds:
            raise MotionBeatError(
                f"{path}: Frame Time {self.frame_time} s is rounded too coarsely to derive the rate: fill the column "
                "fps of clips.csv"
            )
        return float(usual[0]) if usual else 1 / seconds
