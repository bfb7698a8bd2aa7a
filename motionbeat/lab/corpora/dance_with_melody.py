"""Dance with Melody: ballroom dances and their music, one folder `DANCE_<style>_<number>` per pair.

Tang, Jia & Mao, "Dance with Melody: An LSTM-autoencoder Approach to Music-oriented Dance Synthesis", ACM MM 2018.

What the data set does not document was derived from its frames:

- *Rate*: frames lie on a grid of beats, not at 25 a second. `config.json` gives the span of the music, in
  1/25 s of the audio, that all frames are stretched over (17-29 frames per second, in waltzes 6).
- *Hands*: the axes are left-handed, as Unity's, so z is negated. Points 3-11 and 22 are the left side: by
  the knees, toes and direction of travel the dancer would face backwards otherwise, and in cha-cha and rumba,
  where both partners break forwards on the left foot and backwards on the right, 30 of 30 and 40 of 40
  breaks are so.
- *Pelvis*: `center` is not a joint but the middle of the whole body (3 cm from the mean of all points), which rises
  with the arms: the hip points move 5 cm up and down from it. Points 7 and 16 are marks on the hip bones, 20 cm
  apart, 51 cm from the knee where a shin has 35. So the root is the middle of the two, and the hip joints lie 7 cm
  below and 13 cm apart, as in SMPL's rest pose; they keep their distance from the root to half a centimetre.
- *Heels*: 10 and 19 are the heels, 11 and 20 the toes: these lie 15-18 cm ahead of those and carry the lower
  height, as in heeled shoes.
- *Floor*: phrases were joined end to end with their errors of height, so the dancer rises by up to half a metre within
a clip. The floor is levelled by the lower envelope of the toes' height; otherwise hardly any contact is found after the
first phrase (five clips: 12-15 % of frames against 61-76 %).

Limits: the tempo of some pairs is doubtful (`tempo_lock` in `checked.json`), the phase of the beats is not
verified, and two waltzes often share phrases frame for frame (5 to 30 % of the shorter clip, also
across the lines of `checked.json`), so scores on waltz motion are too high.
"""

import hashlib
import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import grey_opening, uniform_filter1d

from motionbeat.errors import MotionBeatError, refuse
from motionbeat.files import read_json
from motionbeat.lab import params
from motionbeat.lab.corpora.manifest import Clip, Corpus, CorpusReader, Motion, Song, first_bad_frame
from motionbeat.motion.skeleton import JOINTS

GENRES = {"C": "cha-cha", "R": "rumba", "W": "waltz", "T": "tango"}
_NAME = re.compile(r"DANCE_([CRWT])_\d+")
_POINTS = 23
_CONFIG_RATE = 25.0  # positions per second in config.json
_HELD_OUT = 0.15
_FOOT_DOWN_S = 1.5  # in ballroom dances a foot is on the floor at least once in this time
_SAME_CHOREOGRAPHY = {"DANCE_C_4": "DANCE_C_2", "DANCE_R_8": "DANCE_R_2"}

_POINTS_OF_JOINT: dict[str, dict[int, float]] = {
    "root": {7: 0.5, 16: 0.5},
    "lhip": {7: 0.775, 16: 0.275, 8: 0.1, 2: -0.15},
    "rhip": {16: 0.775, 7: 0.275, 17: 0.1, 2: -0.15},
    "belly": {2: 0.85, 7: 0.075, 16: 0.075},
    "lknee": {8: 1},
    "rknee": {17: 1},
    "spine": {2: 0.62, 3: 0.19, 12: 0.19},
    "lankle": {9: 1},
    "rankle": {18: 1},
    "chest": {2: 0.45, 3: 0.275, 12: 0.275},
    "ltoes": {11: 1},
    "rtoes": {20: 1},
    "neck": {3: 0.365, 12: 0.365, 0: 0.135, 1: 0.135},
    "linshoulder": {2: 0.15, 3: 0.61, 12: 0.24},
    "rinshoulder": {2: 0.15, 12: 0.61, 3: 0.24},
    "head": {0: 0.5, 1: 0.5},
    "lshoulder": {3: 1},
    "rshoulder": {12: 1},
    "lelbow": {4: 1},
    "relbow": {13: 1},
    "lwrist": {6: 0.5, 22: 0.5},
    "rwrist": {15: 1},
    "lhand": {6: 0.85, 22: 0.85, 5: -0.7},
    "rhand": {15: 1.7, 14: -0.35, 21: -0.35},
}
"""Each SMPL joint as a weighted mean of measured points. Joints without a counterpart divide the line from the
root over the spine point and the middle of the shoulders to the head as SMPL's rest pose does; hips lie inwards of
their marks and below them, towards the knees and away from the spine; hands continue the forearm, from its two last
points over the wrist, to SMPL's length (about 8 cm)."""


