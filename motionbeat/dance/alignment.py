"""Beat Alignment Score: how close the beats of a dance are to the beats of its music, and the chance level.

Two definitions are in use under one name; both use the moments of least speed. A score means little without the score
of the same dance with shifted music: where beats are dense, chance alone gives 0.2 to 0.3. If some parts of the body
stop on the beat and others move through it, there is no moment of least speed, but the feet still land. So there is a
third definition, of landings. It is our own: do not compare it with published figures.

`bailando`: Siyao et al., "Bailando: 3D Dance Generation by Actor-Critic GPT with Choreographic Memory", CVPR 2022.
`fact`: Li et al., "AI Choreographer: Music Conditioned 3D Dance Generation with AIST++", ICCV 2021.
"""

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from motionbeat.beats.grid import LEAST_INTERVAL_S
from motionbeat.dance.joints import at_rate
from motionbeat.errors import MotionBeatError
from motionbeat.motion.contacts import contact_pulses, foot_contacts

LEAST_SPEED = ("bailando", "fact")
DEFINITIONS = (*LEAST_SPEED, "landing")
FPS = 60.0
SIGMA_S = 3 / FPS
"""Seconds: a beat at this distance scores exp(-1/2)."""
SMOOTHING_S = 5 / FPS
MINIMUM_S = 10 / FPS
SHIFTS = 200
STANDS_MPS, STANDS_M = 0.3, 0.05
"""A foot joint slower than this, and this close to its floor, is in contact."""
OFF_S = 6 / FPS
"""Time without contact before a landing, so that a trembling foot lands only once."""
STILL_M = 1e-5
"""A joint that moves less from frame to frame stands still: this is rounding."""
SLOWEST_BEAT_S = 3.0
_LEAST_FRAMES = 4


@attrs.frozen
class BeatAlignment:
    """A score and its chance level: `chance` is the mean over shifts of the music, `chance_std` their deviation,
    `z` = (value - chance) / chance_std (0 where no shift changes the score)."""

    value: float
    chance: float
    chance_std: float
    z: float


def beat_alignment(joints: ArrayLike, fps: float, beat_times: ArrayLike, definition: str = "bailando") -> float:
    """Beat Alignment Score, 0..1.

    joints: (T, 24, 3) m at `fps` frames per second (resampled to 60). beat_times: (N,) s of the music,
    0 being the first frame; beats beyond the motion do not count. definition:
    `bailando` averages exp(-d^2 / (2 sigma^2)) over the *music* beats, d being the distance to the nearest motion
    beat; `fact` and `landing` over the *motion* beats, d being the distance to the nearest music beat. Sigma is 50 ms.
    For the motion beats see `motion_beats`. A dance without any motion beat, such as standing still, scores 0. Raises
    `MotionBeatError` for joints that cannot be used, an unknown definition, and no music beat within the motion.
    """
    moves, music, _ = _both(joints, fps, beat_times, definition)
    return _score(moves, music, definition)


def beat_alignment_against_chance(
    joints: ArrayLike,
    fps: float,
    beat_times: ArrayLike,
    definition: str = "bailando",
    shifts: int = SHIFTS,
    seed: int = 0,
) -> BeatAlignment:
    """The score of `beat_alignment` and its chance level, from circular shifts of the music's beats.

    shifts: how many shifts, drawn uniformly over the motion's duration with `seed`. Other arguments and errors as for
    `beat_alignment`; fewer than 2 shifts are refused too.
    """
    if shifts < 2:
        raise MotionBeatError(f"beat_alignment_against_chance: shifts = {shifts}; give at least 2")
    moves, music, duration = _both(joints, fps, beat_times, definition)
    value = _score(moves, music, definition)
    by = np.random.default_rng(seed).uniform(0.0, duration, shifts)
    others = np.array([_score(moves, np.sort((music + shift) % duration), definition) for shift in by])
    chance, deviation = float(others.mean()), float(others.std())
    return BeatAlignment(value, chance, deviation, (value - chance) / deviation if deviation > 0 else 0.0)


