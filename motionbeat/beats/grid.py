"""The beat grid: the times of a song's beats, and the position of each in its bar."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionbeat.errors import MotionBeatError

EDGE_S = 0.07
"""Seconds that a beat may be beyond an end of the audio: the tolerance of the usual F-measure."""
LEAST_INTERVAL_S = 0.02
"""Shortest interval between beats, about 3,000 BPM. Closer beats are a mistake and would need too much memory."""
_NEIGHBOURS = 8
_SAME_TEMPO = 0.1


def _floats(values: ArrayLike) -> NDArray[np.float64]:
    array = np.array(values, np.float64)
    array.setflags(write=False)
    return array


def _whole(values: ArrayLike) -> NDArray[np.int64]:
    array = np.array(values)
    if array.dtype.kind not in "iu" and not (array.dtype.kind == "f" and np.array_equal(array, np.round(array))):
        raise MotionBeatError(f"beat positions of type {array.dtype}; give whole numbers, 1 = downbeat")
    array = array.astype(np.int64)
    array.setflags(write=False)
    return array


@attrs.frozen(eq=False)
class Beats:
    """Beats of one song.

    times: (N,) seconds, at least 0, increasing by 0.02 s or more, N >= 2. positions: (N,) position in the bar, from 1
    (the downbeat) to `beats_per_bar`. `downbeats` is False if the tracker finds only beats, and bars are counted from
    the first one.

    Positions may jump (an error of the tracker, or one odd bar): each beat keeps its position, and nothing is inferred
    across a jump. `from_positions` decides which meter such a sequence has.
    """

    times: NDArray[np.float64] = attrs.field(converter=_floats)
    positions: NDArray[np.int64] = attrs.field(converter=_whole)
    beats_per_bar: int
    downbeats: bool = True

    def __attrs_post_init__(self) -> None:
        times, positions = self.times, self.positions
        if times.ndim != 1 or times.shape != positions.shape:
            raise MotionBeatError(f"beats: times {times.shape} and positions {positions.shape}; give (N,) for both")
        if len(times) < 2:
            raise MotionBeatError(f"beats: {len(times)} given; a grid needs at least 2")
        if not np.isfinite(times).all() or times[0] < 0:
            raise MotionBeatError("beats: times contain NaN, infinity or a time before 0; give seconds from 0")
        if (late := np.flatnonzero(np.diff(times) <= 0)).size:
            raise MotionBeatError(
                f"beats: times do not increase at beat {late[0] + 1} ({times[late[0] + 1]:.3f} s); sort them"
            )
        if (close := np.flatnonzero(np.diff(times) < LEAST_INTERVAL_S)).size:
            raise MotionBeatError(
                f"beats: {times[close[0]]:.3f} and {times[close[0] + 1]:.3f} s are closer than {LEAST_INTERVAL_S} s; "
                "give seconds, and each beat once"
            )
        whole = isinstance(self.beats_per_bar, int | np.integer) and not isinstance(self.beats_per_bar, bool)
        if not whole or self.beats_per_bar < 1:
            raise MotionBeatError(f"beats: beats_per_bar = {self.beats_per_bar!r}; give a whole number from 1")
        if positions.min() < 1 or positions.max() > self.beats_per_bar:
            raise MotionBeatError(
                f"beats: positions {positions.min()} to {positions.max()} in bars of {self.beats_per_bar}; "
                "give 1 to beats_per_bar, or use Beats.from_positions"
            )

    @classmethod
    def from_positions(cls, times: ArrayLike, positions: ArrayLike, meters: Iterable[int] = ()) -> "Beats":
        """Beats whose meter is the commonest length of a complete bar (the longer one in a tie).

        A bar is complete from a 1 to the beat before the next 1. If no bar is complete, the meter is the smallest of
        `meters` that is at least the highest position, or that position itself. Positions beyond the meter (an odd
        longer bar) start again: 5 in a bar of 4 is 1.
        """
        counted = _whole(positions)
        lengths = Counter(np.diff(np.flatnonzero(counted == 1)).tolist())
        if counted.size and counted.min() < 1:
            raise MotionBeatError(f"beats: position {counted.min()}; give positions from 1")
        highest = int(counted.max()) if counted.size else 1
        if lengths:
            meter = max(lengths, key=lambda length: (lengths[length], length))
        else:
            meter = min((meter for meter in meters if meter >= highest), default=highest)
        return cls(times, (counted - 1) % meter + 1, meter)

    @property
    def intervals(self) -> NDArray[np.float64]:
        """(N - 1,) seconds from each beat to the next."""
        return np.diff(self.times)

    @property
    def bpm(self) -> float:
        """Beats per minute: 60 / the typical interval of the whole song (see `typical_interval`)."""
        return 60.0 / typical_interval(self.intervals)

    def edges(self) -> NDArray[np.float64]:
        """(N + 1,) seconds: the beat times, and the end of the last beat at the local tempo.

        Beat i lasts from edges[i] to edges[i + 1]; the last one may end after the audio does.
        """
        return np.append(self.times, self.times[-1] + typical_interval(self.intervals[-_NEIGHBOURS:]))

    def extended(self, duration_s: float) -> "Beats":
        """The beats continued to both ends of an audio of `duration_s`, where trackers often miss beats.

        Backwards from the first and forwards from the last beat in steps of the typical interval of the
        8 nearest; positions are counted on. A beat up to 70 ms before 0 is moved to 0; a beat within the last 70 ms
        counts as beyond the end and is left out.
        """
        if not math.isfinite(duration_s) or duration_s < self.times[-1] - EDGE_S:
            raise MotionBeatError(
                f"beats: duration {duration_s} s, but the last beat is at {self.times[-1]:.3f} s; "
                "give the duration of the audio that the beats were tracked in"
            )
        first, last, meter = self.times[0], self.times[-1], self.beats_per_bar
        step = typical_interval(self.intervals[:_NEIGHBOURS])
        before = np.arange(math.floor((first + EDGE_S) / step), 0, -1)
        earlier = np.maximum(first - before * step, 0.0)
        step = typical_interval(self.intervals[-_NEIGHBOURS:])
        after = np.arange(1, max(math.ceil((duration_s - EDGE_S - last) / step), 1))
        later = last + after * step
        return attrs.evolve(
            self,
            times=np.concatenate([earlier, self.times, later]),
            positions=np.concatenate(
                [
                    (self.positions[0] - 1 - before) % meter + 1,
                    self.positions,
                    (self.positions[-1] - 1 + after) % meter + 1,
                ]
            ),
        )


def typical_interval(intervals: NDArray[Any]) -> float:
    """Seconds: the mean of the intervals within 10 % of their median.

    The median ignores a missed or an added beat; the mean then averages out the rounding to a tracker's frames (with
    madmom's 10 ms the median of a steady 130 BPM would be 130.4). Where none is near the median, as between two tempi,
    it is the mean of those near the lower of the two in the middle.
    """
    middle, low = float(np.median(intervals)), float(np.quantile(intervals, 0.5, method="lower"))
    near = np.abs(intervals - middle) <= _SAME_TEMPO * middle
    return float(np.mean(intervals[near if near.any() else np.abs(intervals - low) <= _SAME_TEMPO * low]))
