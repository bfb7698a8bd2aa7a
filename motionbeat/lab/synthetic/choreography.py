"""The moves of a choreography in their order, drawn from its genre's vocabulary.

A choreography (genre, dancer, number) is the same list of moves for every song; the song only determines the time of
each move. The movement of arms and torso between the events changes every few beats. It is part of the choreography too
and depends only on the beat of the song.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from motionbeat.lab.synthetic.body import arm
from motionbeat.lab.synthetic.plan import PlannedClip, stream
from motionbeat.lab.synthetic.style import Style, style
from motionbeat.lab.synthetic.vocabulary import HANG, PLACES, VOCABULARIES, Vocabulary

MOVES = 16
SECTIONS = 6
SECTION_BEATS = 4
_WIDEST = 1.1  # rad: figures of two beats are no larger

Array = NDArray[np.float64]
Place = tuple[tuple[float, ...], tuple[float, ...]]
"""Of a wrist, and where its elbow points, as in vocabulary.PLACES."""


@frozen
class Steps:
    """The movement of the feet at step m of M."""

    kind: tuple[str, ...]  # (M,) of vocabulary.STEPS
    centre: Array  # (M, 2) m: position of the body after it, x and z
    heading: Array  # (M + 1,) rad: direction of the body; the last is the start of the second round
    flourish: Array  # (M, 3) m: how far a kick leaves the foot's path: outwards, up, forwards
    vigour: Array  # (M,) calm below 1, wild above
    behind: NDArray[np.bool_]  # (M,) whether a cross goes behind the other foot
    level: Array  # (M,) m: by how much the body is lower after it


@frozen
class Poses:
    """Pose of the upper body at hit m; arms in the order left, right."""

    shoulder: Rotation  # (2 M,), all left ones, then all right ones
    elbow: Array  # (M, 2) rad, 0 straight
    wrist: Array  # (M, 2, 3) rad
    girdle: Array  # (M, 2, 3) rad: the inner shoulders
    torso: Array  # (M, 3) rad: pitch, twist, roll
    gaze: Array  # (M, 3) rad: neck and head


@frozen
class Groove:
    """The groove between events in section s of S, four beats each."""

    figure: tuple[str, ...]  # (S,) of vocabulary.FIGURES
    beats: Array  # (S,) beats in a cycle of the arms
    size: Array  # (S, 2) rad: of the left and the right arm
    phase: Array  # (S,) rad
    bob: Array  # (S,) m
    hips: Array  # (S, 3) rad: the pelvis's pitch, twist and roll
    torso: Array  # (S, 3) rad
    ripple: Array  # (S,) rad
    heels: Array  # (S,) rad
    shift: Array  # (S, 2) m: the pelvis's circling, to the left and forwards


@frozen
class Choreography:
    """Moves in order; each kind of event takes the next move of its list, in a cycle."""

    steps: Steps
    poses: Poses
    nod: Array  # (M, 3) rad: movement of the chest at bounce m
    shrug: Array  # (M, 2) rad: and the shoulders
    groove: Groove


def choreography(seed: int, clip: PlannedClip) -> Choreography:
    """The choreography of a clip, drawn for its genre, dancer and number."""
    return composed(stream(seed, "choreography", clip.choreography_id), style(seed, clip.dancer), clip.song[1:3])


def composed(rng: np.random.Generator, mover: Style, genre: str) -> Choreography:
    """Draw a choreography for a dancer from a genre's vocabulary."""
    words = VOCABULARIES[genre]
    return Choreography(
        steps=_steps(rng, mover, words),
        poses=_poses(rng, mover, words),
        nod=rng.normal([0.12, 0, 0], [0.05, 0.08, 0.06], (MOVES, 3)),
        shrug=rng.normal(0.2, 0.07, (MOVES, 2)),
        groove=_groove(rng, mover, words),
    )


def _drawn(rng: np.random.Generator, weights: dict[str, float], count: int, distinct: int) -> tuple[str, ...]:
    """`count` moves from a few of the genre's moves that the choreography prefers."""
    names, liking = list(weights), np.array(list(weights.values()))
    favourites = rng.choice(len(names), min(distinct, len(names)), replace=False, p=liking / liking.sum())
    chance = liking[favourites] / liking[favourites].sum()
    return tuple(names[favourites[i]] for i in rng.choice(len(favourites), count, p=chance))


