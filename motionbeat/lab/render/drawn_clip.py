"""Corpus2Dance: one dance of a corpus with its music, beats, onsets and contacts, for `scene` and `video`.

`own_dance` reads a dance that belongs to no corpus.
"""

import difflib
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.audio import decode, mel, onsets
from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.motion.contacts import foot_contacts
from motionbeat.motion.resample import resample

SAMPLE_RATE = 44_100
CONTACT_SPEED, CONTACT_HEIGHT = 0.3, 0.05
"""m/s and m: thresholds of a foot contact (tokens.contact_speed and tokens.contact_height of params.yaml)."""
LEAST_FPS = 30.0
"""Slower motion is resampled to this rate before contacts are detected, as in the tokens stage."""
LIST = "motionbeat render --list"
_SUGGESTIONS = 5


@frozen(eq=False)
class DrawnDance:
    """A dance and its music; all times in seconds of the dance, its first frame at 0.

    joints: (T, 24, 3) m, y up, at `fps`. audio: (n,) mono at `sample_rate`, from the first frame on; it may be shorter
    or longer than the motion. beat_times, bar_positions: (N,), 0 = downbeat; beats of the whole song. contacts:
    (T, 4) bool. onsets: times (M,) and strengths (M,) in 0..1. note: why there are no beats, or empty.
    """

    title: str
    caption: str
    joints: NDArray[np.float32]
    fps: float
    audio: NDArray[np.float32]
    sample_rate: int
    beat_times: NDArray[np.float64]
    bar_positions: NDArray[np.integer]
    contacts: NDArray[np.bool_]
    onsets: tuple[NDArray[np.float64], NDArray[np.float32]]
    note: str = ""


def read_manifest(corpus: Path) -> dict[str, NDArray[Any]]:
    """The manifest of a corpus folder; a missing one raises `MotionBeatError` that says how to make it."""
    path = corpus / "manifest.parquet"
    if not path.is_file():
        raise MotionBeatError(
            f"{path} is missing: run `dvc repro corpus` to make the corpus, or name its folder with --corpus"
        )
    return tables.read(path, tables.MANIFEST)


def read_clip(
    corpus: Path,
    name: str,
    beats: Path | None = None,
    contact_speed: float = CONTACT_SPEED,
    contact_height: float = CONTACT_HEIGHT,
) -> DrawnDance:
    """The clip `name` of the corpus in folder `corpus`.

    beats: a beats.parquet or its folder; by default the folder beats/ next to the corpus. Missing beats are only an
    error if `beats` is given. contact_speed, contact_height: m/s and m, thresholds of a foot contact. Raises
    `MotionBeatError` for an unknown clip, with the nearest names.
    """
    manifest = read_manifest(corpus)
    rows = np.flatnonzero(manifest["clip"] == name)
    if not len(rows):
        names = [str(clip) for clip in manifest["clip"]]
        near = difflib.get_close_matches(name, names, _SUGGESTIONS, cutoff=0.4)
        hint = f"the nearest names are {', '.join(near)}; " if near else ""
        raise MotionBeatError(f"clip {name}: no such clip in {corpus}; {hint}list all by `{LIST}`")
    row = {key: values[rows[0]] for key, values in manifest.items()}
    song, fps, offset = str(row["song"]), float(row["fps"]), float(row["offset_s"])
    joints = _read_joints(corpus / str(row["motion"]), "run `dvc repro corpus`")
    music = decode.load(corpus / str(row["audio"]), SAMPLE_RATE)
    times, positions, note = read_beats(beats, corpus.parent / "beats", song)
    caption = f"song {song}, genre {row['genre']}, split {row['split']}"
    return assembled(name, caption, joints, fps, music, offset, (times, positions), note, contact_speed, contact_height)


def assembled(
    title: str,
    caption: str,
    joints: NDArray[np.float32],
    fps: float,
    music: NDArray[np.float32],
    offset_s: float,
    beats: tuple[NDArray[np.float64], NDArray[np.integer]],
    note: str,
    contact_speed: float = CONTACT_SPEED,
    contact_height: float = CONTACT_HEIGHT,
) -> DrawnDance:
    """A dance that begins `offset_s` into music of `SAMPLE_RATE`; beats: times in the music, bar positions."""
    if fps < LEAST_FPS:
        joints, fps = resample(joints, fps, LEAST_FPS), LEAST_FPS
    if music.any():
        strength = onsets.normalised(onsets.onset_strength(mel.log_mel(music, SAMPLE_RATE)))
    else:  # a dance without music
        strength = np.zeros(int(len(music) / SAMPLE_RATE * mel.FRAME_RATE) + 1, np.float32)
    return DrawnDance(
        title=title,
        caption=caption,
        joints=joints,
        fps=fps,
        sample_rate=SAMPLE_RATE,
        audio=music[round(offset_s * SAMPLE_RATE) :],
        beat_times=beats[0] - offset_s,
        bar_positions=beats[1],
        contacts=foot_contacts(joints, fps, contact_speed, contact_height),
        onsets=(np.arange(len(strength)) / mel.FRAME_RATE - offset_s, strength),
        note=note,
    )


def _read_joints(path: Path, fix: str) -> NDArray[np.float32]:
    """Joints (T, 24, 3) of a clip of a corpus."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            joints = np.asarray(arrays["joints"])
    except FileNotFoundError:
        raise MotionBeatError(f"{path} is missing: {fix}") from None
    except KeyError:
        raise MotionBeatError(f"{path} has no joints: {fix}") from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise MotionBeatError(f"{path} is not an .npz of arrays ({error}): {fix}") from None
    if joints.dtype.kind != "f" or joints.ndim != 3 or joints.shape[1:] != (24, 3) or len(joints) < 2:
        raise MotionBeatError(
            f"{path}: joints of {joints.dtype} {joints.shape}; expected floats (frames, 24, 3), m, y up"
        )
    if not np.isfinite(joints).all():
        raise MotionBeatError(f"{path}: joints contain NaN or infinity: {fix}")
    return joints.astype(np.float32)


def read_beats(given: Path | None, usual: Path, song: str) -> tuple[NDArray[np.float64], NDArray[np.integer], str]:
    """Times and bar positions of a song's beats, and a note if there are none."""
    path = given or usual
    path = path / "beats.parquet" if path.is_dir() or not path.suffix else path
    if given is None and not path.is_file():
        return np.empty(0), np.empty(0, int), f"no beats are drawn: {path} is missing (`dvc repro beats` makes it)"
    rows = tables.read(path, tables.BEATS)
    of_song = rows["song"] == song
    note = "" if of_song.any() else f"no beats are drawn: {path} has none of song {song}"
    return rows["time_s"][of_song], rows["bar_position"][of_song], note
