"""Frames2Tokens: mean pooling of frames over the sub-beats of beat intervals or of a regular grid."""

from typing import Protocol

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

Array = NDArray[np.floating]
_FRAMES_AT_ONCE = 30_000
"""Frames to pool at once: 10 minutes of music."""


class Frames(Protocol):
    """Frames (T, F) that are computed when a slice of them is taken."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> NDArray[np.float32]: ...


def subbeat_edges(beat_times: Array, subbeats: int) -> NDArray[np.float64]:
    """Edges of S equal parts of each beat interval.

    beat_times: (N + 1,) s, the beats and the end of the last interval. Returns (N * S + 1,) s.
    """
    times = np.asarray(beat_times, float)
    parts = np.arange(subbeats) / subbeats
    inner = times[:-1, None] + parts * np.diff(times)[:, None]
    return np.append(inner.ravel(), times[-1])


def pool_frames(frames: Array | Frames, frame_rate: float, edges: Array) -> NDArray[np.float32]:
    """Mean of the frames over each interval between consecutive edges.

    Frame i stands for the time [(i - 1/2) / frame_rate, (i + 1/2) / frame_rate), and each frame is weighted by the part
    of it that the interval covers. So an interval shorter than a frame is never empty, and the mean of S equal parts is
    the mean of the whole. Parts outside the frames are left out.

    frames: (T, F). edges: (M + 1,) s, increasing, or (N, M + 1), one row of edges for each of N tokens.
    Returns (M, F) or (N, M, F) float32.
    Raises `MotionBeatError` when an interval lies wholly outside the frames.
    """
    position = np.clip(np.asarray(edges, float) * frame_rate + 0.5, 0.0, len(frames))
    width = np.diff(position)  # (..., M)
    if width.size and width.min() <= 0:
        raise MotionBeatError(
            f"interval {int(width.argmin())} lies outside the {len(frames) / frame_rate:.2f} s of frames: "
            "the beats reach beyond the recording"
        )
    if position.ndim == 1 and len(frames) > _FRAMES_AT_ONCE:
        return _means_in_parts(frames, position)
    return _means(frames[:], position)


def _means(frames: Array, position: Array) -> NDArray[np.float32]:
    """Means of the frames (T, F) between consecutive positions (..., M + 1), in frames from the edge of the first."""
    integral = np.zeros((len(frames) + 1, frames.shape[1]))
    np.cumsum(frames, axis=0, dtype=float, out=integral[1:])
    whole = np.minimum(position.astype(int), len(frames) - 1)
    at_edges = integral[whole] + (position - whole)[..., None] * frames[whole]  # (..., M + 1, F)
    return (np.diff(at_edges, axis=-2) / np.diff(position)[..., None]).astype(np.float32)


def _means_in_parts(frames: Array | Frames, position: Array) -> NDArray[np.float32]:
    """`_means` in blocks of some thousand frames, since the float64 sums need much memory."""
    borders = [0, *np.searchsorted(position[:-1], np.arange(_FRAMES_AT_ONCE, len(frames), _FRAMES_AT_ONCE))]
    means = np.empty((len(position) - 1, frames[:1].shape[1]), np.float32)
    for begin, end in zip(borders, [*borders[1:], len(means)], strict=True):
        if begin < end:
            first = int(position[begin])
            means[begin:end] = _means(frames[first : int(position[end]) + 1], position[begin : end + 1] - first)
    return means


@frozen(eq=False)
class GridTokens:
    """Tokens of a regular grid without beats: token t is pooled from the `period_s` around t / frame_rate seconds.

    Beyond the frames there is silence (zeros). A slice `tokens[a:b]`, (b - a, S * F) float32, is pooled on access, so
    that the overlapping tokens of hours of music are never in memory together.
    """

    frames: Array | Frames
    """(T, F), frame i centred on i / frame_rate s, as for `pool_frames`."""
    frame_rate: float
    count: int
    """Number of tokens, which may differ from T."""
    period_s: float
    subbeats: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        begin, end, _ = part.indices(self.count)
        reach = int(self.period_s * self.frame_rate / 2) + 1  # frames that a token needs on each side
        inside = self.frames[max(begin - reach, 0) : end + reach]
        missing = max(reach - begin, 0), max(end + reach - max(len(self.frames), begin - reach), 0)
        frames = np.pad(inside, (missing, (0, 0)))  # (end - begin + 2 * reach, F)
        centre = (np.arange(end - begin) + reach) / self.frame_rate
        edges = centre[:, None] + self.period_s * (np.arange(self.subbeats + 1) / self.subbeats - 0.5)
        return pool_frames(frames, self.frame_rate, edges).reshape(end - begin, -1)


def begins_in(events: NDArray[np.bool_], frame_rate: float, edges: Array) -> NDArray[np.float32]:
    """1 for each interval that contains an event, otherwise 0.

    events: (T,) or (T, C) bool, at i / frame_rate s. edges: (M + 1,) s. Returns (M,).
    """
    any_event = events if events.ndim == 1 else events.any(axis=1)
    times = np.flatnonzero(any_event) / frame_rate
    # An event on an edge belongs to the interval that begins there; 1 us absorbs rounding.
    counts, _ = np.histogram(times, np.asarray(edges, float) - 1e-6)
    return (counts > 0).astype(np.float32)
