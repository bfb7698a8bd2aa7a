"""Positions2Joints: the 24 SMPL joints from the joints of a BVH skeleton.

Limbs are found by name and by their position in the chain. Missing joints are placed as in SMPL's rest pose, relative
to their neighbours: the spine along the line from the hips to the neck, collars between chest, neck and shoulder, hands
and toes towards the end of the limb.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats import bvh_names
from motionbeat.lab.corpora.formats.bvh_tree import END_SITE, Joint
from motionbeat.motion.kinematics import rest_joints
from motionbeat.motion.skeleton import INDEX, JOINTS

Array = NDArray[np.float64]
_SPINE = ("belly", "spine", "chest", "neck", "head")
_NO_LENGTH = 1e-3
"""A joint closer to its parent than this part of the trunk length is at the same place (CMU's LowerBack)."""
_THUMB = "thumb"
_AHEAD = 0.4
"""Cosine between a foot and the normal of its shin: 0.55 to 0.95 in dances, below 0.3 for an end along the shin."""


@frozen(eq=False)
class Mapped:
    """joints: (T, 24, 3) in the file's unit and axes; toes: whether the file has the direction of the feet."""

    joints: Array
    toes: bool


def smpl_joints(path: Path, joints: Sequence[Joint], positions: Array) -> Mapped:
    """The SMPL joints from `positions` (T, J, 3) of a BVH hierarchy.

    Raises `MotionBeatError` naming the limbs without a joint, and the names in the file.
    """
    return _Mapper(path, joints, positions).mapped()


class _Mapper:
    def __init__(self, path: Path, joints: Sequence[Joint], positions: Array) -> None:
        self.path, self.joints, self.positions = path, joints, positions
        self.children: list[list[int]] = [[] for _ in joints]
        for number, joint in enumerate(joints):
            if joint.parent >= 0:
                self.children[joint.parent].append(number)
        named = [number for number, joint in enumerate(joints) if joint.name != END_SITE]
        self.parts = [("", END_SITE)] * len(joints)
        for number, name in zip(named, bvh_names.without_prefix([joints[n].name for n in named]), strict=True):
            self.parts[number] = bvh_names.side_and_part(name)
        self.missing: list[str] = []

    def mapped(self) -> Mapped:
        found: dict[str, int] = {}
        for side in "lr":
            found |= self._limb(
                side, ("shoulder", "elbow", "wrist"), (bvh_names.SHOULDER, bvh_names.ELBOW, bvh_names.WRIST)
            )
            found |= self._limb(side, ("hip", "knee", "ankle"), (bvh_names.HIP, bvh_names.KNEE, bvh_names.ANKLE))
        head = next((n for n, (side, part) in enumerate(self.parts) if not side and part == "head"), None)
        if head is None:  # an End Site above the neck is the head
            head = next((n for n, joint in enumerate(self.joints) if self._ends_neck(joint)), None)
        if head is None:
            self.missing.append("head")
        if self.missing or head is None:
            have = ", ".join(joint.name for joint in self.joints if joint.name != END_SITE)
            raise MotionBeatError(
                f"{self.path}: no joint was found for {', '.join(self.missing)}; the file has {have}: rename them as "
                "Mixamo does (LeftUpLeg, LeftLeg, LeftFoot, LeftArm, LeftForeArm, LeftHand, ..., Head)"
            )
        at = {name: self.positions[:, number] for name, number in found.items()}
        at |= self._trunk(found["lhip"], found["rhip"], head)
        toes = True
        for side in "lr":
            at[f"{side}inshoulder"] = self._collar(side, found[f"{side}shoulder"], at)
            at[f"{side}hand"] = self._hand(side, found[f"{side}wrist"], at)
            at[f"{side}toes"], said = self._toes(side, found[f"{side}ankle"], at)
            toes = toes and said
        return Mapped(np.stack([at[name] for name in JOINTS], axis=1), toes)

    def _ends_neck(self, joint: Joint) -> bool:
        side, part = self.parts[joint.parent]
        return joint.name == END_SITE and not side and part.startswith("neck")

    def _limb(self, side: str, of: tuple[str, str, str], parts: tuple[tuple[str, ...], ...]) -> dict[str, int]:
        """The joints of an arm or leg: the middle one by name, the others nearest to it in the chain."""
        upper, middle, lower = parts
        for part in middle:
            for number in (n for n, found in enumerate(self.parts) if found == (side, part)):
                ends = self._above(number, side, upper), self._below(number, side, lower)
                if ends[0] is not None and ends[1] is not None:
                    return dict(zip((side + name for name in of), (ends[0], number, ends[1]), strict=True))
        self.missing.append(f"{'left' if side == 'l' else 'right'} {', '.join(of)}")
        return {}

    def _line(self, number: int) -> Iterator[int]:
        """The ancestors of a joint, nearest first."""
        while (number := self.joints[number].parent) >= 0:
            yield number

    def _above(self, number: int, side: str, parts: tuple[str, ...]) -> int | None:
        return next((n for n in self._line(number) if self.parts[n][0] == side and self.parts[n][1] in parts), None)

    def _below(self, number: int, side: str, parts: tuple[str, ...]) -> int | None:
        level = self.children[number]
        while level:
            for child in level:
                if self.parts[child][0] == side and self.parts[child][1] in parts:
                    return child
            level = [grandchild for child in level for grandchild in self.children[child]]
        return None

    def _trunk(self, left: int, right: int, head: int) -> dict[str, Array]:
        """Root (where the legs begin), spine, neck and head."""
        right_line = list(self._line(right))
        root = next((number for number in self._line(left) if number in right_line), 0)
        root_line = [root, *self._line(root)]
        between: list[int] = []
        for number in self._line(head):
            if number in root_line:
                break
            between.insert(0, number)
        trunk = _typical(self.positions[:, head] - self.positions[:, root])
        points = [root]
        for number in [*between, head]:
            if _typical(self.positions[:, number] - self.positions[:, points[-1]]) > _NO_LENGTH * trunk:
                points.append(number)
        neck = next((n for n in points[1:-1] if self.parts[n][1].startswith("neck")), None)
        spine = points[1 : points.index(neck)] if neck is not None else points[1:-1]
        at = {"root": self.positions[:, root], "head": self.positions[:, head]}
        if neck is not None:
            at["neck"] = self.positions[:, neck]
        if neck is not None and len(spine) == 3:
            return at | {name: self.positions[:, n] for name, n in zip(_SPINE, spine, strict=False)}
        above = "head" if neck is None else "neck"
        end = head if neck is None else neck
        line = [self.positions[:, number] for number in [root, *spine, end]]
        wanted = _SPINE[: _SPINE.index(above)]
        return at | dict(zip(wanted, _along(line, _fractions(above)), strict=False))

    def _collar(self, side: str, shoulder: int, at: dict[str, Array]) -> Array:
        collar = self._above(shoulder, side, bvh_names.COLLAR)
        if collar is not None:
            return self.positions[:, collar]
        weights = _collar_weights(side)
        arms = np.stack([at[f"{side}shoulder"] - at["chest"], at["neck"] - at["chest"]])
        return at["chest"] + np.tensordot(weights, arms, 1)

    def _hand(self, side: str, wrist: int, at: dict[str, Array]) -> Array:
        """The hand joint; without it from the wrist to the fingers, or as a continuation of the forearm."""
        hand = self._below(wrist, side, bvh_names.HAND)
        if hand is not None:
            return self.positions[:, hand]
        forearm = at[f"{side}wrist"] - at[f"{side}elbow"]
        fingers = self._ends(wrist, at[f"{side}wrist"], _typical(forearm))
        towards = forearm if fingers is None else fingers
        length = _typical(forearm) * _rest_ratio(f"{side}hand", f"{side}wrist", f"{side}elbow")
        return at[f"{side}wrist"] + length * _unit(towards)

    def _toes(self, side: str, ankle: int, at: dict[str, Array]) -> tuple[Array, bool]:
        """The toe joint; without it from the ankle to the end of the foot, or forwards at a right angle to the shin.

        Exporters write an end along the shin if the foot has no child; such an end is not a toe.
        """
        toes = self._below(ankle, side, bvh_names.TOES)
        if toes is not None:
            return self.positions[:, toes], True
        shin = at[f"{side}ankle"] - at[f"{side}knee"]
        length = _typical(shin) * _rest_ratio(f"{side}toes", f"{side}ankle", f"{side}knee")
        ahead = _unit(np.cross(at["lhip"] - at["rhip"], -shin))
        end = self._ends(ankle, at[f"{side}ankle"], _typical(shin))
        if end is not None and abs(np.median((_unit(end) * ahead).sum(axis=-1))) > _AHEAD:
            return at[f"{side}ankle"] + length * _unit(end), True
        rest = rest_joints()[INDEX[f"{side}toes"]] - rest_joints()[INDEX[f"{side}ankle"]]
        return at[f"{side}ankle"] + length * _unit(rest[2] * ahead - rest[1] * _unit(shin)), False

    def _ends(self, number: int, origin: Array, measure: float) -> Array | None:
        """From a joint to the mean of its children (without thumbs), or None if it has no child at a distance."""
        below = [n for n in self._all_below(number) if _THUMB not in self.parts[n][1]]
        mean = self.positions[:, below].mean(axis=1) - origin if below else np.zeros_like(origin)
        return mean if _typical(mean) > 0.05 * measure else None

    def _all_below(self, number: int) -> Iterator[int]:
        for child in self.children[number]:
            if _THUMB not in self.parts[child][1]:
                yield child
                yield from self._all_below(child)


def _typical(vectors: Array) -> float:
    return float(np.median(np.linalg.norm(vectors, axis=-1)))


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _rest_length(name: str, parent: str) -> float:
    return float(np.linalg.norm(rest_joints()[INDEX[name]] - rest_joints()[INDEX[parent]]))


def _rest_ratio(end: str, middle: str, upper: str) -> float:
    """How long SMPL's hand or foot is relative to its forearm or shin."""
    return _rest_length(end, middle) / _rest_length(middle, upper)


def _fractions(above: str) -> list[float]:
    """The position of each joint along SMPL's spine, from 0 (root) to 1 (neck or head)."""
    chain = ["root", *_SPINE[: _SPINE.index(above) + 1]]
    travelled = np.cumsum([_rest_length(b, a) for a, b in pairwise(chain)])
    return (travelled[:-1] / travelled[-1]).tolist()


def _along(line: list[Array], fractions: list[float]) -> list[Array]:
    """The points (T, 3) at `fractions` of the way along a line of points, by its typical length."""
    lengths = [_typical(b - a) for a, b in pairwise(line)]
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    points = []
    for fraction in fractions:
        distance = fraction * reached[-1]
        piece = min(int(np.searchsorted(reached, distance, side="right")) - 1, len(lengths) - 1)
        part = (distance - reached[piece]) / lengths[piece]
        points.append((1 - part) * line[piece] + part * line[piece + 1])
    return points


def _collar_weights(side: str) -> Array:
    """SMPL's collar as a weighted sum of the vectors from the chest to shoulder and neck, by least squares."""
    rest = rest_joints()
    ways = [rest[INDEX[name]] - rest[INDEX["chest"]] for name in (f"{side}shoulder", "neck", f"{side}inshoulder")]
    return np.linalg.lstsq(np.stack(ways[:2], axis=1), ways[2], rcond=None)[0]
