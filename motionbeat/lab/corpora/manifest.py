"""Corpus2Files: write the songs and dances of any corpus in the common form of the pipeline.

A reader only lists songs and clips (`Corpus`); motions are read when they are written, many in parallel.
"""

import io
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from motionbeat.audio import decode
from motionbeat.errors import MotionBeatError, refuse
from motionbeat.lab import params, tables
from motionbeat.lab.corpora import plausibility
from motionbeat.lab.corpora.song import Song as Song  # imported for readers
from motionbeat.lab.item_cache import ItemCache, Values
from motionbeat.lab.tables import SPLITS
from motionbeat.parallel import in_parallel

SAMPLE_RATE = 44_100
_BLOCK = 1 << 16  # samples; libsndfile crashes if some whole songs are written in one call
_MOST_FRAMES, _WIDTH = 220_000, 165
"""An hour of SMPL-X at 60 frames per second, which takes 1.8 GB. Of wider frames fewer are read."""
_SAFE_NAME = re.compile(r"\w[\w.-]*")


@frozen(eq=False)
class Motion:
    """A dance: joints (T, 24, 3) float32, m, y up; poses (T, 24, 3) float32 axis-angle, or none."""

    joints: NDArray[np.float32]
    poses: NDArray[np.float32] | None
    fps: float


@frozen
class Clip:
    """A dance to a song, beginning `offset_s` seconds into it; `read` fetches the motion (in any process).

    source: the files and values that determine the motion, for `item_cache.digest_of`; None: it is not cached.
    """

    name: str
    song: str
    genre: str
    split: str
    offset_s: float
    read: Callable[[], Motion]
    source: tuple[Any, ...] = ()


@frozen
class Corpus:
    """The content of a corpus, and the names of unused items for each reason."""

    songs: list[Song]
    clips: list[Clip]
    left_out: dict[str, list[str]] = field(factory=dict)
    temporary: list[Path] = field(factory=list)
    """Folders that are needed until the corpus is written and checked."""


CorpusReader = Callable[[params.Corpus, params.Beats, Path], Corpus]
"""The type of `READER` in the module of a corpus.

Its arguments are the section corpus, the section beats (for songs that it has to track), and the folder that the stage
writes, where it may keep its own files. It raises one `MotionBeatError` for everything that is missing or wrong.
"""


@frozen
class _Refused:
    reason: str


def write_corpus(corpus: Corpus, folder: Path, checks: params.MotionChecks | None = None) -> float:
    """Write motion/<clip>.npz, audio/<song>.flac and manifest.parquet into `folder`.

    Songs without clips are not written. Audio becomes mono, 44.1 kHz, 16 bit. Motions that exceed the limits of
    `checks` are refused. Returns the minutes of motion. Everything is checked before the error: raises
    `MotionBeatError` that lists what is wrong with which clip or song; the caller then deletes what was written
    (`files.whole_folder`).
    """
    refuse(_inconsistencies(corpus))
    (folder / "motion").mkdir(parents=True)
    (folder / "audio").mkdir()
    clips = sorted(corpus.clips, key=lambda clip: clip.name)
    danced = {clip.song for clip in clips}
    songs = {song.name: song for song in sorted(corpus.songs, key=lambda song: song.name) if song.name in danced}

    kept = ItemCache.of("songs", __name__)
    seconds = list(in_parallel(_write_song, [(song, folder, kept) for song in songs.values()], "songs"))
    readers = sorted({clip.read.func.__module__ for clip in clips if isinstance(clip.read, partial) and clip.source})
    kept = ItemCache.of("motions", __name__, *readers)
    calls = [(clip, folder, checks or params.MotionChecks(), kept) for clip in clips]
    written = list(in_parallel(_write_clip, calls, "clips"))
    refuse(result.reason for result in [*seconds, *written] if isinstance(result, _Refused))
    rows = [row for row in written if not isinstance(row, _Refused)]

    length = {name: each for name, each in zip(songs, seconds, strict=True) if not isinstance(each, _Refused)}
    refuse(
        f"clip {clip.name} begins {clip.offset_s:.2f} s into {clip.song}, a song of {length[clip.song]:.2f} s: give "
        "the whole song, or correct the clip's start (in a folder: column offset of clips.csv)"
        for clip in clips
        if clip.offset_s >= length[clip.song]
    )
    for row in rows:
        song = songs[row["song"]]
        row |= {"nominal_bpm": song.nominal_bpm, "nominal_beats_per_bar": song.nominal_beats_per_bar}
    columns = {name: [row[name] for row in rows] for name in tables.MANIFEST.names}
    tables.write(folder / "manifest.parquet", tables.MANIFEST, columns)
    return float(np.sum(columns["duration_s"])) / 60