def motion_beats(joints: ArrayLike, fps: float, definition: str = "bailando") -> NDArray[np.float64]:
    """Times (s) of the motion beats by one definition, at 60 frames per second.

    joints: (T, 24, 3) m at `fps`. `bailando`: strict local minima of the joints' mean displacement to the next frame,
    smoothed by a Gaussian of 83 ms. `fact`: frames whose summed displacement from the frame before is strictly less
    than in the 167 ms before and after (fewer at the ends); the first frame counts as still, as in its reference code.
    `landing`: the ankle or the toes of a foot come into contact (slower than 0.3 m/s and less than 5 cm above the
    floor) after 100 ms without contact. Before the first frame the foot counts as off the floor, but the first frame is
    no landing.
    """
    _known(definition)
    positions = at_rate("motion_beats", joints, fps, FPS, _LEAST_FRAMES)
    if definition == "landing":
        return _landings(positions) / FPS
    displacement = np.linalg.norm(np.diff(positions, axis=0), axis=-1)  # (T - 1, 24)
    if displacement.max() <= STILL_M:
        return np.empty(0)
    if definition == "bailando":
        return _strict_minima(gaussian_filter1d(displacement.mean(axis=1), SMOOTHING_S * FPS), 1) / FPS
    return _strict_minima(np.concatenate([[0.0], displacement.sum(axis=1)]), round(MINIMUM_S * FPS)) / FPS


def _landings(positions: NDArray[np.float64]) -> NDArray[np.intp]:
    """Frames, in ascending order, in which the left or the right foot lands."""
    joints = foot_contacts(positions, FPS, STANDS_MPS, STANDS_M)  # (T, 4): both ankles, both toes
    stands = joints[:, :2] | joints[:, 2:]  # (T, 2)
    off = round(OFF_S * FPS)
    recently = np.zeros_like(stands)
    for back in range(2, off + 1):
        recently[back:] |= stands[:-back]
    return np.flatnonzero((contact_pulses(stands) & ~recently).any(axis=1))


def _strict_minima(values: NDArray[np.float64], order: int) -> NDArray[np.intp]:
    from scipy.signal import argrelextrema

    return np.asarray(argrelextrema(values, np.less, order=order)[0])


def _known(definition: str) -> None:
    if definition not in DEFINITIONS:
        raise MotionBeatError(f"beat_alignment: definition = {definition!r}; give one of {', '.join(DEFINITIONS)}")


def _both(
    joints: ArrayLike, fps: float, beat_times: ArrayLike, definition: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """The motion beats, the music beats within the motion (both in seconds, sorted), and the duration of the motion."""
    moves = motion_beats(joints, fps, definition)
    times = np.asarray(beat_times, np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise MotionBeatError(f"beat_alignment: beat_times of shape {times.shape}; give (N,) finite seconds")
    duration = len(np.asarray(joints)) / fps
    intervals = np.diff(np.sort(times))
    if len(intervals) and (intervals.min() < LEAST_INTERVAL_S or np.median(intervals) > SLOWEST_BEAT_S):
        raise MotionBeatError(
            f"beat_alignment: beat_times have intervals of {intervals.min():.3g} to {intervals.max():.3g} s; give each "
            "beat once, and in seconds, not in frames"
        )
    music = np.sort(times[(times >= 0) & (times < duration)])
    if not len(music):
        raise MotionBeatError(
            f"beat_alignment: none of the {len(times)} beat_times lies within the {duration:.2f} s of the motion; "
            "give seconds from its first frame"
        )
    return moves, music, duration


def _score(moves: NDArray[np.float64], music: NDArray[np.float64], definition: str) -> float:
    if not len(moves):
        return 0.0
    distance = _nearest(music, moves) if definition == "bailando" else _nearest(moves, music)
    return float(np.exp(-(distance**2) / (2 * SIGMA_S**2)).mean())


def _nearest(times: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each of `times` to the nearest of the sorted `others`."""
    after = np.minimum(np.searchsorted(others, times), len(others) - 1)
    before = np.maximum(after - 1, 0)
    return np.minimum(np.abs(others[after] - times), np.abs(others[before] - times))
