"""AIST++ in its official layout: SMPL motions at 60 frames a second, danced to 60 songs of 10 genres.

Li, Yang, Ross & Kanazawa, "AI Choreographer: Music Conditioned 3D Dance Generation with AIST++", ICCV 2021.
Songs are excerpts of exactly 16 beats (clips `sBM`) or 64 beats (`sFM`) at the nominal tempo, the first
beat at 0 s. The split is the official cross-modal one: train has 50 songs, and val and test share the
other 10, with different dances. So a model chosen by its validation score has met the test songs, never
the test dances; it is kept for comparison with published figures.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbeat.corpora.manifest import SPLITS, Clip, Corpus, Motion, Song, first_bad_frame, refuse
from motionbeat.corpora.pickles import load_arrays
from motionbeat.errors import MotionBeatError
from motionbeat.motion.kinematics import forward_kinematics

FPS = 60.0
_NAME = re.compile(r"g(?P<genre>[A-Z]{2})_s[A-Z]{2}_c(?:All|\d\d)_d\d\d_(?P<song>m[A-Z]{2}\d)_ch\d\d")
_AUDIO = ("wav", "flac", "mp3")
_LAYOUT = (
    "expected motions/*.pkl, splits/crossmodal_{train,val,test}.txt, ignore_list.txt and wav/*.wav, "
    "as the official archives unpack; set corpus.root in params.yaml to the folder that holds them"
)


def nominal_bpm(song: str) -> float:
    """The tempo that AIST++ gives a song in its name: mHOi 110 + 5 i, every other mXXi 80 + 10 i BPM."""
    if not re.fullmatch(r"m[A-Z]{2}\d", song):
        raise MotionBeatError(
            f"song {song!r} is not named as AIST++ does: expected m, two capitals and a digit, as mBR0"
        )
    number = int(song[-1])
    return 110.0 + 5.0 * number if song[1:3] == "HO" else 80.0 + 10.0 * number


def read(root: Path, beats_per_bar: Callable[[str], int] = lambda song: 4) -> Corpus:
    """The corpus in folder `root`: every clip of the official lists that is not on the ignore list.

    root: the folder the archives were unpacked in (motions/ in it or in aist_plusplus_final/; lists in
    splits/; ignore_list.txt beside or in splits/; songs as wav, flac or mp3 in wav/ or music/).
    beats_per_bar: the meter of a song (AIST++ is 4/4 throughout). Raises `MotionBeatError` listing every
    malformed name, every listed clip without a motion, and every song without audio.
    """
    base, motions = _motions(root)
    ignored = set(_names(_ignore_list(base)))
    split_of, errors = _splits(base)

    stems = sorted(path.stem for path in motions.glob("*.pkl"))
    found = set(stems)
    matches = {stem: _NAME.fullmatch(stem) for stem in [*stems, *split_of]}
    errors += [
        f"{motions / stem}.pkl: not named as AIST++ does, gXX_sXX_cAll_dNN_mXXN_chNN: rename or remove it"
        for stem in stems
        if not matches[stem]
    ]
    errors += [
        f"{_list(base, split)} names {stem}, but {motions / stem}.pkl does not exist: unpack it or take it off the list"
        for stem, split in split_of.items()
        if stem not in found and stem not in ignored
    ]
    left_out = {
        "on the ignore list": [stem for stem in stems if stem in ignored],
        "in no split list": [stem for stem in stems if stem not in ignored and stem not in split_of],
    }
    clips: list[Clip] = []
    dancers: dict[str, list[str]] = {}
    for stem in stems:
        match = matches[stem]
        if match and stem in split_of and stem not in ignored:
            song, motion = match["song"], partial(read_motion, motions / f"{stem}.pkl")
            clips.append(Clip(stem, song, match["genre"], split_of[stem], 0.0, motion))
            dancers.setdefault(song, []).append(stem)
    audio = {song: _audio(root, base, song) for song in dancers}
    errors += [_no_audio(root, song, dancers[song]) for song, path in audio.items() if path is None]
    refuse(errors)
    songs = [Song(song, path, nominal_bpm(song), beats_per_bar(song)) for song, path in audio.items() if path]
    return Corpus(songs, clips, {reason: names for reason, names in left_out.items() if names})


def read_motion(path: Path) -> Motion:
    """The motion in an AIST++ pickle: joints by SMPL forward kinematics, metres = smpl_trans / smpl_scaling.

    Raises `MotionBeatError` naming the file, the field and the fix.
    """
    arrays = load_arrays(path)
    missing = [name for name in ("smpl_poses", "smpl_trans", "smpl_scaling") if name not in arrays]
    if missing:
        raise MotionBeatError(f"{path} has no {', '.join(missing)}: take the pickles of AIST++'s motions archive")
    poses = _poses(path, arrays["smpl_poses"])
    translation = _finite(path, "smpl_trans", arrays["smpl_trans"])
    if translation.shape != (len(poses), 3):
        raise MotionBeatError(
            f"{path}: smpl_trans has shape {translation.shape}; expected ({len(poses)}, 3), as many as poses"
        )
    scaling = arrays["smpl_scaling"].astype(np.float64).ravel()
    if scaling.shape != (1,) or not (np.isfinite(scaling[0]) and scaling[0] > 0):
        raise MotionBeatError(f"{path}: smpl_scaling is {scaling.tolist()}; expected one number above 0")
    return Motion(forward_kinematics(poses, translation / scaling[0]), poses.astype(np.float32), FPS)


def _poses(path: Path, poses: NDArray[np.generic]) -> NDArray[np.float64]:
    """(T, 24, 3) from (T, 72) or (T, 24, 3)."""
    if poses.ndim not in (2, 3) or poses.shape[1:] not in ((72,), (24, 3)):
        joints = f", which is {poses.shape[1] / 3:g} joints" if poses.ndim == 2 else ""
        raise MotionBeatError(
            f"{path}: smpl_poses has shape {poses.shape}{joints}; expected (frames, 72): 24 SMPL joints"
        )
    if len(poses) < 2:
        raise MotionBeatError(f"{path}: smpl_poses has {len(poses)} frames; expected at least 2")
    return _finite(path, "smpl_poses", poses).reshape(-1, 24, 3)


def _finite(path: Path, name: str, values: NDArray[np.generic]) -> NDArray[np.float64]:
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        frame = first_bad_frame(numbers)
        raise MotionBeatError(f"{path}: {name} holds NaN or infinity in frame {frame}: put the clip on the ignore list")
    return numbers


def _motions(root: Path) -> tuple[Path, Path]:
    """The folder of the lists and the folder of the motions."""
    if not root.is_dir():
        raise MotionBeatError(f"{root} is no folder: {_LAYOUT}")
    for base in (root, root / "aist_plusplus_final"):
        if any((base / "motions").glob("*.pkl")):
            return base, base / "motions"
    raise MotionBeatError(f"{root} has no motions: {_LAYOUT}")


def _list(base: Path, split: str) -> Path:
    return base / "splits" / f"crossmodal_{split}.txt"


def _ignore_list(base: Path) -> Path:
    for path in (base / "ignore_list.txt", base / "splits" / "ignore_list.txt"):
        if path.is_file():
            return path
    raise MotionBeatError(
        f"{base / 'ignore_list.txt'} is missing: download it (it may be empty if all clips are sound)"
    )


def _names(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        raise MotionBeatError(f"{path} is missing: unpack splits.zip of AIST++ there") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MotionBeatError(f"{path} cannot be read as text ({error}): unpack splits.zip of AIST++ again") from None


def _splits(base: Path) -> tuple[dict[str, str], list[str]]:
    """The split of each listed clip, and an error for each clip on two lists."""
    split_of: dict[str, str] = {}
    errors = []
    for split in SPLITS:
        for name in _names(_list(base, split)):
            if split_of.setdefault(name, split) != split:
                both = f"{_list(base, split_of[name])} and {_list(base, split)}"
                errors.append(f"clip {name} is on {both}: take it off one of them")
    return split_of, errors


def _audio(root: Path, base: Path, song: str) -> Path | None:
    for folder in dict.fromkeys((root / "wav", root / "music", base / "wav", base / "music")):
        for kind in _AUDIO:
            if (folder / f"{song}.{kind}").is_file():
                return folder / f"{song}.{kind}"
    return None


def _no_audio(root: Path, song: str, clips: list[str]) -> str:
    others = f" and {len(clips) - 1} more clips" if len(clips) > 1 else ""
    where = f"{root / 'wav' / song}.wav (or .flac, .mp3, or in music/)"
    return f"clip {clips[0]}{others} is danced to song {song}, which has no audio: put it at {where}"
