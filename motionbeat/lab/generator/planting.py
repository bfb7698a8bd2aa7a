"""Footskate cleanup: keeps the feet of a generated dance still during their contacts.

A generator predicts contacts and movement separately, and small errors of all joints from the root to the toes add up:
the foot slides during its contact. The contacts are more precise in time than the movement. So each foot stays at one
place for the whole contact and moves smoothly to the next place. The body follows. Hip and knee are turned so that the
leg reaches its foot (two-link inverse kinematics). The pose above the hips is unchanged.

After Kovar, Schreiner & Gleicher, "Footskate Cleanup for Motion Capture Editing", SCA 2002, with stances from the
contacts and without their stretching of legs. T frames.
"""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from motionbeat.lab.generator import motion_vector
from motionbeat.lab.generator.motion_vector import FPS, ROOT
from motionbeat.motion.limbs import bent, link_frame, minimum_jerk, unit
from motionbeat.motion.skeleton import FEET, INDEX, REST_OFFSETS

_LEGS = (("lhip", "lknee", "lankle"), ("rhip", "rknee", "rankle"))
_STANDS = 0.5
_FLICKER = 1
"""Frames: contacts that are not longer than this are removed, and interruptions of contacts are closed."""
_STEP = 5
"""Frames for a foot to move from one place to the next; if necessary, its contacts are shortened."""
_FOLLOW_S = 0.2
"""Standard deviation of the Gaussian that smooths the body's movement after its feet."""
_LET_GO_S = 0.5
"""A body that was held returns to its generated path within this time."""
_STRAIGHT_M = 1e-3
"""Closer to the line from hip to ankle, the direction in which a knee bends is undefined."""
_UNMOVED_M = 1e-7

Array = NDArray[np.float64]
Frames = NDArray[np.bool_]


def planted(vectors: NDArray[np.floating], held: Frames | None = None) -> NDArray[np.float32]:
    """The dance with its feet planted.

    vectors: (T, 151), not scaled (`vector.encode`); contacts above 0.5 count. held: (T, 151) bool, numbers that must
    not change: if a leg is held, so is its foot; if a leg or the root is held, so is the body's position. Only the
    root's x and z and the rotations of hips, knees and ankles change, and each foot keeps its world rotation. The toes
    are the fixed point if they are in contact, otherwise the ankle. Legs do not stretch: a foot that its leg cannot
    reach slides.
    """
    made = np.array(vectors, np.float64)
    contact, root, rotations = motion_vector.decode(torch.as_tensor(made))
    places, turns = (part.numpy() for part in motion_vector.placed(root, rotations))
    kept = np.zeros(made.shape, bool) if held is None else held
    legs_kept = [np.any(kept[:, _leg_channels(side)], axis=1) for side in range(2)]
    body_kept = np.any(kept[:, ROOT], axis=1) | legs_kept[0] | legs_kept[1]
    moves = _moves(places, contact.numpy() > _STANDS, legs_kept)
    along = _body_moves((moves[0] + moves[1]) / 2, body_kept)
    made[:, ROOT] += along
    for side, (hip, knee, ankle) in enumerate(_joints()):
        by = moves[side] - along
        free = ~legs_kept[side] & (np.linalg.norm(by, axis=1) > _UNMOVED_M)
        thigh, shank = _turned_leg(places[free], turns[free], side, by[free])
        pelvis, foot = turns[free, 0], turns[free, ankle]
        for joint, parent, child in ((hip, pelvis, thigh), (knee, thigh, shank), (ankle, shank, foot)):
            relative = parent.swapaxes(1, 2) @ child
            made[free, motion_vector.joint_channels(joint)] = relative[..., :2].swapaxes(1, 2).reshape(-1, 6)
    return made.astype(np.float32)


def _joints() -> list[tuple[int, int, int]]:
    """Hip, knee and ankle of the left and the right leg."""
    return [(INDEX[hip], INDEX[knee], INDEX[ankle]) for hip, knee, ankle in _LEGS]


def _leg_channels(side: int) -> NDArray[np.intp]:
    return np.concatenate([np.r_[motion_vector.joint_channels(joint)] for joint in (*_joints()[side], FEET[side + 2])])


def _moves(places: Array, stands: Frames, kept: list[Frames]) -> list[Array]:
    """(T, 3) m by which the left and the right foot are moved; a foot without contacts follows the other."""
    by_foot = [_foot_moves(places, stands, side, kept[side]) for side in range(2)]
    both = []
    for side in range(2):
        by_this, other = by_foot[side], by_foot[1 - side]
        if by_this is None:
            by_this = np.zeros((len(places), 3)) if other is None else np.where(kept[side][:, None], 0.0, other)
        both.append(by_this)
    return both


