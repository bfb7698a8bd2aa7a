"""Npz2Arrays: arrays of numbers from NumPy files; pickles in them are never loaded."""

import warnings
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded
from motionbeat.lab.corpora.manifest import first_bad_frame, refuse_longer

LARGEST_BYTES = 512 * 2**20
"""Unpacked, of all arrays."""
LARGEST = 1e6
"""Largest valid number of a motion: a kilometre in millimetres."""


def names(path: Path) -> list[str]:
    """The names of the arrays in an .npz file."""
    with guarded(path, "is not a complete .npz file", "write it with numpy.savez"), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if (size := sum(member.file_size for member in members)) > LARGEST_BYTES:
            raise MotionBeatError(f"{path} unpacks to {size} bytes, more than any motion ({LARGEST_BYTES}): check it")
        return [member.filename.removesuffix(".npy") for member in members]


def load(path: Path, wanted: Collection[str]) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file that are among `wanted`; each must have numbers or plain text."""
    found = [name for name in names(path) if name in wanted]
    with guarded(path, "cannot be read", "write it again with numpy.savez"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings about damaged headers, which are refused below
        try:
            with np.load(path, allow_pickle=False) as arrays:
                values = {name: arrays[name] for name in found}
        except ValueError as error:
            raise _refused(path, error, "numpy.savez") from None
    strange = [name for name, array in values.items() if not isinstance(array, np.ndarray)]
    if strange:
        raise MotionBeatError(
            f"{path}: {strange[0]} is not an array in NumPy's format: write it again with numpy.savez"
        )
    return values


def load_one(path: Path) -> NDArray[Any]:
    """The array in an .npy file."""
    with guarded(path, "cannot be read", "write it again with numpy.save"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.stat().st_size > LARGEST_BYTES:
            raise MotionBeatError(f"{path} has more bytes than any motion ({LARGEST_BYTES}): check it")
        try:
            # mapped before it is copied, so that a wrong shape in the header needs no memory
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            array = np.array(array) if isinstance(array, np.ndarray) else array
        except ValueError as error:
            raise _refused(path, error, "numpy.save") from None
    if not isinstance(array, np.ndarray):
        raise MotionBeatError(f"{path} is an .npz archive by another name: rename it to end in .npz")
    return array


def _refused(path: Path, error: Exception, writer: str) -> MotionBeatError:
    if "allow_pickle" in str(error):
        reason = "contains Python objects, which are not loaded, since a pickle can run any code: save plain arrays"
        return MotionBeatError(f"{path} {reason} by {writer}")
    return MotionBeatError(f"{path} cannot be read ({error or type(error).__name__}): write it again with {writer}")


def numbers(path: Path, name: str, values: NDArray[Any], *shape: int) -> NDArray[np.float64]:
    """`values` as (T, *shape) float64: T frames, at least 2, all finite; flat frames are reshaped."""
    if not values.ndim:
        raise MotionBeatError(f"{path}: {name} is one number; expected frames of {int(np.prod(shape))} numbers")
    flat = int(np.prod(shape))
    expected = f"expected (frames, {', '.join(map(str, shape))})" + (f" or (frames, {flat})" if len(shape) > 1 else "")
    if values.dtype.kind not in "fiu" or values.shape[1:] not in (shape, (flat,)):
        raise MotionBeatError(f"{path}: {name} has shape {values.shape} of {values.dtype}; {expected} of numbers")
    if len(values) < 2:
        raise MotionBeatError(f"{path}: {name} has {len(values)} frames; expected at least 2")
    refuse_longer(path, len(values), flat)
    array = values.astype(np.float64).reshape(-1, *shape)
    if not np.isfinite(array).all():
        frame = first_bad_frame(array)
        raise MotionBeatError(
            f"{path}: {name} contains NaN or infinity in frame {frame}: repair the clip or leave it out"
        )
    if np.abs(array).max() > LARGEST:
        raise MotionBeatError(
            f"{path}: {name} reaches {np.abs(array).max():.3g}, which is not a place or angle: repair it"
        )
    return array


def number(path: Path, name: str, values: NDArray[Any]) -> float:
    """The number in an array of size 1, whatever its shape."""
    if values.size != 1 or values.dtype.kind not in "fiu":
        raise MotionBeatError(f"{path}: {name} has shape {values.shape} of {values.dtype}; expected one number")
    return float(values.reshape(-1)[0])
