"""Feet planted: a generated dance whose feet stand still where its own contacts say that they stand.

A generator tells contacts and movement apart from each other, and small errors of every joint from the root to the
toes add up in a foot: it slides while it is said to stand. The contacts are the better timed of the two. So each foot
is moved to one place for as long as it stands, and from one such place to the next in between; the body goes along;
and the hip and the knee turn so that the leg reaches its foot (two-link inverse kinematics). Everything above the hips
keeps its pose. T frames.
"""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from motionbeat.dance.generator import vector
from motionbeat.dance.generator.vector import CONTACT, FPS, ROOT
from motionbeat.motion.limbs import bent, link_frame, minimum_jerk, unit
from motionbeat.motion.skeleton import FEET, INDEX, REST_OFFSETS

_LEGS = (("lhip", "lknee", "lankle", "ltoes"), ("rhip", "rknee", "rankle", "rtoes"))
_STANDS = 0.5
_GAP = 1
"""Frames: shorter breaks of a contact are none, nor are contacts of no more frames."""
_FOLLOW_S = 0.2
"""Deviation of the Gaussian by which the body follows its feet."""
_LET_GO_S = 0.5
"""A body that is held goes its own way again within this time."""
_KNEE_AHEAD = 1e-3
"""m: which way a straight knee bends."""

Array = NDArray[np.float64]
Frames = NDArray[np.bool_]


def planted(vectors: NDArray[np.floating], held: Frames | None = None) -> NDArray[np.float32]:
    """The dance with its feet planted.

    vectors: (T, 151), not scaled (`vector.encode`); contacts above 0.5 count. held: (T, 151) bool, numbers that stay
    as they are: with a leg its foot, and with a leg or the root the body keeps its place. Only the root's x and z and
    the rotations of hips, knees and ankles change, and each foot is turned in the world as it was; where its toes
    stand, they stay, else its ankle.
    """
    values = np.asarray(vectors, np.float64)
    contact, root, rotations = (
        part.numpy().copy() for part in vector.decode(torch.as_tensor(values, dtype=torch.float64))
    )
    places, turns = (part.numpy() for part in vector.placed(torch.as_tensor(root), torch.as_tensor(rotations)))
    kept = np.zeros(values.shape, bool) if held is None else held
    legs_kept = [np.any(kept[:, _leg_channels(side)], axis=1) for side in range(2)]
    body_kept = np.any(kept[:, ROOT], axis=1) | legs_kept[0] | legs_kept[1]
    stands = contact > _STANDS
    moves = np.stack([_foot_moves(places, stands, side, legs_kept[side]) for side in range(2)])  # (2, T, 3)
    along = _body_moves(moves.mean(axis=0), body_kept)
    for side, names in enumerate(_LEGS):
        hip, knee, ankle = (INDEX[name] for name in names[:3])
        thigh, shank = _turned_leg(places, turns, side, along, moves[side])
        free = ~legs_kept[side]
        own = {
            hip: turns[:, 0].swapaxes(1, 2) @ thigh,
            knee: thigh.swapaxes(1, 2) @ shank,
            ankle: shank.swapaxes(1, 2) @ turns[:, ankle],
        }
        for joint, turned in own.items():
            rotations[free, joint] = turned[free]
    six = rotations[..., :2].swapaxes(-1, -2).reshape(len(values), -1)
    return np.concatenate([values[:, CONTACT], root + along, six], axis=1).astype(np.float32)


def _leg_channels(side: int) -> NDArray[np.intp]:
    parts = [np.r_[vector.joint_channels(INDEX[name])] for name in _LEGS[side]]
    return np.concatenate(parts)


def _foot_moves(places: Array, stands: Frames, side: int, kept: Frames) -> Array:
    """(T, 3) m by which the foot is moved: to one place while it stands, smoothly from one to the next in between.

    stands: (T, 4), as `FEET`. kept: (T,), frames in which it may not move.
    """
    ankle, toes = stands[:, side], stands[:, side + 2]
    moves = np.zeros((len(places), 3))
    known = kept.copy()
    for joint, on in ((FEET[side + 2], toes), (FEET[side], ankle & ~toes)):
        for begin, end in _runs(_steady(on)):
            run = slice(begin, end)
            anchors = kept[run] if kept[run].any() else np.ones(end - begin, bool)
            moves[run] = places[run, joint][anchors].mean(axis=0) - places[run, joint]
            known[run] = True
    moves[kept] = 0.0
    found = np.flatnonzero(known)
    if not len(found):
        return moves
    moves[: found[0]], moves[found[-1] :] = moves[found[0]], moves[found[-1]]
    for before, after in pairwise(found):
        share = minimum_jerk(np.arange(1, after - before) / (after - before))[:, None]
        moves[before + 1 : after] = moves[before] + share * (moves[after] - moves[before])
    return moves


def _body_moves(moves: Array, kept: Frames) -> Array:
    """(T, 3) m by which the body goes along with its feet, over the ground; 0 where it is kept."""
    along = gaussian_filter1d(moves, _FOLLOW_S * FPS, axis=0, mode="nearest")
    along[:, 1] = 0.0
    if kept.any():
        frames = np.arange(len(kept))
        away = np.abs(frames[:, None] - np.flatnonzero(kept)).min(axis=1)
        along *= minimum_jerk(away / (_LET_GO_S * FPS))[:, None]
    return along


def _turned_leg(places: Array, turns: Array, side: int, along: Array, move: Array) -> tuple[Array, Array]:
    """World rotations (T, 3, 3) of thigh and shank when the hip goes by `along` and the ankle by `move`, (T, 3) m.

    The plane in which the knee bends turns with the line from hip to ankle, and nothing twists about it.
    """
    hip, knee, ankle = (INDEX[name] for name in _LEGS[side][:3])
    upper, lower = places[:, knee] - places[:, hip], places[:, ankle] - places[:, knee]
    reach = places[:, ankle] - places[:, hip]
    forward = turns[:, hip] @ np.array([0.0, 0.0, 1.0])
    pole = upper + _KNEE_AHEAD * forward
    lengths = (float(np.linalg.norm(REST_OFFSETS[joint])) for joint in (knee, ankle))
    thigh, shank, hinge = bent(reach + move - along, pole, *lengths)
    was = unit(np.cross(reach, pole))
    return (
        link_frame(thigh, hinge) @ _frame(upper, was).swapaxes(1, 2) @ turns[:, hip],
        link_frame(shank, hinge) @ _frame(lower, was).swapaxes(1, 2) @ turns[:, knee],
    )


def _frame(link: Array, hinge: Array) -> Array:
    """`link_frame` of a link that is not quite at right angles to its hinge."""
    direction = unit(link)
    return link_frame(direction, unit(hinge - np.sum(hinge * direction, axis=-1, keepdims=True) * direction))


def _steady(on: Frames) -> Frames:
    """(T,) contacts without breaks and without contacts of `_GAP` frames."""
    steady = on.copy()
    for begin, end in _runs(~on):
        if end - begin <= _GAP and begin > 0 and end < len(on):
            steady[begin:end] = True
    for begin, end in _runs(steady):
        if end - begin <= _GAP:
            steady[begin:end] = False
    return steady


def _runs(on: Frames) -> list[tuple[int, int]]:
    """Begin and end of each run of true frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    return [(int(begin), int(end)) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
