"""Which files are songs: the same list for all commands and corpora."""

import os
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
    """As `songs_in` has them; there may be none. A folder that cannot be listed is one of them: see `entries`."""
    files, unlisted = entries(folder)
    return sorted([*(path for path in files if path.suffix.lower() in SONG_SUFFIXES), *unlisted])


def entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files below a folder, sorted, and the folders that cannot be listed; hidden ones are left out.

    Broken links, pipes and devices are among the files: whoever reads them names them, and nothing is missed.
    """
    files: list[Path] = []
    unlisted: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=lambda error: unlisted.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(files), unlisted
