"""Hits, bounces and groove to the rotations of everything above the pelvis.

A hit first swings back, is fastest just after its event, overshoots a little and settles; forearms and hands are later.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from motionbeat.lab.synthetic import body
from motionbeat.lab.synthetic.choreography import MOVES, Choreography, hanging
from motionbeat.lab.synthetic.groove import Pulse
from motionbeat.lab.synthetic.plan import FPS
from motionbeat.lab.synthetic.style import Style
from motionbeat.motion.limbs import minimum_jerk
from motionbeat.motion.skeleton import INDEX

Array = NDArray[np.float64]

_BEFORE_S, _AFTER_S = 0.10, 0.16
_WIND_UP_S, _SETTLE_S = 0.16, 0.18
_FASTEST = 10.0  # rad/s at which a joint turns in a hit
_FREEZE = 0.8  # share of the groove that stops for a hit
_LAG_S = 0.035  # of each joint after the one before it


@frozen
class _Hits:
    """The time and size of each hit."""

    begin: Array
    end: Array
    wind_up: Array  # how far it first swings back, as a share of its way
    overshoot: Array

    def progress(self, number: int, times: Array) -> Array:
        """Progress of hit `number` at each time: 0 before, 1 long after, always smooth."""
        begin, end = self.begin[number], self.end[number]
        back, over = self.wind_up[number], self.overshoot[number]
        done = (1 + back + over) * minimum_jerk((times - begin) / (end - begin))
        if back:
            done -= back * minimum_jerk((times - begin + _WIND_UP_S) / _WIND_UP_S)
        if over:
            done -= over * minimum_jerk((times - end + 0.03) / _SETTLE_S)
        return done


def upper_body(
    times: Array,
    hits: tuple[Array, Array],
    nods: Array,
    groove: Pulse,
    wander: Array,
    mover: Style,
    moves: Choreography,
) -> dict[int, Array]:
    """Joint -> (T, 3, 3) rotation relative to its parent.

    times: (T,) s. hits: times in s and strengths. nods: (T, 5) rad, movement by bounces: the chest's pitch, twist and
    roll, and both shoulders' shrug. wander: (T, 21) rad of slow noise.
    """
    plan = _planned(hits[0], mover)
    begun = np.searchsorted(times, plan.begin - _WIND_UP_S)
    shoulders, elbows, wrists, girdle, torso, gaze = _held(times, hits[1], plan, begun, mover, moves)
    freeze = _freeze(times, hits)[:, None]
    hands_still = freeze[..., None]
    left_right = []
    for side in range(2):
        swing = Rotation.from_rotvec(hands_still[:, 0] * groove.shoulders[:, side] + wander[:, 3 * side : 3 * side + 3])
        left_right.append((swing * shoulders[side]).as_matrix())
    bends = _late(elbows, _LAG_S * mover.lag) + freeze * groove.elbows + wander[:, 6:8]
    bends = mover.elbows + 0.1 * np.logaddexp(0, (np.minimum(bends, 2.5) - mover.elbows) / 0.1)
    wrists = _late(wrists, 2 * _LAG_S * mover.lag) + hands_still * groove.wrists
    vectors = _spine(torso, gaze, nods, groove, wander[:, 8:], mover)
    shrug = np.stack([np.zeros_like(nods[:, 3:]), np.zeros_like(nods[:, 3:]), nods[:, 3:]], axis=-1) * [[1], [-1]]
    girdle = girdle + groove.girdle + shrug
    hands = 0.45 * _late(wrists, _LAG_S * mover.lag)
    for side, name in enumerate("lr"):
        vectors[INDEX[name + "inshoulder"]] = girdle[:, side]
        vectors[INDEX[name + "wrist"]], vectors[INDEX[name + "hand"]] = wrists[:, side], hands[:, side]
    flat = Rotation.from_rotvec(np.concatenate(list(vectors.values()))).as_matrix()
    upper = dict(zip(vectors, flat.reshape(len(vectors), len(times), 3, 3), strict=True))
    for side, name in enumerate("lr"):
        upper[INDEX[name + "shoulder"]] = left_right[side]
        upper[INDEX[name + "elbow"]] = body.elbow(bends[:, side], side == 0)
    return upper


def _planned(hits: Array, mover: Style) -> _Hits:
    """Hits that never overlap: one that follows quickly is shorter and does not swing back."""
    gap = np.diff(hits, prepend=-1.0)
    begin = hits - np.minimum(_BEFORE_S, 0.4 * gap)
    end = np.minimum(hits + _AFTER_S, np.append(begin[1:], np.inf))
    free_before = begin - np.append(-1.0, end[:-1])
    free_after = np.append(begin[1:], np.inf) - end
    wind_up = np.where(free_before > _WIND_UP_S + 0.05, 0.10 * mover.snap, 0.0)
    return _Hits(begin, end, wind_up, np.where(free_after > _SETTLE_S, 0.09 * mover.snap, 0.0))


def _held(
    times: Array, strengths: Array, plan: _Hits, begun: NDArray[np.intp], mover: Style, moves: Choreography
) -> tuple[list[Rotation], Array, Array, Array, Array, Array]:
    """The movement by hits alone: shoulders (two paths), elbows, wrists, girdle, torso and gaze."""
    poses, frames = moves.poses, len(times)
    key, bend = hanging(mover.reach)
    targets = np.concatenate(
        [poses.elbow, poses.wrist.reshape(MOVES, 6), poses.girdle.reshape(MOVES, 6), poses.torso, poses.gaze], axis=1
    )
    held = np.concatenate([bend, np.zeros(18)])
    path = np.tile(held, (frames, 1))
    keys, ways = [key], []  # of both shoulders
    progress = np.zeros((2, frames))  # of the current hit and of the next one
    finished = np.append(plan.end + np.where(plan.overshoot > 0, _SETTLE_S - 0.03, 0.0), np.inf)
    current = np.searchsorted(finished, times, side="right")
    for number, strength in enumerate(strengths):
        move = number % MOVES
        part = min(1.0, 0.45 + 0.55 * strength)
        duration = plan.end[number] - plan.begin[number]
        first = begun[number]
        done = plan.progress(number, times[first:])
        limit = _FASTEST * duration / 1.9
        way = (keys[-1].inv() * poses.shoulder[[move, move + MOVES]]).as_rotvec()  # (2, 3)
        way *= np.minimum(part, limit / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9))
        ways.append(way)
        keys.append(keys[-1] * Rotation.from_rotvec(way))
        change = part * (targets[move] - held)
        change = np.clip(change, -limit, limit)
        path[first:] += done[:, None] * change
        held = held + change
        for slot in range(2):
            mine = current[first:] == number - slot
            progress[slot, first:][mine] = done[mine]
    ways += [np.zeros((2, 3))] * 2
    held_at, moved = Rotation.concatenate(keys), np.array(ways)
    shoulders = [_product(held_at[side::2], moved[:, side], current, progress) for side in range(2)]
    pairs = (path[:, 2:8].reshape(frames, 2, 3), path[:, 8:14].reshape(frames, 2, 3))
    return shoulders, path[:, :2], *pairs, path[:, 14:17], path[:, 17:]


def _product(keys: Rotation, ways: Array, current: NDArray[np.intp], progress: Array) -> Rotation:
    """The path of a shoulder: its last key pose, the way of the current hit, and the back swing of the next."""
    path = keys[current] * Rotation.from_rotvec(progress[0][:, None] * ways[current])
    return path * Rotation.from_rotvec(progress[1][:, None] * ways[current + 1])


def _freeze(times: Array, hits: tuple[Array, Array]) -> Array:
    """(T,) share of the groove that continues: a hit stops the arms briefly."""
    still = np.zeros(len(times))
    for time, strength in zip(*hits, strict=True):
        first, last = np.searchsorted(times, (time - 0.2, time + 0.6))
        since = times[first:last] - time
        pulse = minimum_jerk((since + 0.2) / 0.25) * (1 - minimum_jerk((since - 0.15) / 0.4))
        still[first:last] = np.maximum(still[first:last], min(1.0, float(strength)) * pulse)
    return 1 - _FREEZE * gaussian_filter1d(still, 2)


def _spine(torso: Array, gaze: Array, nods: Array, groove: Pulse, wander: Array, mover: Style) -> dict[int, Array]:
    """Pitch, twist and roll distributed along the spine, each joint later than the one below."""
    whole = torso + groove.torso + [mover.lean, 0.0, 0.0]
    whole = 0.6 * np.tanh(whole / 0.6)
    shares = (("belly", 0.25, 0.15), ("spine", 0.4, 0.45), ("chest", 0.35, 0.5), ("neck", -0.25, 0.5))
    vectors = {}
    for number, (name, share, nod) in enumerate(shares):
        angles = share * _late(whole, number * _LAG_S * mover.lag) + nod * nods[:, :3]
        angles[:, 0] += groove.ripple[:, number]
        vectors[INDEX[name]] = angles[:, [0, 1, 2]] + wander[:, 3 * number : 3 * number + 3]
    vectors[INDEX["neck"]] += 0.4 * gaze
    late = _late(whole, 3 * _LAG_S * mover.lag)
    vectors[INDEX["head"]] = 0.6 * _late(gaze, _LAG_S * mover.lag) - 0.35 * late + 0.5 * nods[:, :3]
    return vectors


def _late(path: Array, lag_s: float) -> Array:
    """A delayed path; its first frame is repeated."""
    frames = np.arange(len(path), dtype=float)
    since = np.clip(frames - lag_s * FPS, 0, None)
    before = since.astype(int)
    after, part = np.minimum(before + 1, len(path) - 1), since - before
    part = part.reshape(-1, *[1] * (path.ndim - 1))
    return (1 - part) * path[before] + part * path[after]
