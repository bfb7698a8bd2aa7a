"""Events and a choreography to motion: planted feet, a pelvis that rides over them, arms and torso that hit.

A step's foot lands at its event, a hit is fastest just after its event, a bounce sinks from its event on.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from motionbeat.corpora.synthetic import body
from motionbeat.corpora.synthetic.choreography import Choreography, Style, choreography, hanging, style
from motionbeat.corpora.synthetic.events import Events, realised
from motionbeat.corpora.synthetic.plan import FPS, Clip, stream, tempo
from motionbeat.corpora.synthetic.rhythm import Rhythm
from motionbeat.motion.skeleton import INDEX

Array = NDArray[np.float64]

_SHORTEST_SWING_S, _LONGEST_SWING_S = 0.16, 0.34
_HOP_S, _HOP_SHARE = 0.2, 0.5
_HIT_BEFORE_S, _HIT_AFTER_S = 0.06, 0.16
_STANDING = 0.97  # m: root height of a straight-legged body, feet flat


@frozen
class Dance:
    """A clip as AIST++ stores it, and the truth about it."""

    poses: NDArray[np.float32]  # (T, 72) axis-angle
    translation: NDArray[np.float32]  # (T, 3) m times scaling
    scaling: float
    events: Events
    landings: list[tuple[float, int]]  # time in s and foot (0 left, 1 right) of every step that was taken


def dance(seed: int, clip: Clip, rhythm: Rhythm) -> Dance:
    """Dance a clip: everything follows from the seed, the clip's name and its song's rhythm."""
    rng = stream(seed, "dance", clip.name)
    events, mover, moves = realised(seed, clip, rhythm), style(seed, clip.dancer), choreography(seed, clip)
    frames = round(clip.beats * 60 / tempo(clip.song) * FPS)
    times = np.arange(frames) / FPS
    steps, stamps = _taken_steps(*_in_order(events, 0))
    feet, landings, lifted = _feet(rng, times, steps, mover, moves)
    sinking = _sinking(times, steps, stamps, _in_order(events, 2), mover)
    yaw = gaussian_filter1d(feet.yaw.mean(axis=1), 0.12 * FPS, mode="nearest")
    turn = Rotation.from_euler("YXZ", np.stack([yaw, *_tilt(rng, lifted, mover)], axis=1)).as_matrix()
    place = _place(feet, lifted)
    wanted = _STANDING - mover.crouch - sinking
    root = np.stack([place[:, 0], body.pelvis_height(wanted, place, turn, feet), place[:, 1]], axis=1)
    upper = _upper(rng, times, 60 / tempo(clip.song), _in_order(events, 1), _in_order(events, 2), mover, moves)
    poses = body.pose(root, turn, feet, upper)
    if clip.broken:
        poses, root = _broken(rng, poses, root)
    return Dance(poses.astype(np.float32), (root * mover.scaling).astype(np.float32), mover.scaling, events, landings)


def _in_order(events: Events, kind: int) -> tuple[Array, Array]:
    """Times and strengths of one kind of event."""
    happens = np.flatnonzero(events.strength[kind])
    return events.time_s[kind, happens], events.strength[kind, happens]


def _taken_steps(times: Array, strengths: Array) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Split step events: those too close to the last for a foot to swing become stamps of the whole body."""
    steps: list[tuple[float, float]] = []
    stamps: list[tuple[float, float]] = []
    for time, strength in zip(times, strengths, strict=True):
        close = steps and time - steps[-1][0] < _SHORTEST_SWING_S + 0.01
        (stamps if close else steps).append((float(time), float(strength)))
    return steps, stamps


