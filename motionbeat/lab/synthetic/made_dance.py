"""Events and a choreography to motion: planted feet, a pelvis that moves over them, hits of arms and torso.

A step's foot lands at its event, a hit is fastest just after its event, a bounce begins to sink at its event. Between
events the body moves with the beat.
"""

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from motionbeat.lab.synthetic import body, footwork, steps
from motionbeat.lab.synthetic.choreography import MOVES, Choreography, choreography
from motionbeat.lab.synthetic.dance_events import Events, realised
from motionbeat.lab.synthetic.groove import Pulse, pulse
from motionbeat.lab.synthetic.plan import FPS, PlannedClip, stream, tempo
from motionbeat.lab.synthetic.rhythm import Rhythm
from motionbeat.lab.synthetic.style import Style, style
from motionbeat.lab.synthetic.upper_body import upper_body
from motionbeat.motion.limbs import minimum_jerk

Array = NDArray[np.float64]

_LOWEST = 0.69  # m: root height of the deepest bend
_STANDING = 0.97  # m: root height of a straight-legged body, feet flat
_BEHIND_THE_BALLS = 0.09  # m: the body is above the middle of its feet
_COUNTER_LEAN = 3.0  # rad a metre
_WANDERING = 24  # slow noises of joint angles


@frozen
class MadeDance:
    """A clip as in AIST++, and the truth about it."""

    poses: NDArray[np.float32]  # (T, 72) axis-angle
    translation: NDArray[np.float32]  # (T, 3) m times scaling
    scaling: float
    events: Events
    landings: list[tuple[float, int]]  # time in s and foot (0 left, 1 right) of every step


def dance(seed: int, clip: PlannedClip, rhythm: Rhythm, context: float = 0.0) -> MadeDance:
    """Make the dance of a clip: it follows from the seed, the clip's name, its song's rhythm and the context (0 to
    1).
    """
    rng = stream(seed, "dance", clip.name)
    beat_s = 60 / tempo(clip.song)
    beats = np.arange(round(clip.beats * beat_s * FPS)) / FPS / beat_s
    events = realised(seed, clip, rhythm, context)
    danced = perform(rng, events, beats, style(seed, clip.dancer), choreography(seed, clip))
    return _broken(rng, danced) if clip.broken else danced


def perform(rng: np.random.Generator, events: Events, beats: Array, mover: Style, moves: Choreography) -> MadeDance:
    """Make a dance from any events: times in seconds, in order for each kind.

    beats: (T,), position of each frame in the music, in beats from the first frame; they increase, not necessarily
    evenly.
    """
    times = np.arange(len(beats)) / FPS
    taken, stamps = _taken_steps(*_in_order(events, 0))
    bounces = _in_order(events, 2)
    creep = footwork.creeping(_wander(rng, len(times), 4, 0.006, 0.25).reshape(-1, 2, 2))
    wander = _wander(rng, len(times), _WANDERING, mover.noise, 0.35)
    groove = pulse(beats, moves.groove, mover)
    walked = steps.walk(times, taken, mover, moves.steps, creep, groove.heels)
    nods = _nods(times, bounces, moves)
    sinking = _sinking(times, taken, stamps, bounces, mover)
    root, turn = _pelvis(walked, groove, sinking, wander[:, :3], mover)
    groove = evolve(groove, torso=groove.torso + _balance(root, walked.heading))
    upper = upper_body(times, _in_order(events, 1), nods, groove, wander[:, 3:], mover, moves)
    poses = body.pose(root, turn, walked.feet, upper)
    translation = (root * mover.scaling).astype(np.float32)
    return MadeDance(poses.astype(np.float32), translation, mover.scaling, events, walked.landings)


def _in_order(events: Events, kind: int) -> tuple[Array, Array]:
    """Times and strengths of one kind of event."""
    happens = np.flatnonzero(events.strength[kind])
    return events.time_s[kind, happens], events.strength[kind, happens]


