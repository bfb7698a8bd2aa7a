"""Files2Pieces: the songs and dances of a folder, their beats, and whether a file has changed."""

import zipfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from motionbeat.audio import decode
from motionbeat.audio.song_files import SONG_SUFFIXES, entries
from motionbeat.beats import Beats, track
from motionbeat.beats.beats_text import read_beats
from motionbeat.errors import MotionBeatError
from motionbeat.files import digest_of, guarded

DANCES = (".bvh", ".npz", ".pkl", ".npy")
_READABLE = "make it readable, or move it out of the folder"
_EMBEDDING = {"clip.npy", "tokens.npy", "times.npy"}


def pieces_of(folder: Path) -> dict[str, tuple[Path, str]]:
    """Name (its path in the folder, with /) -> path and kind (song or dance) of every piece, sorted by name.

    A folder that cannot be listed is there as well, of kind folder; reading it says why. The .npz files that
    `motionbeat embed` writes are passed over. Raises `MotionBeatError` where there is no piece.
    """
    if not folder.is_dir():
        raise MotionBeatError(f"{folder} is not a folder: name the folder with your songs and dances")
    found = {}
    kinds = {**dict.fromkeys(SONG_SUFFIXES, "song"), **dict.fromkeys(DANCES, "dance")}
    files, unlisted = entries(folder)
    for path in files:
        if (kind := kinds.get(path.suffix.lower())) and not _is_embedding(path):
            found[path.relative_to(folder).as_posix()] = (path, kind)
    found |= {path.relative_to(folder).as_posix(): (path, "folder") for path in unlisted}
    if not found:
        raise MotionBeatError(f"{folder} holds no song ({', '.join(SONG_SUFFIXES)}) and no dance ({', '.join(DANCES)})")
    return found


def refuse_bytes(name: str) -> None:
    """Raise `MotionBeatError` for a name that is not UTF-8, which the index cannot store."""
    if name != name.encode("utf-8", "replace").decode():
        raise MotionBeatError(f"{name}: its name is not UTF-8: rename it")


def state_of(path: Path, kind: str) -> str:
    """Sizes and times of change of the files that a piece is made from: equal if nothing has changed."""
    with guarded(path, "cannot be read", _READABLE):
        files = [path, *_beside(path)] if kind == "dance" else [path]
        return " ".join(f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files)


def has_state(path: Path, kind: str, state: str) -> bool:
    """Whether `state_of` still returns this; also False if the file can no longer be read."""
    try:
        return state_of(path, kind) == state
    except MotionBeatError:
        return False


def content_of(path: Path) -> str:
    """SHA-256 of a file's bytes. Raises `MotionBeatError` where they cannot be read."""
    return digest_of(path, _READABLE)


def beats_of_song(audio: Any, sample_rate: int | None, tracker: str, bpm: float | None = None) -> Beats:
    """Tracked beats continued to both ends of the audio, as `MotionBeat.embed_audio` does."""
    wave = decode.signal(audio, sample_rate, 22_050)
    if bpm is not None:
        return track(wave, 22_050, "nominal", bpm=bpm, beats_per_bar=4)
    return track(audio, sample_rate, tracker).extended(len(wave) / 22_050)


def beats_of_dance(
    path: Path, seconds: float, tracker: str, music: Path | None = None, bpm: float | None = None
) -> Beats:
    """The beats of a dance: of its music, of a list, or at a constant tempo from its first frame on.

    music: begins with the first frame. bpm: of the constant grid. Without both: NAME.beats beside the dance, or its
    music beside it under the same name. Raises `MotionBeatError` where there is none of these.
    """
    if music is not None:
        return beats_of_song(music, None, tracker)
    if bpm is not None:
        from motionbeat.beats import nominal

        return nominal.grid(seconds, bpm, 4)
    beside = _beside(path)
    if not beside:
        raise MotionBeatError(
            f"{path}: a dance needs the beats of its music: put {path.stem}.beats (one line a beat: seconds, place in "
            f"the bar) or its music, such as {path.stem}.mp3, beside it; of a single dance say --music FILE or --bpm N"
        )
    return read_beats(beside[0]) if beside[0].suffix == ".beats" else beats_of_song(beside[0], None, tracker)


def read_dance(path: Path) -> Any:
    """Read a motion file with the registered reader: joints (T, 24, 3) m y up, poses or None, fps.

    The reader is an entry point, so that the library does not depend on the laboratory by name.
    """
    readers = [point for point in entry_points(group="motionbeat.readers") if point.name == "dance"]
    if not readers:
        raise MotionBeatError(
            f"{path}: no reader of dances is registered: install the package anew (pip install 'motionbeat[pipeline]')"
        )
    try:
        return readers[0].load()(path)
    except ModuleNotFoundError as error:
        raise MotionBeatError(
            f"{path}: reading dances needs the package {error.name}: pip install 'motionbeat[pipeline]'"
        ) from None


def _beside(path: Path) -> list[Path]:
    """NAME.beats and the music next to a dance, if they exist."""
    return [other for ending in (".beats", *SONG_SUFFIXES) if (other := path.with_suffix(ending)).is_file()][:1]


def _is_embedding(path: Path) -> bool:
    try:
        if path.suffix.lower() != ".npz" or not path.is_file():
            return False
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist()) >= _EMBEDDING
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):  # reading it as a dance says what is wrong
        return False
