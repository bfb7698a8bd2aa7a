"""Estimated against true beats: F-measure and continuity by mir_eval, the tempo error and the lag."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from motionbeat.beats.grid import Beats, typical_interval

TRIM_S = 5.0
"""Evaluations often leave out the first 5 s, where a tracker has too little music (Davies, Degara & Plumbley, 2009)."""
_SHORT_S = 2 * TRIM_S
_LAG_WINDOW, _LEAST_MATCHED = 0.175, 0.6


def compare(estimated: Beats, truth: Beats) -> dict[str, float | None]:
    """How well `estimated` agrees with `truth`, over one song.

    f_measure, downbeat_f_measure: 0..1, a match within +-70 ms (mir_eval.beat.f_measure). Beats before 5 s are left
    out, as in mir_eval's `evaluate`, unless the last true beat is before 10 s: of such short excerpts (16 beats of
    AIST++ last 7 to 12 s) less than half would be left, so all beats count.
    downbeat_f_measure is None if the tracker finds no downbeats, or no true one is left. cmlt, amlt: 0..1, the
    share of beats in which the metrical level is kept, correct or allowed to be off-beat, double or half
    (mir_eval.beat.continuity, tolerance 0.175 of phase and period). lag_ms: the median delay, in ms, of estimated beats
    after the true beats they match (within 0.175 of a beat); the tolerance of the F-measure hides it. It is None if
    fewer than 60 % of the beats of either list match: with a doubled tempo, or if the truth ends early, the lag is not
    defined.
    tempo_error_percent: |estimated bpm / true bpm - 1| in percent; tempo_error_folded_percent: the same after doubling
    or halving the estimate until it is nearest, so that octave errors do not count.
    """
    from_s = TRIM_S if truth.times[-1] >= _SHORT_S else 0.0
    downbeats = None
    if estimated.downbeats and truth.downbeats:
        downbeats = _f_measure(estimated.times[estimated.positions == 1], truth.times[truth.positions == 1], from_s)
    beats, true_beats = (times[times >= from_s] for times in (estimated.times, truth.times))
    octaves = float(np.log2(estimated.bpm / truth.bpm))
    return {
        "f_measure": _f_measure(estimated.times, truth.times, from_s),
        "downbeat_f_measure": downbeats,
        **_continuity(beats, true_beats),
        "lag_ms": _lag_ms(beats, true_beats),
        "tempo_error_percent": 100.0 * abs(2.0**octaves - 1.0),
        "tempo_error_folded_percent": 100.0 * abs(2.0 ** (octaves - round(octaves)) - 1.0),
    }


def _f_measure(estimated: NDArray[np.float64], truth: NDArray[np.float64], from_s: float) -> float | None:
    import mir_eval

    estimated, truth = estimated[estimated >= from_s], truth[truth >= from_s]
    if not len(truth):
        return None
    if not len(estimated):
        return 0.0
    return float(mir_eval.beat.f_measure(truth, estimated))


def _continuity(estimated: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, float | None]:
    import mir_eval

    if len(truth) < 2:
        return {"cmlt": None, "amlt": None}
    if len(estimated) < 2:
        return {"cmlt": 0.0, "amlt": 0.0}
    _, cmlt, _, amlt = mir_eval.beat.continuity(truth, estimated)
    return {"cmlt": float(cmlt), "amlt": float(amlt)}


def _lag_ms(estimated: NDArray[np.float64], truth: NDArray[np.float64]) -> float | None:
    if not len(truth) or not len(estimated):
        return None
    late = estimated[:, None] - truth
    nearest = np.abs(late).argmin(axis=1)
    late = late[np.arange(len(late)), nearest]
    matched = late[np.abs(late) <= _LAG_WINDOW * typical_interval(np.diff(truth))] if len(truth) > 1 else late[:0]
    if len(matched) < _LEAST_MATCHED * max(len(estimated), len(truth)):
        return None
    return 1000 * float(np.median(matched))


def summary(comparisons: Iterable[Mapping[str, float | None]]) -> dict[str, float]:
    """Mean of each measure over the songs that have it; a measure that no song has is left out.

    NAME_songs is the number of songs that have it, if not all do.
    """
    values: dict[str, list[float]] = {}
    every = list(comparisons)
    for comparison in every:
        for name, value in comparison.items():
            if value is not None:
                values.setdefault(name, []).append(value)
    fewer = {f"{name}_songs": len(of_songs) for name, of_songs in values.items() if len(of_songs) < len(every)}
    return {name: float(np.mean(of_songs)) for name, of_songs in values.items()} | fewer
