"""Frames2Beats: mean pooling of a frame sequence over beat intervals and their equal parts."""

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

Array = NDArray[np.floating]


def subbeat_edges(beat_times: Array, subbeats: int) -> NDArray[np.float64]:
    """Edges of S equal parts of each beat interval.

    beat_times: (N + 1,) s, the beats and the end of the last interval. Returns (N * S + 1,) s.
    """
    times = np.asarray(beat_times, float)
    parts = np.arange(subbeats) / subbeats
    inner = times[:-1, None] + parts * np.diff(times)[:, None]
    return np.append(inner.ravel(), times[-1])


def pool_frames(frames: Array, frame_rate: float, edges: Array) -> NDArray[np.float32]:
    """Mean of the frames over each interval between consecutive edges.

    Frame i stands for the time [(i - 1/2) / frame_rate, (i + 1/2) / frame_rate), and an interval
    takes from each frame the part that it covers, so an interval shorter than a frame is never
    empty, and the mean of S equal parts is the mean of the whole. What lies outside the frames
    is left out.

    frames: (T, F). edges: (M + 1,) s, increasing. Returns (M, F) float32.
    Raises `MotionBeatError` when an interval lies wholly outside the frames.
    """
    frames = np.asarray(frames, float)
    position = np.clip(np.asarray(edges, float) * frame_rate + 0.5, 0.0, len(frames))
    width = np.diff(position)
    if len(width) and width.min() <= 0:
        raise MotionBeatError(
            f"interval {int(width.argmin())} lies outside the {len(frames) / frame_rate:.2f} s of frames: "
            "the beats reach beyond the recording"
        )
    integral = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0)])
    whole = np.minimum(position.astype(int), len(frames) - 1)
    at_edges = integral[whole] + (position - whole)[:, None] * frames[whole]
    return (np.diff(at_edges, axis=0) / width[:, None]).astype(np.float32)


def begins_in(events: NDArray[np.bool_], frame_rate: float, edges: Array) -> NDArray[np.float32]:
    """1 for each interval in which some event falls, else 0.

    events: (T,) or (T, C) bool, at i / frame_rate s. edges: (M + 1,) s. Returns (M,).
    """
    any_event = events if events.ndim == 1 else events.any(axis=1)
    times = np.flatnonzero(any_event) / frame_rate
    # An event on an edge belongs to the interval that begins there; 1 us absorbs rounding.
    counts, _ = np.histogram(times, np.asarray(edges, float) - 1e-6)
    return (counts > 0).astype(np.float32)