def _steps(rng: np.random.Generator, mover: Style, words: Vocabulary) -> Steps:
    angle = np.cumsum(rng.choice([0.5, 1.0, 1.5, -0.5, -1.0, -1.5], MOVES)) * np.pi / 2 + rng.uniform(0, 2 * np.pi)
    vigour = np.repeat(rng.uniform(0.6, 1.4, MOVES // 4), 4) * rng.uniform(0.85, 1.15, MOVES)
    centre = words.travel * rng.uniform(0.4, 1.0, MOVES)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    flourish = np.stack([rng.uniform(-0.08, 0.22, MOVES), rng.uniform(0.2, 0.5, MOVES), rng.uniform(0.25, 0.5, MOVES)])
    bends = np.repeat(rng.random(MOVES // 2) < 0.3, 2) * rng.uniform(0.5, 1.0, MOVES)
    return Steps(
        kind=_drawn(rng, words.steps, MOVES, 5),
        centre=centre * mover.step_size,
        heading=_headings(rng, words.turning),
        flourish=flourish.T,
        vigour=vigour,
        behind=rng.random(MOVES) < 0.5,
        level=0.7 * words.low * bends * mover.sink,
    )


def _headings(rng: np.random.Generator, turning: float) -> Array:
    """(M + 1,) rad: to the front with small changes; in turning phrases, one full turn in four steps, or a turn away
    and back.
    """
    turns = np.zeros(MOVES)
    for phrase in range(0, MOVES, 4):
        if rng.random() < turning:
            way = rng.choice([-1.0, 1.0])
            patterns = ([0.5, 0.5, 0.5, 0.5], [0.5, 0.5, -0.5, -0.5], [0.0, 1.0, 0.0, 1.0], [0.35, 0.0, -0.7, 0.35])
            turns[phrase : phrase + 4] = way * np.pi * np.array(patterns[rng.integers(4)])
    swerve = np.append(rng.normal(0, 0.3, MOVES), 0.0)
    swerve[-1] = swerve[0]
    return rng.normal(0, 0.35) + np.append(0.0, np.cumsum(turns)) + swerve


def _poses(rng: np.random.Generator, mover: Style, words: Vocabulary) -> Poses:
    """Poses of the hits: at least one arm changes its place each time."""
    now = {True: HANG, False: HANG}
    places: dict[bool, list[Place]] = {True: [], False: []}
    previous = {True: "", False: ""}
    for _ in range(MOVES):
        arms = [left for left, chance in ((True, mover.left_arm), (False, mover.right_arm)) if rng.random() < chance]
        mirrored = rng.random() < 0.4
        chosen = ""
        for left in arms or [mover.left_arm >= mover.right_arm]:
            candidates = [name for name in words.places if name != previous[left]]
            chosen = chosen if mirrored and chosen in candidates else candidates[rng.integers(len(candidates))]
            wrist, pole = PLACES[chosen]
            now[left] = (tuple(np.array(wrist) + rng.normal(0, 0.04, 3)), pole)
            previous[left] = chosen
        for left, place in now.items():
            places[left].append(place)
    shoulder, elbow = _arms(places, mover.reach)
    return Poses(
        shoulder=shoulder,
        elbow=elbow,
        wrist=rng.normal(0, words.wrists, (MOVES, 2, 3)) * [0.4, 1.0, 1.0],
        girdle=rng.normal(0, [0.04, 0.14, 0.12], (MOVES, 2, 3)),
        torso=rng.normal([0.06, 0, 0], np.array([0.45, 1.2, 0.35]) * words.torso * mover.torso, (MOVES, 3)),
        gaze=rng.normal(0, [0.08, 0.24, 0.07], (MOVES, 3)),
    )


def hanging(reach: float) -> tuple[Rotation, Array]:
    """Both arms hanging: shoulders (2,) and the elbows' bends (2,)."""
    shoulder, elbow = _arms({True: [HANG], False: [HANG]}, reach)
    return shoulder, elbow[0]


def _arms(places: dict[bool, list[Place]], reach: float) -> tuple[Rotation, Array]:
    """Shoulders (2 N,), all left ones, then all right ones, and elbows (N, 2) for N places of each arm."""
    hang, arms = np.array(HANG[0]), []
    for left, of_arm in places.items():
        wrists, poles = np.array(of_arm).swapaxes(0, 1)
        arms.append(arm(hang + reach * (wrists - hang), poles, left))
    return Rotation.concatenate([shoulder for shoulder, _ in arms]), np.stack([bend for _, bend in arms], axis=1)


def _groove(rng: np.random.Generator, mover: Style, words: Vocabulary) -> Groove:
    figure = _drawn(rng, words.figures, SECTIONS, 3)
    energy = rng.uniform(0.55, 1.45, SECTIONS)
    beats = rng.choice([2.0, 2.0, 2.0, 4.0, 1.0], SECTIONS)
    # A cycle of one beat is small, one of four wide, so that all are about as fast.
    width = np.array([{1.0: 0.5, 2.0: 1.0, 4.0: 1.5}[cycle] for cycle in beats])[:, None]
    balance = np.stack([rng.uniform(0.55, 1.2, SECTIONS), rng.uniform(0.55, 1.2, SECTIONS)], axis=1)
    wanted = 1.5 * words.swing * mover.swing * energy
    return Groove(
        figure=figure,
        beats=beats,
        size=width * _WIDEST * np.tanh(wanted[:, None] * balance / _WIDEST),
        # The ends of a swing, where it is slowest, are near the beats.
        phase=rng.choice([0.5, 1.5], SECTIONS) * np.pi + rng.normal(0, 0.25, SECTIONS),
        bob=words.bob * mover.sway * rng.uniform(0.6, 1.4, SECTIONS),
        hips=rng.normal([0.0, 0.0, 0.0], np.array([0.25, 1.0, 0.35]) * words.hips * mover.sway, (SECTIONS, 3)),
        torso=rng.normal(0, np.array([0.3, 1.0, 0.35]) * 0.16 * mover.sway, (SECTIONS, 3)) * energy[:, None],
        ripple=words.wave * mover.torso * rng.uniform(-0.2, 0.6, SECTIONS),
        heels=rng.uniform(0.1, 0.6, SECTIONS) * min(1.3, mover.sway),
        shift=rng.normal(0, [0.045, 0.025], (SECTIONS, 2)) * mover.sway,
    )
