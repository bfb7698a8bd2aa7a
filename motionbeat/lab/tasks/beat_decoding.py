"""Activations2Beats, and their scores: decoding by madmom's DBN or by plain peaks, scores by mir_eval.

In both lists, beats before 5 s are left out, as in mir_eval's `evaluate` (but not in its single functions), and so are
beats after the end of the audio. F1: matches within +-70 ms; CMLt and AMLt: continuity with a tolerance of 0.175 in
phase and period, at the annotated level or also off-beat, double and half. Fractions, averaged over tracks.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.beats import madmom_tracker
from motionbeat.errors import MotionBeatError
from motionbeat.lab.beat_grids.beat_evaluation import TRIM_S
from motionbeat.lab.encoders.feature_cache import FRAME_S

METRICS = ("f1", "cmlt", "amlt")
MIN_BPM, MAX_BPM = 55.0, 215.0
NEIGHBOUR = 0.5
"""Target of the frames next to a beat's frame, whose target is 1: annotations are not more exact than that (Boeck &
Davies, 2020)."""
_LEAST, _MOST = 1e-6, 1 - 1e-6
Floats = NDArray[np.floating]


def targets(beat_times: Floats, frames: int) -> NDArray[np.float32]:
    """(T,): 1 at the frame of each beat, `NEIGHBOUR` at the frames next to it, otherwise 0; beats after the last frame
    are left out.
    """
    marks = np.zeros(frames + 2, np.float32)  # one extra frame at both ends
    beats = np.round(_beats(beat_times) / FRAME_S).astype(np.int64) + 1
    beats = beats[beats <= frames]
    for step in (-1, 1):
        marks[beats + step] = NEIGHBOUR
    marks[beats] = 1.0
    return marks[1:-1]


def scores(
    estimated: Floats, annotated: Floats, until_s: float = np.inf, from_s: float = TRIM_S
) -> NDArray[np.float64]:
    """F1, CMLt and AMLt (3,) of one track, beats in s; NaN if fewer than 2 annotated beats are in from_s..until_s.
    Fewer than two estimated beats there score 0.
    """
    from mir_eval import beat

    true, detected = (times[(times >= from_s) & (times <= until_s)] for times in map(_beats, (annotated, estimated)))
    if len(true) < 2:
        return np.full(3, np.nan)
    if len(detected) < 2:
        return np.zeros(3)
    _, cmlt, _, amlt = beat.continuity(true, detected)
    return np.array([beat.f_measure(true, detected), cmlt, amlt])


def by_dbn(activations: Floats) -> NDArray[np.float64]:
    """Beat times (N,) s decoded by madmom's dynamic Bayesian network from activations (T,) in 0..1.

    Krebs, Boeck & Widmer, "An efficient state-space model for joint tempo and meter tracking", ISMIR 2015. Tempo
    55-215 BPM. Raises `MotionBeatError` if madmom is not installed.
    """
    inside = np.clip(_checked(activations), _LEAST, _MOST)
    return madmom_tracker.decode(inside, round(1 / FRAME_S), MIN_BPM, MAX_BPM)


def by_peaks(activations: Floats, threshold: float) -> NDArray[np.float64]:
    """Beat times (N,) s at the local maxima of activations (T,) that reach `threshold`.

    Of maxima closer to each other than a beat at 215 BPM, only the highest is kept; apart from this, no tempo is
    assumed.
    """
    from scipy.signal import find_peaks

    padded = np.pad(_checked(activations), 1)  # a maximum may be the first or last frame
    peaks, _ = find_peaks(padded, height=threshold, distance=max(int(60 / MAX_BPM / FRAME_S), 1))
    return (peaks - 1) * FRAME_S


def best_threshold(activations: Sequence[Floats], annotated: Sequence[Floats]) -> float:
    """The threshold of `by_peaks`, in steps of 0.05, with the best mean F1 on tracks of the validation split.

    If several are equally good, the middle one, so that it is not at the edge of the good range.
    """
    tried = np.arange(1, 20) / 20
    quality = [
        np.nan_to_num(
            [
                scores(by_peaks(each, threshold), beats, (len(each) - 1) * FRAME_S)[0]
                for each, beats in zip(activations, annotated, strict=True)
            ]
        ).mean()
        for threshold in tried
    ]
    as_good = np.flatnonzero(np.array(quality) >= max(quality) - 1e-12)
    return float(tried[as_good[len(as_good) // 2]])


def _beats(values: Any) -> NDArray[np.float64]:
    times = _checked(values)
    if len(times) and (times[0] < 0 or (np.diff(times) < 0).any()):
        raise MotionBeatError("beat times begin before 0 or do not increase: sort them, in seconds from the beginning")
    return times


def _checked(values: Any) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise MotionBeatError(f"beat times or activations {array.shape}: expected finite numbers in one row")
    return array