def _inconsistencies(corpus: Corpus) -> Iterable[str]:
    if not corpus.clips:
        reasons = "; ".join(f"{len(names)} left out ({reason})" for reason, names in corpus.left_out.items())
        yield f"the corpus has no clips{': ' + reasons if reasons else ''}: check corpus.root in params.yaml"
    for kind, names in (("song", [s.name for s in corpus.songs]), ("clip", [c.name for c in corpus.clips])):
        for name in sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
            yield f"{kind} {name} is in the corpus twice: rename or remove one"
        for name in sorted(set(names)):
            if not _SAFE_NAME.fullmatch(name):
                yield f"{kind} {name!r} cannot name a file: use letters, digits, '_', '-' and '.'"
    known = {song.name for song in corpus.songs}
    for clip in corpus.clips:
        if clip.song not in known:
            yield f"clip {clip.name} is danced to song {clip.song}, which the corpus does not have: add its audio"
        if clip.split not in SPLITS:
            yield f"clip {clip.name} is in split {clip.split!r}: put it into train, val or test"
        if not (np.isfinite(clip.offset_s) and clip.offset_s >= 0):
            yield f"clip {clip.name} begins {clip.offset_s} s into its song: give a start of 0 s or later"


def _write_song(song: Song, folder: Path, kept: ItemCache) -> float | _Refused:
    """Write a song; returns its length in seconds, or what is wrong with it."""
    try:
        made = kept.get(song.audio, lambda: _flac(song.audio))
    except MotionBeatError as error:
        return _Refused(str(error))
    (folder / "audio" / f"{song.name}.flac").write_bytes(made["flac"])
    return float(made["seconds"])


def _flac(audio: Path) -> Values:
    import soundfile

    samples, content = decode.load(audio, SAMPLE_RATE), io.BytesIO()
    with soundfile.SoundFile(content, "w", SAMPLE_RATE, channels=1, subtype="PCM_16", format="FLAC") as file:
        for begin in range(0, len(samples), _BLOCK):
            file.write(samples[begin : begin + _BLOCK])
    return {"flac": np.frombuffer(content.getvalue(), np.uint8), "seconds": len(samples) / SAMPLE_RATE}


def _write_clip(clip: Clip, folder: Path, checks: params.MotionChecks, kept: ItemCache) -> dict[str, Any] | _Refused:
    """Write a motion; returns its row of the manifest, or what is wrong with it."""
    try:
        made = kept.get([clip.source, checks], lambda: _npz(clip, checks)) if clip.source else _npz(clip, checks)
    except MotionBeatError as error:
        return _Refused(str(error))
    (folder / "motion" / f"{clip.name}.npz").write_bytes(made["npz"])
    return {
        "clip": clip.name,
        "song": clip.song,
        "genre": clip.genre,
        "split": clip.split,
        "fps": made["fps"],
        "frames": made["frames"],
        "duration_s": made["frames"] / made["fps"],
        "offset_s": clip.offset_s,
        "has_rotations": made["has_rotations"],
        "motion": f"motion/{clip.name}.npz",
        "audio": f"audio/{clip.song}.flac",
    }


def _npz(clip: Clip, checks: params.MotionChecks) -> Values:
    motion = clip.read()
    wrong = _wrong_with(motion) or "; ".join(plausibility.refusals(motion, checks))
    if wrong:
        raise MotionBeatError(f"clip {clip.name}: {wrong}")
    content, joints = io.BytesIO(), _rounded(motion.joints)
    if motion.poses is None:
        np.savez(content, joints=joints)
    else:
        np.savez(content, joints=joints, poses=motion.poses.astype(np.float32))
    return {
        "npz": np.frombuffer(content.getvalue(), np.uint8),
        "fps": float(motion.fps),
        "frames": len(joints),
        "has_rotations": motion.poses is not None,
    }


def _rounded(joints: NDArray[np.floating]) -> NDArray[np.float32]:
    """Round to 0.01 mm, so that the last bit of a processor's sine changes no bytes (except one value in 10^11)."""
    return np.round(joints.astype(np.float64), 5).astype(np.float32)


def _wrong_with(motion: Motion) -> str | None:
    """Why a motion cannot be used, with the fix."""
    if not (np.isfinite(motion.fps) and motion.fps > 0):
        return f"{motion.fps} frames per second: give a rate above 0"
    for name, values in (("joints", motion.joints), ("poses", motion.poses)):
        if values is None:
            continue
        if values.ndim != 3 or values.shape[1:] != (24, 3):
            return f"{name} of shape {values.shape}: give (frames, 24, 3), the SMPL joints"
        if not np.isfinite(values).all():
            return f"{name} contain NaN or infinity in frame {first_bad_frame(values)}: repair or leave out the clip"
    if len(motion.joints) < 2:
        return f"{len(motion.joints)} frames: give at least 2"
    if motion.poses is not None and len(motion.poses) != len(motion.joints):
        return f"{len(motion.poses)} frames of poses for {len(motion.joints)} of joints: give the same number"
    return None


def first_bad_frame(values: NDArray[np.floating]) -> int:
    """The first frame of (T, ...) with NaN or infinity."""
    return int(np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))[0])


def refuse_longer(path: Path, frames: int, width: int = _WIDTH) -> None:
    """Raise `MotionBeatError` for a motion of more frames than fit into memory: a byte of a file may be a number.

    width: numbers of a frame.
    """
    most = _MOST_FRAMES * _WIDTH // max(width, _WIDTH)
    if frames > most:
        raise MotionBeatError(f"{path} has {frames} frames, more than are read at once ({most}): cut it")
