"""Step events to the paths of two feet and of the body: weight, heading, jumps.

Every step lands at its event. A planted foot keeps its ball in place; it may turn about it and lift its heel.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.synthetic import body
from motionbeat.lab.synthetic.choreography import MOVES, Steps
from motionbeat.lab.synthetic.footwork import Paths, across, ahead, clearance, shift
from motionbeat.lab.synthetic.style import Style

Array = NDArray[np.float64]

_SHORTEST_SWING_S, _LONGEST_SWING_S = 0.16, 0.42
SHORTEST_GAP_S = _SHORTEST_SWING_S + 0.01
"""Steps closer together than this are left out: the foot could not swing."""
_FLOURISH_S = 0.38  # a kick needs as much time
_FLOURISHES = {"kick": (1.0, 1.0, 1.0), "knee": (0.2, 0.8, 0.4), "flick": (0.3, 0.75, -0.8)}
"""The share of a choreography's flourish (to the side, up, forwards) in each kind of step."""
_HIGHEST_M = 0.40
_FLIGHTS_S = {"chasse": 0.18, "jump": 0.30, "leap": 0.33}
_HOPPED = 0.8  # stronger kicks include a hop of the standing foot
_PREPARED_S = 0.24  # before leaving the floor: bend, push off
_FASTEST_TURN = 6.5  # rad/s
_WEIGHT = 0.22  # how far the body leans over a foot that has landed: from half to half plus this


@frozen
class Walk:
    """The result of the steps of a clip."""

    feet: body.Feet
    ground: Array  # (T, 2, 2) m: x and z of the feet without kicks, which the body does not follow
    left_share: Array  # (T,) of the weight
    heading: Array  # (T,) rad
    height: Array  # (T,) m: the body's rise and fall with hops and jumps
    flight: Array  # (T,) m: the part of it without a foot on the floor
    level: Array  # (T,) m: by how much the choreography lowers the body
    landings: list[tuple[float, int]]  # time in s and foot (0 left, 1 right)


def walk(
    times: Array, events: list[tuple[float, float]], mover: Style, moves: Steps, creep: Array, heels: Array
) -> Walk:
    """Paths of the feet for step events (time in s, strength), which are at least a shortest swing apart.

    times: (T,) s of the frames. creep: (T, 2, 2) m, small movement of planted feet, as in motion capture. heels: (T, 2)
    rad by which the groove lifts the heels.
    """
    heading, out = float(moves.heading[0]), mover.toe_out
    now = Paths(
        times,
        [side * across(heading) * mover.stance / 2 for side in (1, -1)],
        [heading + out, heading - out],
        heading,
    )
    landings: list[tuple[float, int]] = []
    landed, foot = -1.0, 0 if mover.leads_left else 1
    share, level = 0.5, 0.0
    for number, (time, strength) in enumerate(events):
        move = number % MOVES
        kind, duration = _kind(moves.kind[move], time - landed, mover, moves.vigour[move])
        landings += _step(now, number, time, strength, foot, kind, duration, mover, moves)
        wanted = 0.5 if kind in _FLIGHTS_S else 0.5 + (_WEIGHT if (foot == 0) != (kind == "tap") else -_WEIGHT)
        following = events[number + 1][0] - time if number + 1 < len(events) else 1.0
        shift(now.share, times, time - 0.08, float(np.clip(following, 0.24, 0.42)), wanted - share)
        shift(now.level, times, time - 0.05, float(np.clip(following, 0.4, 0.7)), moves.level[move] - level)
        share, level, landed = wanted, float(moves.level[move]), time
        foot = foot if kind == "tap" else 1 - foot
    now.place += creep + clearance(now.place + now.extra[:, :, [0, 2]], now.lift)
    ball = np.stack([now.place[:, :, 0], np.full(now.lift.shape, body.BALL_HEIGHT), now.place[:, :, 1]], axis=2)
    ball += now.extra
    # In any kick, the foot stays well below the hip that it passes.
    ball[:, :, 1] += _HIGHEST_M * np.tanh(now.extra[:, :, 1] / _HIGHEST_M) - now.extra[:, :, 1]
    ball[:, :, 1] += now.flight[:, None]
    unweighted = np.clip(np.stack([0.5 - now.share, now.share - 0.5], axis=1) / _WEIGHT, 0, 1)
    feet = body.Feet(ball, now.yaw, now.pitch + 0.22 * mover.lift * unweighted + heels, now.lift)
    heading_path = now.yaw.mean(axis=1)
    return Walk(feet, now.place, now.share, heading_path, now.height, now.flight, now.level, landings)


