"""Which files are songs: the same list for all commands and corpora."""

from pathlib import Path

from motionbeat.errors import MotionBeatError

BY_PYAV = (".m4a", ".m4b", ".mp4", ".aac", ".mov", ".webm", ".mkv")
"""Files that PyAV can read but libsndfile cannot."""
SONG_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".au", ".aif", ".aiff")
"""Suffixes of songs in a folder.

Videos (mp4, mov, webm) are not among them: in a music folder they are mostly dances.
"""
SOUND_SUFFIXES = tuple(dict.fromkeys((*SONG_SUFFIXES, *BY_PYAV)))
"""Suffixes of songs that the user names one by one."""


def songs_in(folder: str | Path) -> list[Path]:
    """The songs of a folder and its subfolders, sorted; hidden files and folders are left out.

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
    """Like `songs_in`, but the list may be empty."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SONG_SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
