"""Dance2File: write a generated dance in file formats of other programs.

| ending | what                                                                           | frames/s |
|--------|--------------------------------------------------------------------------------|----------|
| .npz   | joints, poses, trans, contacts, fps as plain arrays: all that is known          | as made  |
| .pkl   | smpl_poses, smpl_trans, smpl_scaling, as the motions of AIST++                   | 60       |
| .bvh   | the neutral body as a hierarchy of joints, for Blender and others (`bvh_writer`) | as made  |

All have y up, and `motionbeat.lab.corpora.formats.read_motion` reads them back. The same dance gives the same bytes.
"""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file
from motionbeat.lab.generator import bvh_writer
from motionbeat.motion.resample import resample, resample_poses

AISTPP_FPS = 60.0
_PROTOCOL = 2


class Posed(Protocol):
    """A dance for export, such as `generator.sampling.GeneratedDance`.

    joints: (T, 24, 3) m on the neutral body, y up. poses: (T, 24, 3) axis-angle, radians. contacts: (T, 4), about 0 or
    1, in the order of `skeleton.FEET`. fps: frames per second.
    """

    @property
    def joints(self) -> NDArray[np.float32]: ...
    @property
    def poses(self) -> NDArray[np.float32]: ...
    @property
    def contacts(self) -> NDArray[np.float32]: ...
    @property
    def fps(self) -> float: ...


def write(path: Path, dance: Posed) -> None:
    """Write a dance in the format of the suffix of `path`; the file is complete or absent.

    Raises `MotionBeatError` for another suffix, arrays of unequal length or with NaN or infinity, and a path that
    cannot be written.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise MotionBeatError(f"{path}: give it a name that ends in {', '.join(WRITERS)}")
    writer(path, dance)


def write_npz(path: Path, dance: Posed, **about: str | float) -> None:
    """joints (T, 24, 3) m, poses (T, 24, 3) rad, trans (T, 3) m (the root joint), contacts (T, 4) and fps.

    about: further plain values, such as song="..."; nothing in the file is pickled.
    """
    _check(path, dance)
    arrays: dict[str, Any] = {
        "joints": dance.joints,
        "poses": dance.poses,
        "trans": dance.joints[:, 0],
        "contacts": dance.contacts,
        "fps": np.float64(dance.fps),
        **{name: np.asarray(value) for name, value in about.items()},
    }
    _save(path, lambda unfinished: _save_arrays(unfinished, arrays))


def write_pkl(path: Path, dance: Posed) -> None:
    """The layout of AIST++'s motions: smpl_poses (N, 72) rad, smpl_trans (N, 3), smpl_scaling (1,), 60 frames/s.

    Rotations are interpolated on the sphere, positions by a cubic. smpl_scaling is 1: smpl_trans is in metres and is
    the position of the root joint; a full SMPL model adds the root's rest position, so its body is 0.22 m lower.
    """
    _check(path, dance)
    poses = resample_poses(dance.poses, dance.fps, AISTPP_FPS)
    arrays = {
        "smpl_poses": poses.reshape(len(poses), -1).astype(np.float64),
        "smpl_scaling": np.ones(1),
        "smpl_trans": resample(dance.joints[:, 0], dance.fps, AISTPP_FPS).astype(np.float64),
    }
    # NumPy 2 would write the module name numpy._core, which the older NumPy of most readers of AIST++ does not have;
    # all versions know the old name
    data = pickle.dumps(arrays, _PROTOCOL).replace(
        b"cnumpy._core.multiarray\n_reconstruct\n", b"cnumpy.core.multiarray\n_reconstruct\n"
    )
    _save(path, lambda unfinished: unfinished.write_bytes(data))


def write_bvh(path: Path, dance: Posed) -> None:
    """The text of `bvh_writer.text`: metres, degrees, y up."""
    _check(path, dance)
    data = bvh_writer.text(dance.poses, dance.joints[:, 0], dance.fps).encode("ascii")
    _save(path, lambda unfinished: unfinished.write_bytes(data))


WRITERS: dict[str, Callable[[Path, Posed], None]] = {".npz": write_npz, ".pkl": write_pkl, ".bvh": write_bvh}


def _check(path: Path, dance: Posed) -> None:
    count = len(dance.joints)
    for name, values, shape in (
        ("joints", dance.joints, (count, 24, 3)),
        ("poses", dance.poses, (count, 24, 3)),
        ("contacts", dance.contacts, (count, 4)),
    ):
        if np.shape(values) != shape:
            raise MotionBeatError(f"{path}: {name} have shape {np.shape(values)}; expected {shape}")
        if not np.isfinite(values).all():
            raise MotionBeatError(f"{path}: {name} contain NaN or infinity; nothing was written")
    if count < 2:
        raise MotionBeatError(f"{path}: {count} frames of dance; expected at least 2")


def _save(path: Path, write: Callable[[Path], object]) -> None:
    try:
        with whole_file(path) as unfinished:
            write(unfinished)
    except OSError as error:
        raise MotionBeatError(f"{path} cannot be written ({error.strerror}): name another file") from None


def _save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    with path.open("wb") as file:  # an open file: to a name NumPy would add a suffix
        np.savez(file, **arrays)