def _feet(
    rng: np.random.Generator, times: Array, steps: list[tuple[float, float]], mover: Style, moves: Choreography
) -> tuple[body.Feet, list[tuple[float, int]], Array]:
    """Foot paths, landings, and (T, 2) how far each foot is through the air, 0 planted to 1 highest."""
    stood = [np.array([side * mover.stance / 2, 0.0]) for side in (1, -1)]
    faced = [0.12, -0.12]
    place = np.tile(np.array(stood), (len(times), 1, 1))
    yaw, lift = np.tile(np.array(faced), (len(times), 1)), np.zeros((len(times), 2))
    height = np.zeros((len(times), 2))
    landings, landed = [], -1.0
    foot = 0 if mover.leads_left else 1
    for number, (time, strength) in enumerate(steps):
        target, facing = _target(number, foot, strength, stood, mover, moves)
        swung = [(foot, target, facing, np.clip(0.85 * (time - landed), _SHORTEST_SWING_S, _LONGEST_SWING_S), 1.0)]
        if moves.hops[number % len(moves.hops)] and time - landed > 2 * _HOP_S:
            along = stood[1 - foot] + _HOP_SHARE * (target - stood[foot])
            swung.append((1 - foot, along, faced[1 - foot], _HOP_S, 0.5))
        for moved, to, turned, swing_s, share in swung:
            swing = (times - (time - swing_s)) / swing_s
            on, moving = swing > 0, (swing > 0) & (swing < 1)
            path = body.minimum_jerk(swing)
            place[on, moved] = stood[moved] + path[on, None] * (to - stood[moved])
            yaw[on, moved] = faced[moved] + path[on] * (turned - faced[moved])
            arc = 4 * share * swing[moving] * (1 - swing[moving])
            lift[moving, moved] = arc
            height[moving, moved] = arc * (0.05 + 0.10 * strength) * mover.lift
            stood[moved], faced[moved] = to, turned
            landings.append((time, moved))
        landed, foot = time, 1 - foot
    place += _unsteadiness(rng, len(times))
    position = np.stack([place[:, :, 0], body.ANKLE_HEIGHT + height, place[:, :, 1]], axis=2)
    return body.Feet(position, yaw, 2.2 * height), landings, lift


def _target(
    number: int, foot: int, strength: float, stood: list[Array], mover: Style, moves: Choreography
) -> tuple[Array, float]:
    """Where a step lands and how the foot is turned: as the choreography says, never across the other foot."""
    move = number % len(moves.heading)
    heading = moves.heading[move]
    across = np.array([np.cos(heading), -np.sin(heading)])  # to the body's left, x and z
    ahead = np.array([np.sin(heading), np.cos(heading)])
    side = 1 if foot == 0 else -1
    wanted = moves.centre[move] + side * across * mover.stance / 2
    target = stood[foot] + (0.55 + 0.45 * strength) * (wanted - stood[foot])
    apart = target - stood[1 - foot]
    wide = np.clip(side * (apart @ across), 0.15, 0.55)
    long = np.clip(apart @ ahead, -0.35, 0.35)
    return stood[1 - foot] + side * wide * across + long * ahead, heading + side * 0.12


def _sinking(
    times: Array,
    steps: list[tuple[float, float]],
    stamps: list[tuple[float, float]],
    bounces: tuple[Array, Array],
    mover: Style,
) -> Array:
    """(T,) m: how far the body is below its standing height."""
    low = np.zeros(len(times))
    for depth, pulses in ((0.022, steps), (0.055, stamps), (0.055, list(zip(*bounces, strict=True)))):
        for time, strength in pulses:
            low += depth * strength * mover.sink * _pulse(times, time)
    return gaussian_filter1d(0.11 * np.tanh(low / 0.11), 1)


def _pulse(times: Array, time: float) -> Array:
    """Down within 0.14 s from just before `time`, up again in 0.2 s."""
    since = times - time + 0.03
    return body.minimum_jerk(since / 0.14) * (1 - body.minimum_jerk((since - 0.14) / 0.2))


def _place(feet: body.Feet, lifted: Array) -> Array:
    """(T, 2): root x and z, between the feet and leaning over the one that stands."""
    ground = feet.position[:, :, [0, 2]]
    left_share = 0.5 + 0.22 * gaussian_filter1d(lifted[:, 1] - lifted[:, 0], 0.09 * FPS, mode="nearest")
    over = left_share[:, None] * ground[:, 0] + (1 - left_share[:, None]) * ground[:, 1]
    return gaussian_filter1d(over, 0.08 * FPS, axis=0, mode="nearest")


def _tilt(rng: np.random.Generator, lifted: Array, mover: Style) -> tuple[Array, Array]:
    """Pelvis pitch and roll in rad: the hip drops on the side of the lifted foot."""
    drop = gaussian_filter1d(lifted[:, 1] - lifted[:, 0], 0.06 * FPS, mode="nearest")
    return 0.06 + _wander(rng, len(lifted), mover.noise), 0.07 * drop + _wander(rng, len(lifted), mover.noise)


def _wander(rng: np.random.Generator, frames: int, size: float) -> Array:
    """Slow noise of deviation `size`, about a second long."""
    sigma = 0.35 * FPS
    return gaussian_filter1d(rng.normal(0, 1, frames), sigma, mode="wrap") * size * np.sqrt(2 * sigma * np.sqrt(np.pi))