def _mapping() -> NDArray[np.float64]:
    """(24, 23): joints from points."""
    weights = np.zeros((len(JOINTS), _POINTS))
    for joint, points in _POINTS_OF_JOINT.items():
        for point, weight in points.items():
            weights[JOINTS.index(joint), point] = weight
    return weights


def read(root: Path) -> Corpus:
    """The corpus in folder `root`, which holds the folders DANCE_<style>_<number>.

    Each has audio.mp3 (or .wav, .flac), skeletons.json and config.json. With a `checked.json` next to them (a list of
    {"id", "split"}), its val becomes test, and a part of its train becomes val; clips that it does not name are left
    out. Without it, choreographies are split 70/15/15 by a hash of their names. Raises `MotionBeatError` listing every
    folder with something missing or wrong.
    """
    if not root.is_dir() or not any(root.glob("DANCE_*")):
        raise MotionBeatError(
            f"{root} has no folders DANCE_<style>_<number>: "
            "set corpus.root in params.yaml to the folder of the data set that has them"
        )
    names = sorted(path.name for path in root.glob("DANCE_*") if path.is_dir())
    errors = [
        f"{root / name}: not named DANCE_<C, R, W or T>_<number>: rename or remove it"
        for name in names
        if not _NAME.fullmatch(name)
    ]
    splits, listed_errors = _splits(root, names)
    songs, clips = [], []
    for name in names:
        match = _NAME.fullmatch(name)
        if match is None or name not in splits:
            continue
        try:
            audio, (start, _) = _audio(root / name), _span(root / name / "config.json")
        except MotionBeatError as error:
            errors.append(str(error))
            continue
        songs.append(Song(name, audio))
        clips.append(Clip(name, name, GENRES[match[1]], splits[name], start, partial(read_motion, root / name)))
    refuse([*errors, *listed_errors])
    unlisted = [name for name in names if name not in splits]
    return Corpus(songs, clips, {"not named in checked.json": unlisted} if unlisted else {})


def read_motion(folder: Path) -> Motion:
    """The motion of one pair: the 24 SMPL joints without rotations, frames spread evenly over its span of music.

    Raises `MotionBeatError` naming the file, the field and the fix.
    """
    path = folder / "skeletons.json"
    values = _json(path)
    if not isinstance(values, dict):
        raise MotionBeatError(
            f"{path} is not an object with skeletons and center: use the original file of the data set"
        )
    points = _array(path, "skeletons", values.get("skeletons"), (_POINTS, 3))
    center = _array(path, "center", values.get("center"), (3,))
    if len(points) != len(center):
        raise MotionBeatError(
            f"{path}: {len(points)} frames of skeletons and {len(center)} of center; expected the same number"
        )
    if len(points) < 2:
        raise MotionBeatError(f"{path}: skeletons has {len(points)} frames; expected at least 2")
    start, end = _span(folder / "config.json")
    fps = len(points) / (end - start)
    return Motion(on_level_floor(smpl_joints(points, center), fps), None, fps)


def smpl_joints(points: NDArray[np.floating], center: NDArray[np.floating]) -> NDArray[np.float32]:
    """SMPL joints (T, 24, 3) m from the data set's points (T, 23, 3) cm about their center (T, 3) cm."""
    joints = np.einsum("jp,tpc->tjc", _mapping(), points) + center[:, None]
    return (joints * [0.01, 0.01, -0.01]).astype(np.float32)


def on_level_floor(joints: NDArray[np.floating], fps: float) -> NDArray[np.float32]:
    """Joints (T, 24, 3) m after moving their slowly drifting floor to height 0.

    The floor is the morphological opening over time of the lower toe joint's height (it is on the floor at least once
    in 1.5 s), smoothed over the same time.
    """
    toes = np.asarray(joints, np.float64)[:, [JOINTS.index("ltoes"), JOINTS.index("rtoes")], 1].min(axis=1)
    frames = min(max(round(_FOOT_DOWN_S * fps), 1), len(toes)) // 2 * 2 + 1
    floor = uniform_filter1d(grey_opening(toes, frames, mode="nearest"), frames, mode="nearest")
    return (joints - floor[:, None, None] * [0.0, 1.0, 0.0]).astype(np.float32)


