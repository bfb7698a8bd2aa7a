"""A few dances of each generator, stored as files for the films of the report.

A folder of .npz files as `export.write_npz` writes them, with the dance's row in the table, its song, and its start in
the song.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator.dance_files import Posed, write_npz

_FIELDS = ("fps", "joints", "name", "offset_s", "song")
_FIX = "the folder is for dances that the stage dance writes: empty it and run that again"


@frozen(eq=False)
class Shown:
    """A dance of the gallery: name of the row, song, start in the song (s), joints (T, 24, 3) m."""

    name: str
    song: str
    offset_s: float
    joints: NDArray[np.float32]
    fps: float


def write_gallery(
    folder: Path, name: str, dances: Mapping[str, Posed], offsets: Mapping[str, float] | None = None
) -> None:
    """Add the dances of one row to the gallery in `folder`, which is created if it is missing.

    name: of the row, an encoder or ground_truth. dances: by song. offsets: start in each song, s; 0 for songs that are
    not in it.
    """
    for song, dance in sorted(dances.items()):
        offset = (offsets or {}).get(song, 0.0)
        write_npz(folder / f"{name}-{song}.npz", dance, name=name, song=song, offset_s=offset)


def read_gallery(folder: Path) -> list[Shown]:
    """The gallery's dances, by file name; none if there is no folder.

    Raises `MotionBeatError` naming a file that is broken or is not a dance of a gallery.
    """
    return [_read(path) for path in sorted(folder.glob("*.npz"))]


def _read(path: Path) -> Shown:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _FIELDS if name in file}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MotionBeatError(f"{path} is not a complete .npz of plain arrays ({error}): {_FIX}") from None
    missing = sorted(set(_FIELDS) - set(arrays))
    if missing:
        raise MotionBeatError(f"{path} has no {', '.join(missing)}: {_FIX}")
    joints = arrays["joints"]
    if joints.dtype.kind != "f" or joints.shape[1:] != (24, 3) or len(joints) < 2 or not np.isfinite(joints).all():
        raise MotionBeatError(
            f"{path}: joints of {joints.dtype} {joints.shape}; expected finite floats (frames, 24, 3): {_FIX}"
        )
    offset, fps = (_number(path, name, arrays[name]) for name in ("offset_s", "fps"))
    if not 1 <= fps <= 1000:
        raise MotionBeatError(f"{path}: fps is {fps:g}; expected 1 to 1000 frames per second: {_FIX}")
    return Shown(_word(path, "name", arrays["name"]), _word(path, "song", arrays["song"]), offset, joints, fps)


def _number(path: Path, field: str, values: NDArray[Any]) -> float:
    if values.dtype.kind not in "fiu" or values.shape or not np.isfinite(values):
        raise MotionBeatError(f"{path}: {field} is {values.dtype} of shape {values.shape}, not a finite number: {_FIX}")
    return float(values)


def _word(path: Path, field: str, values: NDArray[Any]) -> str:
    if values.dtype.kind != "U" or values.shape:
        raise MotionBeatError(f"{path}: {field} is {values.dtype} of shape {values.shape}, not a text: {_FIX}")
    return str(values)
