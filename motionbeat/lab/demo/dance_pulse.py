"""Motion2Beats: the pulse of a dance without its music, to find music for it.

The novelty of the motion (feet that come to stand, and the acceleration of hands, head and root) is correlated with
a pulse of each tempo and with its multiples: what is danced to a beat returns with the half bar and the bar, too. One
tempo is taken for the whole dance. How well it does
is known from dances of the synthetic corpus alone, by which it was chosen too (`tests/lab/test_demo_measures.py`).
"""

import numpy as np
from numpy.typing import NDArray

from motionbeat.beats import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.motion.contacts import contact_pulses, foot_contacts
from motionbeat.motion.kinematics import velocity
from motionbeat.motion.resample import resample
from motionbeat.motion.skeleton import INDEX

FPS = 60.0
SLOWEST, FASTEST = 70.0, 160.0
"""Beats a minute that are tried, in steps of 0.5."""
SHORTEST_S = 4.0
_USUAL, _OCTAVES = 105.0, 0.5  # centre and deviation of the tempi that are expected
_MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)
_LAG_S = 0.06  # of the novelty behind the beat, median over the made dances
_SMOOTH = 2.0  # frames
_ENDS = [INDEX[name] for name in ("lwrist", "rwrist", "root", "head")]
_CONTACT_SPEED, _CONTACT_HEIGHT = 0.3, 0.05


def novelty(joints: NDArray[np.floating], fps: float) -> NDArray[np.float64]:
    """(T,) at `FPS`: landings of the feet plus acceleration, each divided by its deviation. joints: (T, 24, 3) m."""
    from scipy.ndimage import gaussian_filter1d

    moved = resample(np.asarray(joints, np.float32), fps, FPS)
    landings = contact_pulses(foot_contacts(moved, FPS, _CONTACT_SPEED, _CONTACT_HEIGHT)).any(axis=1)
    speed_up = np.linalg.norm(velocity(velocity(moved[:, _ENDS], FPS), FPS), axis=-1).mean(axis=1)
    curves = [gaussian_filter1d(values.astype(np.float64), _SMOOTH) for values in (landings, speed_up)]
    return np.sum([curve / max(float(curve.std()), 1e-9) for curve in curves], axis=0)


def beats_of_motion(joints: NDArray[np.floating], fps: float, bpm: float | None = None) -> Beats:
    """Evenly spaced beats of a dance (T, 24, 3) m, y up, at `fps`; bars of 4 are counted from the first.

    bpm: the tempo where it is known; then only where the beats lie is looked for. Raises `MotionBeatError` for less
    than 4 s, and for a body that does not move.
    """
    seconds = len(joints) / fps
    if seconds < SHORTEST_S:
        raise MotionBeatError(f"the dance lasts {seconds:.2f} s: give at least {SHORTEST_S:g} s")
    curve = novelty(joints, fps)
    curve = curve - curve.mean()
    if not np.abs(curve).max() > 1e-6:
        raise MotionBeatError("nobody moves in this dance: give one with steps")
    times = np.arange(len(curve)) / FPS
    tempi = np.arange(SLOWEST, FASTEST + 0.25, 0.5) if bpm is None else np.array([bpm])
    expected = np.exp(-0.5 * (np.log2(tempi / _USUAL) / _OCTAVES) ** 2)
    strength = sum(np.abs(_fourier(curve, times, multiple * tempi / 60)) for multiple in _MULTIPLES)
    best = float(tempi[int(np.argmax(strength * expected))])
    period = 60 / best
    turn = float(-np.angle(_fourier(curve, times, np.array([1 / period]))[0])) / (2 * np.pi)
    first = (turn * period - _LAG_S) % period
    beats = np.arange(first, seconds, period)
    return Beats(beats, np.arange(len(beats)) % 4 + 1, 4, downbeats=False)


def _fourier(
    curve: NDArray[np.float64], times: NDArray[np.float64], hertz: NDArray[np.float64]
) -> NDArray[np.complex128]:
    return np.asarray(np.exp(-2j * np.pi * np.outer(hertz, times)) @ curve)