def _splits(root: Path, names: list[str]) -> tuple[dict[str, str], list[str]]:
    """The split of each clip (those of one choreography in one split), and what is wrong with checked.json."""
    path = root / "checked.json"
    if not path.is_file():
        groups = _by_hash(names)
        count = max(1, round(_HELD_OUT * len(groups)))
        _need(groups, 2 * count + 1, root)
        part = {g: "test" if i < count else "val" if i < 2 * count else "train" for i, g in enumerate(groups)}
        return {name: part[_choreography(name)] for name in names}, []

    listed: dict[str, str] = {}
    rows = _json(path)
    for row in rows if isinstance(rows, list) else [rows]:
        name, split = (row.get("id"), row.get("split")) if isinstance(row, dict) else (None, None)
        if not isinstance(name, str) or split not in ("train", "val"):
            raise MotionBeatError(
                f'{path}: expected a list of {{"id": "DANCE_...", "split": "train" or "val"}}, not {row}'
            )
        listed[name] = split
    errors = [
        f"{path} names {name}, but {root / name} does not exist: unpack it, or remove it from the list"
        for name in listed
        if name not in names
    ]
    held_out = {_choreography(name) for name, split in listed.items() if split == "val"}
    groups = _by_hash([name for name in listed if _choreography(name) not in held_out])
    _need(groups, 2, path)
    val = set(groups[: max(1, round(_HELD_OUT * len(groups)))])
    part = {g: "test" if g in held_out else "val" if g in val else "train" for g in map(_choreography, listed)}
    return {name: part[_choreography(name)] for name in listed if name in names}, errors


def _choreography(name: str) -> str:
    return _SAME_CHOREOGRAPHY.get(name, name)


def _by_hash(names: list[str]) -> list[str]:
    """The choreographies of the clips, in an order that depends on their names alone."""
    groups = {_choreography(name) for name in names}
    return sorted(groups, key=lambda group: hashlib.sha256(group.encode()).digest())


def _need(groups: list[str], least: int, where: Path) -> None:
    if len(groups) < least:
        raise MotionBeatError(f"{where} has {len(groups)} choreographies to split; at least {least} are needed")


def _audio(folder: Path) -> Path:
    for kind in ("mp3", "wav", "flac"):
        if (folder / f"audio.{kind}").is_file():
            return folder / f"audio.{kind}"
    raise MotionBeatError(f"clip {folder.name} has no song: put audio.mp3 (or .wav, .flac) into {folder}")


def _span(path: Path) -> tuple[float, float]:
    """Start and end of the dance in the audio, seconds."""
    values = _json(path)
    span = [values.get(f"{end}_position") if isinstance(values, dict) else None for end in ("start", "end")]
    start, end = (float(x) if isinstance(x, int | float) and not isinstance(x, bool) else math.nan for x in span)
    if not 0 <= start < end < math.inf:
        raise MotionBeatError(
            f"{path}: start_position and end_position are {span}; expected 0 <= start < end, in 1/25 s"
        )
    return start / _CONFIG_RATE, end / _CONFIG_RATE


def _json(path: Path) -> Any:
    return read_json(path, "download the file of the data set again", nan=True)


def _array(path: Path, name: str, values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A (T, *shape) array out of nested lists."""
    try:
        array = np.asarray(values, np.float64)
    except (OverflowError, TypeError, ValueError):
        raise MotionBeatError(f"{path}: {name} is missing or uneven; expected frames of {shape} numbers") from None
    if array.ndim != 1 + len(shape) or array.shape[1:] != shape:
        raise MotionBeatError(
            f"{path}: {name} has shape {array.shape}; expected (frames, {str(shape)[1:-1].strip(',')})"
        )
    if not np.isfinite(array).all():
        raise MotionBeatError(
            f"{path}: {name} contains NaN or infinity in frame {first_bad_frame(array)}: repair or remove it"
        )
    return array


def _read_named(settings: params.Corpus, _: params.Beats, __: Path) -> Corpus:
    return read(Path(settings.root))


READER: CorpusReader = _read_named
