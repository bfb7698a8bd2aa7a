"""What a dancer does when an event comes: the dancer's style, and the moves of a choreography in their order.

A choreography (genre, dancer, number) is the same list of moves whatever song it is danced to; the song only says
when the next move comes. Neither knows the song.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from motionbeat.corpora.synthetic.body import UPPER_BODY, arm
from motionbeat.corpora.synthetic.plan import Clip, stream
from motionbeat.motion.skeleton import INDEX

_MOVES = 8

# Places of the left wrist from its shoulder (outward, up, forward; m), and where the elbow points.
_HANG = ((0.12, -0.45, 0.08), (0.5, 0.0, -1.0))
_PLACES = (
    ((0.08, -0.30, 0.10), (1.0, 0.0, -0.6)),  # on the hip
    ((0.00, -0.20, 0.34), (0.6, -1.0, -0.2)),  # low in front
    ((-0.10, -0.06, 0.26), (1.0, -0.5, 0.0)),  # before the chest
    ((0.02, 0.02, 0.47), (0.6, -1.0, 0.0)),  # a punch forward
    ((0.46, 0.03, 0.08), (0.0, -0.6, -1.0)),  # out to the side
    ((0.30, 0.28, 0.08), (1.0, -0.6, -0.4)),  # bent up at the side
    ((0.12, 0.45, 0.12), (1.0, 0.0, -0.2)),  # overhead
    ((0.20, 0.30, 0.30), (1.0, -0.6, -0.2)),  # up and forward
    ((-0.16, -0.26, 0.28), (1.0, -0.3, -0.1)),  # across the body
    ((0.26, -0.12, 0.24), (0.3, -0.6, -1.0)),  # forearm forward
)


@frozen
class Style:
    """How a dancer moves, whatever the music."""

    step_size: float  # all factors around 1
    lift: float
    reach: float
    sink: float
    crouch: float  # m below standing
    stance: float  # m between the feet
    leads_left: bool
    left_arm: float  # chance that a hit moves the left arm; likewise the right
    right_arm: float
    torso: float
    sway: float
    noise: float  # rad of slow wandering
    scaling: float  # AIST++'s units a metre


@frozen
class Choreography:
    """Moves in order; each kind of event takes the next of its own list, round and round."""

    centre: NDArray[np.float64]  # (M, 2) m: where the body stands after step m, x and z in the room
    heading: NDArray[np.float64]  # (M,) rad: where it faces
    hops: NDArray[np.bool_]  # (M,) whether the other foot comes along on step m
    poses: Rotation  # (M * joints): upper body after hit m, UPPER_BODY order
    nod: NDArray[np.float64]  # (M, 3) rad: how the chest answers bounce m


def style(seed: int, dancer: int) -> Style:
    """The style of a dancer: independent of song, genre and choreography."""
    rng = stream(seed, "dancer", str(dancer))
    favourite = rng.integers(3)
    return Style(
        step_size=float(rng.uniform(0.75, 1.25)),
        lift=float(rng.uniform(0.8, 1.25)),
        reach=float(rng.uniform(0.85, 1.1)),
        sink=float(rng.uniform(0.8, 1.25)),
        crouch=float(rng.uniform(0.02, 0.07)),
        stance=float(rng.uniform(0.22, 0.34)),
        leads_left=bool(rng.random() < 0.5),
        left_arm=1.0 if favourite != 1 else 0.5,
        right_arm=1.0 if favourite != 0 else 0.5,
        torso=float(rng.uniform(0.6, 1.4)),
        sway=float(rng.uniform(0.5, 1.5)),
        noise=float(rng.uniform(0.03, 0.06)),
        scaling=float(rng.uniform(88, 98)),
    )


def choreography(seed: int, clip: Clip) -> Choreography:
    """The choreography of a clip, drawn for its genre, dancer and number."""
    rng = stream(seed, "choreography", clip.choreography_id)
    mover = style(seed, clip.dancer)
    angle = np.cumsum(rng.choice([0.5, 1.0, 1.5, -0.5, -1.0, -1.5], _MOVES)) * np.pi / 2 + rng.uniform(0, 2 * np.pi)
    centre = rng.uniform(0.10, 0.30, _MOVES)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Choreography(
        centre=centre * mover.step_size,
        heading=rng.normal(0, 0.35) + rng.normal(0, 0.3, _MOVES),
        hops=rng.random(_MOVES) < 0.35,
        poses=_poses(rng, mover),
        nod=rng.normal([0.16, 0, 0], [0.06, 0.10, 0.10], (_MOVES, 3)),
    )


def hanging() -> Rotation:
    """The upper body at ease, arms down: (joints,) in UPPER_BODY order."""
    return _upper_body({True: _HANG, False: _HANG}, np.zeros(3), 1.0)


def _poses(rng: np.random.Generator, mover: Style) -> Rotation:
    """Poses of the hits: at least one arm goes to a new place each time."""
    places = {True: _HANG, False: _HANG}
    previous = {True: -1, False: -1}
    rotations = []
    for _ in range(_MOVES):
        arms = [left for left, chance in ((True, mover.left_arm), (False, mover.right_arm)) if rng.random() < chance]
        mirrored = rng.random() < 0.4
        chosen = -1
        for left in arms or [mover.left_arm >= mover.right_arm]:
            candidates = [i for i in range(len(_PLACES)) if i != previous[left]]
            chosen = chosen if mirrored and chosen in candidates else int(rng.choice(candidates))
            wrist, pole = _PLACES[chosen]
            places[left] = (tuple(np.array(wrist) + rng.normal(0, 0.03, 3)), pole)
            previous[left] = chosen
        torso = rng.normal([0.08, 0, 0], np.array([0.14, 0.26, 0.12]) * mover.torso)
        rotations.append(_upper_body(places, torso, mover.reach))
    return Rotation.concatenate(rotations)


def _upper_body(places: dict[bool, tuple], torso: NDArray[np.float64], reach: float) -> Rotation:
    """(joints,) rotations in UPPER_BODY order. torso: pitch, twist, roll in rad, shared by the spine's joints."""
    by_joint = {joint: Rotation.identity() for joint in UPPER_BODY}
    for name, part in (("belly", 0.3), ("spine", 0.35), ("chest", 0.35), ("neck", -0.35), ("head", -0.35)):
        by_joint[INDEX[name]] = Rotation.from_euler("YXZ", part * torso[[1, 0, 2]])
    for left, (wrist, pole) in places.items():
        hang = np.array(_HANG[0])
        side = "l" if left else "r"
        shoulder, elbow = arm(hang + reach * (np.array(wrist) - hang), np.array(pole), left)
        by_joint[INDEX[side + "shoulder"]], by_joint[INDEX[side + "elbow"]] = shoulder, elbow
    return Rotation.concatenate([by_joint[joint] for joint in UPPER_BODY])
