"""Dance2Tokens: from joints and beat times to the input of the motion encoder."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionbeat.audio.decode import as_array
from motionbeat.beats.grid import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.tokens.layout import Layout
from motionbeat.tokens.signals import motion_tokens
from motionbeat.tokens.token_sequence import TokenSequence

Floats = NDArray[np.float32]


def dance_tokens(
    joints: ArrayLike,
    fps: float,
    beat_times: ArrayLike,
    beat_positions: ArrayLike | None,
    poses: ArrayLike | None,
    beats_per_bar: int | None,
    layout: Layout,
) -> TokenSequence:
    """Tokens of a dance; arguments and errors as for `motionbeat.MotionBeat.embed_motion`."""
    if isinstance(fps, bool) or not isinstance(fps, int | float | np.number) or not 0 < fps < np.inf:
        raise MotionBeatError(f"fps = {fps!r}; give the frame rate of the dance in frames per second, such as 60")
    points = _motion_array("joints", joints, None)
    angles = None if poses is None else _motion_array("poses", poses, len(points))
    beats = _beats(beat_times, beat_positions, beats_per_bar)
    times, seconds = beats.times, len(points) / fps
    if times[-1] > seconds + 1 / fps:
        raise MotionBeatError(
            f"beat_times run from {times[0]:.2f} to {times[-1]:.2f} s, but the dance lasts {seconds:.2f} s: "
            "count them from its first frame, and leave out those after its last"
        )
    features = motion_tokens(points, angles, fps, times, layout)["features"]
    features = features.reshape(len(features), layout.subbeats, -1)
    width = min(features.shape[2], layout.motion_width)  # the rotations come last, here or in the model
    tokens = np.zeros((len(features), layout.subbeats, layout.motion_width), np.float32)
    tokens[..., :width] = features[..., :width]
    return TokenSequence(
        tokens.reshape(len(tokens), -1),
        times,
        beats.positions[:-1] - 1,
        beats.beats_per_bar,
        has_rotations=angles is not None,
    )


def _motion_array(name: str, values: ArrayLike, frames: int | None) -> Floats:
    """Check (T, 24, 3) or, for poses, (T, 72), and return (T, 24, 3) float32. frames: the expected number, if known."""
    try:
        array = as_array(values).astype(np.float32, copy=False)
    except (TypeError, ValueError):
        raise MotionBeatError(f"{name} are not an array of numbers: give (frames, 24, 3)") from None
    if frames is not None and array.ndim == 2 and array.shape[1] == 72:
        array = array.reshape(-1, 24, 3)
    if array.ndim != 3 or array.shape[1:] != (24, 3) or len(array) < 2:
        raise MotionBeatError(f"{name} have shape {array.shape}: give (frames, 24, 3), SMPL's joints, 2 frames or more")
    if frames is not None and len(array) != frames:
        raise MotionBeatError(f"{name} have {len(array)} frames, the joints {frames}: give the same number")
    finite = np.isfinite(array).all(axis=(1, 2))
    if not finite.all():
        raise MotionBeatError(f"{name} contain NaN or infinity in frame {int(finite.argmin())}: repair or leave it out")
    return array


def _beats(times: ArrayLike, positions: ArrayLike | None, beats_per_bar: int | None) -> Beats:
    try:
        seconds = as_array(times).astype(float)
        counted = None if positions is None else as_array(positions).astype(float)
    except (TypeError, ValueError):
        raise MotionBeatError(
            "beat_times or beat_positions are not numbers: give (N,) seconds and (N,) counts"
        ) from None
    if beats_per_bar is not None and (not isinstance(beats_per_bar, int | np.integer) or beats_per_bar < 1):
        raise MotionBeatError(f"beats_per_bar = {beats_per_bar!r}; give a whole number from 1, such as 4")
    if counted is None:
        meter = beats_per_bar or 4
        return Beats(seconds, np.arange(seconds.size) % meter + 1, meter)
    if beats_per_bar is None:
        return Beats.from_positions(seconds, counted)
    return Beats(seconds, counted, beats_per_bar)