def _kind(wanted: str, available: float, mover: Style, vigour: float) -> tuple[str, float]:
    """The kind of step that is possible in the time since the last landing, and the duration of its swing or flight."""
    if wanted in _FLIGHTS_S:
        flight = min(_FLIGHTS_S[wanted] * (0.6 + 0.4 * vigour * mover.spring), 0.42)
        if available > flight + _PREPARED_S:
            return wanted, flight
    if wanted in _FLOURISHES and available > _FLOURISH_S + 0.04:
        return wanted, float(np.clip(0.9 * available, _FLOURISH_S, 0.56))
    duration = float(np.clip(0.85 * available, _SHORTEST_SWING_S, _LONGEST_SWING_S))
    return (wanted if wanted in ("tap", "cross") else "walk"), duration


def _step(
    now: Paths,
    number: int,
    time: float,
    strength: float,
    foot: int,
    kind: str,
    duration: float,
    mover: Style,
    moves: Steps,
) -> list[tuple[float, int]]:
    """Take one step: its paths are written; returns the landings."""
    landings: list[tuple[float, int]] = []
    move = number % MOVES
    rounds = number // MOVES * (moves.heading[-1] - moves.heading[0])
    turn = np.clip(moves.heading[move] + rounds - now.heading, -_FASTEST_TURN * duration, _FASTEST_TURN * duration)
    heading, other = now.heading + turn, 1 - foot
    side = 1 if foot == 0 else -1
    target = _target(moves, move, foot, kind, strength, heading, now.stood, mover)
    vigour = moves.vigour[move] * mover.lift
    rise = (0.05 + 0.09 * strength) * vigour
    flourish = _flourish(moves, move, side, kind, vigour)
    if kind in _FLIGHTS_S:
        now.fly(time, duration)
        along = target - now.stood[foot]
        middle = 0.5 * (now.stood[0] + now.stood[1])
        onward = middle + along * (0.75 if kind == "chasse" else 0.9)
        half = side * across(heading) * mover.stance / 2
        goals = {foot: onward + half, other: onward - half}
        for moved, sign in ((foot, side), (other, -side)):
            facing = heading + sign * mover.toe_out
            lift = 0.25 * rise if kind == "chasse" else 0.6 * rise
            bump = flourish if moved == foot else np.zeros(3)
            now.swing(moved, time, duration, (middle, onward), goals[moved], turn, facing, lift, bump, kind)
        landings = [(time, foot), (time, other)]
    else:
        stance = now.stood[other]
        if kind in _FLOURISHES and moves.vigour[move] > _HOPPED:
            now.hop(other, time, mover, turn, heading - side * mover.toe_out)
            landings = [(time, other)]
            stance = now.stood[other]
        facing = heading + side * mover.toe_out
        now.swing(foot, time, duration, (stance, stance), target, turn, facing, rise, flourish, kind)
        if abs(heading - side * mover.toe_out - now.faced[other]) > 0.4:
            now.pivot(other, time, duration, heading - side * mover.toe_out)
        landings = [*landings, (time, foot)]
    now.heading = heading
    return landings


def _target(
    moves: Steps, move: int, foot: int, kind: str, strength: float, heading: float, stood: list[Array], mover: Style
) -> Array:
    """Where a step lands: at the place in the choreography; only a cross may pass the other foot."""
    left, front = across(heading), ahead(heading)
    side = 1 if foot == 0 else -1
    wanted = moves.centre[move] + side * left * mover.stance / 2
    target = stood[foot] + (0.55 + 0.45 * strength) * moves.vigour[move] * (wanted - stood[foot])
    apart = target - stood[1 - foot]
    long = float(np.clip(apart @ front, -0.45, 0.45))
    wide = side * float(apart @ left)
    if kind == "cross":
        return stood[1 - foot] - 0.06 * side * left + (-0.20 if moves.behind[move] else 0.22) * front
    return stood[1 - foot] + side * float(np.clip(wide, 0.15, 0.62)) * left + long * front


def _flourish(moves: Steps, move: int, side: int, kind: str, vigour: float) -> Array:
    """(3,) m: how far the foot leaves its path in mid-swing: to the left, up and forwards."""
    if kind == "cross":
        wide, up, long = 0.08, 0.0, -0.14 if moves.behind[move] else 0.14
    elif kind in _FLOURISHES or kind == "leap":
        part = np.array(_FLOURISHES[kind if kind != "leap" else "kick"])
        # A deep knee bend leaves less room for it.
        wide, up, long = part * moves.flourish[move] * np.clip(vigour - 3 * moves.level[move], 0.3, 1.4)
        up = min(up, 0.42 if long > 0.2 else 0.34)
    else:
        return np.zeros(3)
    return np.array([side * wide, up, long])
