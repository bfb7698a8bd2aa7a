"""The music condition of a generator: frames of a frozen encoder, interpolated to the times of the dance."""

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator.motion_vector import FPS


@frozen(eq=False)
class Music:
    """Frames of a song: features (T, D) float32 at increasing times (T,) in s."""

    features: NDArray[np.float32]
    times: NDArray[np.float64]

    def rows(self, seconds: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The two frames around each time: row of the first (n,) and weight 0..1 of the second (n,).

        Before the first and after the last frame the features are constant.
        """
        at = np.asarray(seconds, np.float64)
        if len(self.times) < 2:
            return np.zeros(at.shape, np.int64), np.zeros(at.shape, np.float32)
        row = np.clip(np.searchsorted(self.times, at, side="right") - 1, 0, len(self.times) - 2)
        weight = (at - self.times[row]) / (self.times[row + 1] - self.times[row])
        return row, np.clip(weight, 0.0, 1.0).astype(np.float32)

    def at(self, seconds: ArrayLike) -> NDArray[np.float32]:
        """(n, D) at times (n,) s, by linear interpolation."""
        row, weight = self.rows(seconds)
        after = np.minimum(row + 1, len(self.times) - 1)
        return (1 - weight[:, None]) * self.features[row] + weight[:, None] * self.features[after]

    def condition(self, duration_s: float, offset_s: float = 0.0) -> NDArray[np.float32]:
        """(T, D) at 30 frames per second for a dance of `duration_s` that begins `offset_s` into the song."""
        return self.at(offset_s + np.arange(int(duration_s * FPS + 1e-6)) / FPS)


def checked(name: str, features: ArrayLike, times: ArrayLike) -> Music:
    """The music of a song, checked; `name` is used in errors.

    Raises `MotionBeatError` for other shapes, NaN, times that do not increase, and constant features, as of a silent
    song.
    """
    values, seconds = np.asarray(features, np.float32), np.asarray(times, np.float64)
    if values.ndim != 2 or seconds.shape != (len(values),) or not len(values):
        raise MotionBeatError(
            f"{name}: music features of shape {values.shape} at times of shape {seconds.shape}; give (T, D) and (T,)"
        )
    if not (np.isfinite(values).all() and np.isfinite(seconds).all()):
        raise MotionBeatError(f"{name}: music features or times contain NaN or infinity; encode the song again")
    if (np.diff(seconds) <= 0).any():
        raise MotionBeatError(f"{name}: the times of the music features do not increase; give them in order")
    if len(values) > 1 and (values == values[0]).all():
        raise MotionBeatError(
            f"{name}: the music features are constant, as for a silent song: use a song that is not silent"
        )
    return Music(values, seconds)
