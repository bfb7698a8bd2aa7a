"""Npz2Arrays: arrays of numbers out of NumPy files; no pickle in them is ever loaded."""

import tokenize
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.manifest import first_bad_frame

_BROKEN = (
    *(ValueError, EOFError, KeyError, MemoryError, OSError, RuntimeError, SyntaxError),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and zipfile raise on damaged files, found by changing bytes of sound ones at random."""
LARGEST = 1e6
"""Beyond a kilometre in millimetres no number of a motion is meant."""


def names(path: Path) -> list[str]:
    """The names of the arrays in an .npz file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except OSError as error:
        raise MotionBeatError(f"{path} cannot be read ({error.strerror}): check the column motion") from None
    except _BROKEN as error:
        raise MotionBeatError(f"{path} is no whole .npz file ({error}): write it again by numpy.savez") from None


def load(path: Path, wanted: Collection[str]) -> dict[str, NDArray[Any]]:
    """Those of the arrays `wanted` that an .npz file has; each must hold numbers or plain text."""
    found = [name for name in names(path) if name in wanted]
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in found}
    except _BROKEN as error:
        raise _refused(path, error, "numpy.savez") from None


def load_one(path: Path) -> NDArray[Any]:
    """The array in an .npy file."""
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise MotionBeatError(f"{path} cannot be read ({error.strerror or error}): check the column motion") from None
    except _BROKEN as error:
        raise _refused(path, error, "numpy.save") from None
    if not isinstance(array, np.ndarray):
        raise MotionBeatError(f"{path} is an .npz archive by another name: rename it to end in .npz")
    return array


def _refused(path: Path, error: Exception, writer: str) -> MotionBeatError:
    if "allow_pickle" in str(error):
        reason = "holds Python objects, which are not loaded, since a pickle can run anything: save plain arrays"
        return MotionBeatError(f"{path} {reason} by {writer}")
    return MotionBeatError(f"{path} cannot be read ({error or type(error).__name__}): write it again by {writer}")


def numbers(path: Path, name: str, values: NDArray[Any], *shape: int) -> NDArray[np.float64]:
    """`values` as (T, *shape) float64: T frames, at least 2, all finite; flat frames are unfolded."""
    flat = int(np.prod(shape))
    expected = f"expected (frames, {', '.join(map(str, shape))})" + (f" or (frames, {flat})" if len(shape) > 1 else "")
    if values.dtype.kind not in "fiu" or values.shape[1:] not in (shape, (flat,)):
        raise MotionBeatError(f"{path}: {name} has shape {values.shape} of {values.dtype}; {expected} of numbers")
    if len(values) < 2:
        raise MotionBeatError(f"{path}: {name} has {len(values)} frames; expected at least 2")
    array = values.astype(np.float64).reshape(-1, *shape)
    if not np.isfinite(array).all():
        frame = first_bad_frame(array)
        raise MotionBeatError(f"{path}: {name} holds NaN or infinity in frame {frame}: repair the clip or leave it out")
    if np.abs(array).max() > LARGEST:
        raise MotionBeatError(
            f"{path}: {name} reaches {np.abs(array).max():.3g}, which is no place or angle: repair it"
        )
    return array


def number(path: Path, name: str, values: NDArray[Any]) -> float:
    """One number, as an array of any shape holds it."""
    if values.size != 1 or values.dtype.kind not in "fiu":
        raise MotionBeatError(f"{path}: {name} has shape {values.shape} of {values.dtype}; expected one number")
    return float(values.reshape(-1)[0])