def _unsteadiness(rng: np.random.Generator, frames: int) -> Array:
    """(T, 2, 2) m: planted feet are captured as creeping by about 1 cm/s."""
    return np.stack([_wander(rng, frames, 0.003) for _ in range(4)], axis=1).reshape(frames, 2, 2)


def _upper(
    rng: np.random.Generator,
    times: Array,
    beat_s: float,
    hits: tuple[Array, Array],
    bounces: tuple[Array, Array],
    mover: Style,
    moves: Choreography,
) -> dict[int, Array]:
    """Joint -> (T, 3, 3) rotation relative to its parent, of everything above the pelvis."""
    joints = len(body.UPPER_BODY)
    held = hanging()
    keys = [held]
    leaves = np.append(hits[0][1:] - _HIT_BEFORE_S, np.inf)
    for number, strength in enumerate(hits[1]):
        move = number % len(moves.heading)
        goal = moves.poses[move * joints : (move + 1) * joints]
        way = (held.inv() * goal).as_rotvec()
        # With the next hit close by there is no time for the whole way.
        hurried = np.clip((leaves[number] - hits[0][number]) / _HIT_AFTER_S, 0, 1)
        held = held * Rotation.from_rotvec(min(1.0, 0.45 + 0.55 * strength) * hurried * way)
        keys.append(held)
    segment, progress = _between(times, hits[0])
    nods = _nods(times, bounces, moves)
    sway = np.sin(np.pi * times / beat_s)
    upper = {}
    for row, joint in enumerate(body.UPPER_BODY):
        key = Rotation.concatenate([pose[row] for pose in keys])
        path = key[segment]
        if len(hits[0]):
            way = (key[:-1].inv() * key[1:]).as_rotvec()
            following = np.minimum(segment, len(way) - 1)
            path = path * Rotation.from_rotvec(progress[:, None] * way[following])
        share = _NOD_SHARE.get(joint, 0.0)
        wander = np.stack([_wander(rng, len(times), mover.noise) for _ in range(3)], axis=1)
        swung = _SWAY.get(joint, np.zeros(3)) * mover.sway * sway[:, None]
        upper[joint] = (path * Rotation.from_rotvec(share * nods + swung + wander)).as_matrix()
    return upper


# How far the relaxed body swings with every pair of beats (rad): the chest turns, the arms follow.
_SWAY = {
    INDEX["spine"]: np.array([0.0, 0.09, 0.03]),
    INDEX["chest"]: np.array([0.0, 0.09, 0.03]),
    INDEX["neck"]: np.array([0.0, -0.1, 0.0]),
    INDEX["lshoulder"]: np.array([0.18, 0.1, 0.0]),
    INDEX["rshoulder"]: np.array([-0.18, 0.1, 0.0]),
}
_NOD_SHARE = {INDEX["spine"]: 0.5, INDEX["chest"]: 0.6, INDEX["neck"]: 0.5, INDEX["head"]: 0.6}


def _nods(times: Array, bounces: tuple[Array, Array], moves: Choreography) -> Array:
    """(T, 3) rad: the chest and head give way at each bounce, as the choreography says."""
    nods = np.zeros((len(times), 3))
    for number, (time, strength) in enumerate(zip(*bounces, strict=True)):
        nods += strength * _pulse(times, time)[:, None] * moves.nod[number % len(moves.nod)]
    return nods


def _between(times: Array, hits: Array) -> tuple[NDArray[np.intp], Array]:
    """Which pose each frame leaves, and how far it is on the way to the next (minimum jerk)."""
    if not len(hits):
        return np.zeros(len(times), np.intp), np.zeros(len(times))
    begin = hits - _HIT_BEFORE_S
    end = np.minimum(hits + _HIT_AFTER_S, np.append(begin[1:], np.inf))
    segment = np.searchsorted(end, times, side="right")
    coming = np.minimum(segment, len(hits) - 1)
    progress = body.minimum_jerk((times - begin[coming]) / (end[coming] - begin[coming]))
    return segment, np.where(segment < len(hits), progress, 0.0)


def _broken(rng: np.random.Generator, poses: Array, root: Array) -> tuple[Array, Array]:
    """A failed capture: for a third of the time the body jumps about and lies on its head."""
    bad = np.repeat(rng.random(-(-len(poses) // 15)) < 0.33, 15)[: len(poses)]
    poses, root = poses.copy(), root.copy()
    poses[bad] = rng.uniform(-1.5, 1.5, (bad.sum(), 72))
    root[bad] += rng.uniform(-2, 2, (bad.sum(), 3))
    return poses, root
