"""Facts about a motion file that the file itself lacks, given by the user."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254}
"""Metres of each unit that a motion may be in."""
RATE_FIELDS = ("mocap_framerate", "mocap_frame_rate", "frame_rate", "framerate", "fps")
_SAME_RATE = 0.01
_RATES = (1.0, 1000.0)
"""Valid frame rates; 1/60 would be the time between frames."""


@frozen
class Hints:
    """fps: frames per second; up: y or z; unit: a key of `UNITS`; person: which of several, from 0. None: not given."""

    fps: float | None = None
    up: str | None = None
    unit: str | None = None
    person: int | None = None


def rate_field(arrays: Mapping[str, NDArray[Any]], names: Iterable[str] = RATE_FIELDS) -> str | None:
    """The field of a file with its frame rate, None if it has none."""
    return next((name for name in names if name in arrays), None)


def rate(path: Path, said: float | None, hints: Hints, field: str) -> float:
    """Frames per second: from the file (`said`, by its `field`), or from the user if the file has no rate.

    Raises `MotionBeatError` if neither has it, if it is not 1 to 1000, and if both differ by more than 1 %.
    """
    if said is None:
        if hints.fps is None:
            raise MotionBeatError(f"{path} does not say its frame rate: fill the column fps of clips.csv")
        return hints.fps
    if not _RATES[0] <= said <= _RATES[1]:
        raise MotionBeatError(f"{path}: {field} is {said:g}; expected {_RATES[0]:g} to {_RATES[1]:g} frames per second")
    if hints.fps is not None and abs(hints.fps - said) > _SAME_RATE * said:
        raise MotionBeatError(
            f"{path}: {field} says {said:g} frames per second, the column fps {hints.fps:g}: correct or empty the "
            "column"
        )
    return said