def _foot_moves(places: Array, stands: Frames, side: int, kept: Frames) -> Array | None:
    """(T, 3) m by which a foot is moved: constant position during contacts, smooth in between.

    stands: (T, 4), as `FEET`. kept: (T,), frames in which it may not move. None if it has neither.
    """
    ankle, toes = places[:, FEET[side]], places[:, FEET[side + 2]]
    on_ankle, on_toes = stands[:, side], stands[:, side + 2]
    stances = [slice(*run) for run in _runs(_steady(on_ankle | on_toes))]
    # the slide between frames is measured at the joint in contact in both, so that the foot may roll from heel to toes
    by_ankle = on_ankle[1:] & ~(on_toes[1:] & (on_toes[:-1] | ~on_ankle[:-1]))
    slides = np.where(by_ankle[:, None], np.diff(ankle, axis=0), np.diff(toes, axis=0))
    moves, known = np.zeros((len(places), 3)), kept.copy()
    for stance, shown in zip(stances, _apart(stances, kept), strict=True):
        back = -np.concatenate([np.zeros((1, 3)), np.cumsum(slides[stance.start : stance.stop - 1], axis=0)])
        fixed = kept[stance]
        moves[stance] = back - (_blended(back, fixed) if fixed.any() else back.mean(axis=0))
        known[shown] = True
    moves[kept] = 0.0
    return _blended(moves, known) if known.any() else None


def _apart(stances: list[slice], kept: Frames) -> list[slice]:
    """The contacts, shortened so that `_STEP` frames are between any two, and between them and kept frames."""
    cut = [[stance.start, stance.stop] for stance in stances]
    spare = [(stance.stop - stance.start - 1) // 2 for stance in stances]
    for number, stance in enumerate(stances):
        for begin, end in _runs(kept):
            if end <= stance.start < end + _STEP:
                cut[number][0] = stance.start + min(spare[number], _STEP - (stance.start - end))
            if begin - _STEP < stance.stop <= begin:
                cut[number][1] = stance.stop - min(spare[number], _STEP - (begin - stance.stop))
    for number, (before, after) in enumerate(pairwise(stances)):
        missing = max(0, _STEP - (after.start - before.stop))
        first = min(spare[number], missing // 2)
        cut[number][1] = min(cut[number][1], before.stop - first)
        cut[number + 1][0] = max(cut[number + 1][0], after.start + min(spare[number + 1], missing - first))
    return [slice(begin, end) for begin, end in cut]


def _blended(values: Array, known: Frames) -> Array:
    """(T, 3) the known values, smooth paths between them, and constants before and after them."""
    at = np.flatnonzero(known)
    frames = np.arange(len(values))
    after = np.clip(np.searchsorted(at, frames), 0, len(at) - 1)
    before = np.clip(np.searchsorted(at, frames, side="right") - 1, 0, len(at) - 1)
    share = minimum_jerk((frames - at[before]) / np.maximum(at[after] - at[before], 1))[:, None]
    return np.asarray(values[at[before]] + share * (values[at[after]] - values[at[before]]))


def _body_moves(moves: Array, kept: Frames) -> Array:
    """(T, 3) m by which the body follows its feet, horizontally; 0 where it is kept."""
    along = gaussian_filter1d(moves, _FOLLOW_S * FPS, axis=0, mode="nearest")
    along[:, 1] = 0.0
    if kept.any():
        away = np.abs(np.arange(len(kept))[:, None] - np.flatnonzero(kept)).min(axis=1)
        along *= minimum_jerk(away / (_LET_GO_S * FPS))[:, None]
    return along


def _turned_leg(places: Array, turns: Array, side: int, by: Array) -> tuple[Array, Array]:
    """World rotations (n, 3, 3) of thigh and shank when the ankle moves by `by` (n, 3) m relative to the hip.

    The knee's hinge turns with the line from hip to ankle, without a twist around that line.
    """
    hip, knee, ankle = _joints()[side]
    upper, lower = places[:, knee] - places[:, hip], places[:, ankle] - places[:, knee]
    reach = upper + lower
    forward = turns[:, hip] @ np.array([0.0, 0.0, 1.0])
    aside = upper - np.sum(upper * reach, axis=1, keepdims=True) / np.sum(reach**2, axis=1, keepdims=True) * reach
    straight = np.linalg.norm(aside, axis=1, keepdims=True) < _STRAIGHT_M
    hinge = unit(np.cross(reach, np.where(straight, forward, aside)))
    lengths = [float(np.linalg.norm(REST_OFFSETS[joint])) for joint in (knee, ankle)]
    goal = reach + by
    pole = np.cross(hinge, goal)
    # for a leg along the hinge the direction of bending is arbitrary
    lost = np.linalg.norm(pole, axis=1, keepdims=True) < _UNMOVED_M
    thigh, shank, turned = bent(goal, np.where(lost, forward, pole), *lengths)
    return (
        link_frame(thigh, turned) @ _frame(upper, hinge).swapaxes(1, 2) @ turns[:, hip],
        link_frame(shank, turned) @ _frame(lower, hinge).swapaxes(1, 2) @ turns[:, knee],
    )


def _frame(link: Array, hinge: Array) -> Array:
    """`link_frame` of a link that is not quite at right angles to its hinge."""
    direction = unit(link)
    return link_frame(direction, unit(hinge - np.sum(hinge * direction, axis=-1, keepdims=True) * direction))


def _steady(on: Frames) -> Frames:
    """(T,) contacts without flicker."""
    steady = on.copy()
    for begin, end in _runs(~on):
        if end - begin <= _FLICKER and begin > 0 and end < len(on):
            steady[begin:end] = True
    for begin, end in _runs(steady):
        if end - begin <= _FLICKER:
            steady[begin:end] = False
    return steady


def _runs(on: Frames) -> list[tuple[int, int]]:
    """Begin and end of each run of true frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    return [(int(begin), int(end)) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
