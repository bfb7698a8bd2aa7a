"""Which files are songs: one list for every command and corpus."""

from pathlib import Path

from motionbeat.errors import MotionBeatError

BY_PYAV = (".m4a", ".m4b", ".mp4", ".aac", ".mov", ".webm", ".mkv")
"""Files that PyAV reads, and libsndfile does not."""
SONG_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".au", ".aif", ".aiff")
"""Of songs in a folder. A video (mp4, mov, webm) has to be named: beside music it is more often a dance."""
SOUND_SUFFIXES = tuple(dict.fromkeys((*SONG_SUFFIXES, *BY_PYAV)))
"""Of songs that are named one by one."""


def songs_in(folder: str | Path) -> list[Path]:
    """The songs of a folder and of the folders in it, sorted; hidden files and folders are left out.

    Raises `MotionBeatError` for a folder that does not exist or has no song.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MotionBeatError(f"{folder} is not a folder; check the path")
    songs = song_paths(folder)
    if not songs:
        raise MotionBeatError(f"{folder} has no song; give a folder of {', '.join(s[1:] for s in SONG_SUFFIXES)} files")
    return songs


def song_paths(folder: Path) -> list[Path]:
    """As `songs_in` has them; there may be none."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SONG_SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