def _taken_steps(times: Array, strengths: Array) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Split step events: steps too close to the previous one become stamps of the whole body."""
    taken: list[tuple[float, float]] = []
    stamps: list[tuple[float, float]] = []
    for time, strength in zip(times, strengths, strict=True):
        close = taken and time - taken[-1][0] < steps.SHORTEST_GAP_S
        (stamps if close else taken).append((float(time), float(strength)))
    return taken, stamps


def _pelvis(walked: steps.Walk, groove: Pulse, sinking: Array, wander: Array, mover: Style) -> tuple[Array, Array]:
    """Root (T, 3) m and its world rotation (T, 3, 3): over the supporting feet, with the movement of the hips."""
    heading = gaussian_filter1d(walked.heading, 0.09 * FPS, mode="nearest")
    leaning = gaussian_filter1d(walked.left_share - 0.5, 0.05 * FPS, mode="nearest")
    # The hip on the free side drops.
    angles = groove.hips + wander + np.stack([0 * heading, 0 * heading, -0.35 * leaning], axis=1)
    angles += np.stack([0.03 + 0.4 * mover.lean + 0.9 * walked.level, heading, 0 * heading], axis=1)
    turn = Rotation.from_euler("YXZ", angles[:, [1, 0, 2]]).as_matrix()
    share = gaussian_filter1d(walked.left_share, 0.04 * FPS, mode="nearest")[:, None]
    over = gaussian_filter1d(share * walked.ground[:, 0] + (1 - share) * walked.ground[:, 1], 0.07 * FPS, axis=0)
    across = np.stack([np.cos(heading), -np.sin(heading)], axis=1)
    ahead = np.stack([np.sin(heading), np.cos(heading)], axis=1)
    place = over + groove.shift[:, :1] * across + (groove.shift[:, 1:] - _BEHIND_THE_BALLS) * ahead
    wanted = _STANDING - mover.crouch - sinking - walked.level - groove.bob
    grounded = evolve(walked.feet, ball=walked.feet.ball - walked.flight[:, None, None] * [0.0, 1.0, 0.0])
    wanted += walked.height - walked.flight
    wanted = _LOWEST + 0.04 * np.logaddexp(0, (wanted - _LOWEST) / 0.04)
    low = body.pelvis_height(wanted, place, turn, grounded)
    high = gaussian_filter1d(low + walked.flight, 1.5, mode="nearest")
    return np.stack([place[:, 0], high, place[:, 1]], axis=1), turn


def _balance(root: Array, heading: Array) -> Array:
    """(T, 3) rad: the torso leans against the sway of the pelvis, so that chest and head sway less."""
    swaying = root[:, [0, 2]] - gaussian_filter1d(root[:, [0, 2]], 0.4 * FPS, axis=0, mode="nearest")
    to_left = swaying[:, 0] * np.cos(heading) - swaying[:, 1] * np.sin(heading)
    forwards = swaying[:, 0] * np.sin(heading) + swaying[:, 1] * np.cos(heading)
    return np.stack([-forwards, np.zeros(len(root)), to_left], axis=1) * _COUNTER_LEAN


def _sinking(
    times: Array,
    taken: list[tuple[float, float]],
    stamps: list[tuple[float, float]],
    bounces: tuple[Array, Array],
    mover: Style,
) -> Array:
    """(T,) m: how far the body is below its standing height."""
    low = np.zeros(len(times))
    for depth, pulses in ((0.02, taken), (0.06, stamps), (0.07, list(zip(*bounces, strict=True)))):
        for time, strength in pulses:
            first, last = np.searchsorted(times, (time - 0.05, time + 0.4))
            low[first:last] += depth * strength * mover.sink * _pulse(times[first:last], time)
    return gaussian_filter1d(0.14 * np.tanh(low / 0.14), 1)


def _pulse(times: Array, time: float) -> Array:
    """Down within 0.15 s from just before `time`, up again in 0.21 s."""
    since = times - time + 0.03
    return minimum_jerk(since / 0.15) * (1 - minimum_jerk((since - 0.15) / 0.21))


def _nods(times: Array, bounces: tuple[Array, Array], moves: Choreography) -> Array:
    """(T, 5) rad: chest and shoulders bend at each bounce, by the amounts of the choreography."""
    answers = np.concatenate([moves.nod, moves.shrug], axis=1)
    nods = np.zeros((len(times), 5))
    for number, (time, strength) in enumerate(zip(*bounces, strict=True)):
        first, last = np.searchsorted(times, (time - 0.05, time + 0.4))
        nods[first:last] += strength * _pulse(times[first:last], time)[:, None] * answers[number % MOVES]
    return 0.6 * np.tanh(nods / 0.6)


def _wander(rng: np.random.Generator, frames: int, count: int, size: float, width_s: float) -> Array:
    """(T, count) slow noises of deviation `size`, smoothed over `width_s`."""
    sigma = width_s * FPS
    noise = gaussian_filter1d(rng.normal(0, 1, (frames, count)), sigma, axis=0, mode="wrap", truncate=3)
    return noise * size * np.sqrt(2 * sigma * np.sqrt(np.pi))


def _broken(rng: np.random.Generator, danced: MadeDance) -> MadeDance:
    """A failed capture: for a third of the time the body jumps and is upside down."""
    poses, translation = danced.poses.copy(), danced.translation.copy()
    bad = np.repeat(rng.random(-(-len(poses) // 15)) < 0.33, 15)[: len(poses)]
    poses[bad] = rng.uniform(-1.5, 1.5, (bad.sum(), 72))
    translation[bad] += (rng.uniform(-2, 2, (bad.sum(), 3)) * danced.scaling).astype(np.float32)
    return evolve(danced, poses=poses, translation=translation)
