"""File2Motion: the common motion formats, each read into joints of the 24 SMPL joints, metres, y up."""

from pathlib import Path

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats.hints import UNITS, Hints
from motionbeat.lab.corpora.manifest import Motion
from motionbeat.lab.params import MotionChecks

__all__ = ["KINDS", "UNITS", "Hints", "read_motion"]

KINDS = (".npz", ".pkl", ".bvh", ".npy")
_FIX = (
    "give .npz (joints, or SMPL-X parameters), .pkl (AIST++, AIOZ-GDANCE or EDGE), .bvh, or .npy (FineDance): "
    "docs/own_data.md"
)


def read_motion(path: Path, hints: Hints | None = None, limits: MotionChecks | None = None) -> Motion:
    """Read a motion by the suffix of its file name, and check that it is a person and that the axes are right.

    .npz: `joints` (T, 24, 3) and `fps`, or SMPL, SMPL-H or SMPL-X parameters as in AMASS; .pkl: AIST++, AIOZ-GDANCE or
    EDGE; .bvh; .npy: FineDance. hints: facts that the file lacks. limits: of human motion, as `corpus.checks` of
    params.yaml. Raises `MotionBeatError` naming the file, the field and the fix.
    """
    hints = hints or Hints()
    if path.suffix.lower() not in KINDS:
        raise MotionBeatError(f"{path} is not of a known kind: {_FIX}")
    if not path.is_file():
        raise MotionBeatError(f"{path} does not exist: check the column motion")
    motion, toes, up = _read(path, hints)
    from motionbeat.lab.corpora import plausibility
    from motionbeat.lab.corpora.formats import checks

    motion = checks.with_y_up(motion, up)
    checks.refuse_unlikely(path, motion, hints, toes)
    if wrong := plausibility.refusals(motion, limits or MotionChecks()):
        raise MotionBeatError(f"{path}: {'; '.join(wrong)}")
    return motion


def _read(path: Path, hints: Hints) -> tuple[Motion, bool, str | None]:
    """The motion in the file's axes, whether the file has the direction of the feet, and which axis points up."""
    kind = path.suffix.lower()
    if kind != ".pkl":
        _refuse_person(path, hints)
    if kind == ".bvh":
        return *_bvh(path, hints), hints.up
    if kind == ".npz":
        return _npz(path, hints), True, hints.up
    if kind == ".npy":
        from motionbeat.lab.corpora.formats import smplx

        return smplx.read_finedance(path, hints), True, hints.up
    motion, up = _pickle(path, hints)
    return motion, True, up


def _refuse_person(path: Path, hints: Hints) -> None:
    if hints.person is not None:
        raise MotionBeatError(f"{path} has one person: empty the column person of clips.csv")


def _npz(path: Path, hints: Hints) -> Motion:
    from motionbeat.lab.corpora.formats import archives, joints_npz, smplx

    found = archives.names(path)
    if "joints" in found:
        return joints_npz.read_motion(path, hints)
    if smplx.FIELDS.intersection(found) - {"fps"}:
        return smplx.read_motion(path, hints)
    raise MotionBeatError(
        f"{path} has {', '.join(found) or 'nothing'}: give joints (frames, 24, 3) and fps, or the poses and trans of "
        "SMPL-X"
    )


def _pickle(path: Path, hints: Hints) -> tuple[Motion, str | None]:
    from motionbeat.lab.corpora import aistpp, pickles
    from motionbeat.lab.corpora.formats import gdance, smpl_pickle

    arrays = pickles.load_arrays(path, smpl_pickle.FIELDS)
    if "root_trans" in arrays:
        return gdance.read_motion(path, arrays, hints), hints.up
    _refuse_person(path, hints)
    if "smpl_scaling" not in arrays:
        return smpl_pickle.read_motion(path, arrays, hints)
    if hints.unit is not None:
        raise MotionBeatError(f"{path} has its own scale, smpl_scaling: empty the column unit of clips.csv")
    return aistpp.read_motion(path, hints.fps), hints.up


def _bvh(path: Path, hints: Hints) -> tuple[Motion, bool]:
    import numpy as np

    from motionbeat.lab.corpora.formats import bvh_parser, bvh_skeleton, checks

    read = bvh_parser.read(path)
    mapped = bvh_skeleton.smpl_joints(path, read.joints, read.positions())
    joints = mapped.joints * checks.metres(path, mapped.joints, hints)
    return Motion(joints.astype(np.float32), None, read.fps(path, hints.fps)), mapped.toes
