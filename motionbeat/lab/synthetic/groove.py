"""Movement between events: figures of arms, hips and torso at the pulse of the beat, section by section.

It depends on the beat and the choreography, not on the song's accents.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.synthetic.choreography import SECTION_BEATS, SECTIONS, Groove
from motionbeat.lab.synthetic.style import Style
from motionbeat.motion.limbs import minimum_jerk

Array = NDArray[np.float64]

_CROSSFADE_BEATS = 0.7
_MIRROR = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0]])  # rotation vectors of the left and the right arm


@frozen
class Pulse:
    """The groove of a clip, frame by frame."""

    shoulders: Array  # (T, 2, 3) rad, in the chest's frame
    elbows: Array  # (T, 2) rad
    wrists: Array  # (T, 2, 3) rad
    girdle: Array  # (T, 2, 3) rad
    torso: Array  # (T, 3) rad
    ripple: Array  # (T, 4) rad: belly, spine, chest, neck
    hips: Array  # (T, 3) rad
    bob: Array  # (T,) m down
    shift: Array  # (T, 2) m to the left and forwards
    heels: Array  # (T, 2) rad: heels are lifted in turn, balls stay on the floor


def pulse(beats: Array, moves: Groove, mover: Style) -> Pulse:
    """The groove at `beats` (T,), the time counted in beats of the song."""
    frames = len(beats)
    made = Pulse(
        *(np.zeros((frames, *shape)) for shape in ((2, 3), (2,), (2, 3), (2, 3), (3,), (4,), (3,), (), (2,), (2,)))
    )
    for number in range(int(beats[-1] // SECTION_BEATS) + 1):
        section, begin = number % SECTIONS, number * SECTION_BEATS
        first, last = np.searchsorted(beats, (begin, begin + SECTION_BEATS + _CROSSFADE_BEATS))
        within = slice(first, last)
        beat = beats[within]
        come = minimum_jerk((beat - begin) / _CROSSFADE_BEATS) if number else np.ones(len(beat))
        weight = come * (1 - minimum_jerk((beat - begin - SECTION_BEATS) / _CROSSFADE_BEATS))
        _add(made, within, weight, beat, section, moves, mover)
    return made


def _add(made: Pulse, within: slice, weight: Array, beat: Array, section: int, moves: Groove, mover: Style) -> None:
    """Add one section, in place."""
    angle = 2 * np.pi * beat / moves.beats[section] + moves.phase[section]
    shoulders, elbows, wrists = _figure(moves.figure[section], angle, mover.lag)
    size = weight[:, None] * moves.size[section]
    made.shoulders[within] += size[..., None] * shoulders * _MIRROR
    made.elbows[within] += size * elbows
    made.wrists[within] += size[..., None] * wrists * _MIRROR
    two = np.pi * beat + moves.phase[section]  # a cycle of two beats, its ends on the beats
    one = 2 * np.pi * beat
    rolling = np.stack([np.sin(two - 0.7), np.sin(two - 0.7 + np.pi)], axis=1)
    made.girdle[within] += (0.22 * size * rolling)[..., None] * np.array([0.2, 0.5, 0.8]) * _MIRROR
    made.torso[within] += weight[:, None] * np.sin(two[:, None] - [0.9, 0.5, 0.3]) * moves.torso[section]
    waves = np.sin(one[:, None] - 0.4 - 0.9 * mover.lag * np.arange(4)) * [0.5, 0.8, 1.0, -0.9]
    made.ripple[within] += weight[:, None] * moves.ripple[section] * waves
    made.hips[within] += weight[:, None] * np.sin(two[:, None] + [1.2, 0.3, 0.0]) * moves.hips[section]
    made.bob[within] += weight * moves.bob[section] * (1 + np.cos(one))
    made.shift[within] += weight[:, None] * np.sin(two[:, None] + [0.0, np.pi / 2]) * moves.shift[section]
    up = 0.5 + 0.5 * np.sin(two[:, None] + [0.0, np.pi])
    made.heels[within] += weight[:, None] * moves.heels[section] * up**2


def _figure(name: str, angle: Array, lag: float) -> tuple[Array, Array, Array]:
    """Shoulders (n, 2, 3), elbows (n, 2) and wrists (n, 2, 3) of a figure of size 1, as of a left arm.

    About x the hanging arm swings back, about z it rises outwards, about y the raised arm comes forwards.
    """
    both = angle[:, None] + np.zeros(2)
    turns = angle[:, None] + [0.0, np.pi]
    late = 0.7 * lag
    x, y, z, bend = np.zeros((4, len(angle), 2))
    hand = np.zeros((len(angle), 2))
    if name == "swing":
        x, bend = np.sin(turns), 0.45 * np.sin(turns - np.pi / 2 - late)
    elif name == "circle":
        x, z, bend = 0.8 * np.sin(both), 0.7 * np.cos(both), 0.4 * np.sin(both - late)
        hand = 0.8 * np.cos(both - late)
    elif name == "sway":
        x, z, bend = 0.25 * np.cos(turns), 0.9 * np.sin(turns), 0.3 * np.cos(turns - late)
    elif name == "pump":
        x, bend = 0.55 * np.sin(turns), 0.9 * np.sin(turns - late)
    elif name == "wave":
        run = angle[:, None] - [0.0, 2.6]
        z, bend, hand = 0.5 * np.sin(run), 0.8 * np.sin(run - late - 0.4), 1.0 * np.sin(run - 2 * late - 0.8)
    elif name == "roll":
        x, y, bend = 0.45 * np.sin(turns), 0.5 * np.cos(turns), 0.6 * np.cos(turns - late)
        hand = 0.6 * np.sin(turns - late)
    elif name == "open":
        y, z, bend = 0.9 * np.sin(both), 0.5 * np.sin(both - 0.3), 0.5 * np.sin(both - 0.5 - late)
    else:  # still: the arms keep their pose, except for breathing
        z = 0.15 * np.sin(both)
    shoulders = np.stack([x, y, z], axis=-1)
    wrists = np.stack([np.zeros_like(hand), 0.4 * hand, 0.8 * hand], axis=-1)
    return shoulders, bend, wrists
