"""Songs of open pages: their sound as files of generated names in a folder that goes when the demo ends."""

import secrets
import tempfile
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from motionbeat.errors import MotionBeatError
from motionbeat.lab.demo.song_analysis import SAMPLE_RATE, AnalysedSong
from motionbeat.lab.standins.standin_files import write_audio

MOST, MOST_S = 40, 3600
"""Number and seconds of the stored songs, 0.6 GB; the least recently used is deleted first."""


class KeptSongs:
    """Names are random and cannot be guessed; the same file again is the same song."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="motionbeat-demo-")
        self._songs: OrderedDict[str, AnalysedSong] = OrderedDict()
        self._names: dict[str, str] = {}  # of content
        self._lock = Lock()

    def new_path(self, ending: str) -> Path:
        """A path for a file that is being received; who takes it removes it."""
        return Path(self._folder.name) / f"{secrets.token_hex(12)}{ending}"

    def known(self, content: str) -> str | None:
        """The name of the song with this content, if it is kept."""
        with self._lock:
            return self._names.get(content)

    def keep(self, content: str, song: AnalysedSong) -> str:
        """Keep a song and write its sound; returns its name. Nothing stays where the disk is full (`OSError`)."""
        name = secrets.token_urlsafe(12)
        try:
            write_audio(self._file(name), song.sound.samples, SAMPLE_RATE)
        except OSError:
            self._file(name).unlink(missing_ok=True)
            raise
        with self._lock:
            self._songs[name], self._names[content] = song, name
            while len(self._songs) > MOST or sum(kept.page["seconds"] for kept in self._songs.values()) > MOST_S:
                gone, _ = self._songs.popitem(last=False)
                self._names = {content: kept for content, kept in self._names.items() if kept != gone}
                self._file(gone).unlink(missing_ok=True)
        return name

    def song(self, name: str) -> AnalysedSong:
        """Raises `MotionBeatError` for one that is not kept any more."""
        with self._lock:
            if name not in self._songs:
                raise MotionBeatError("this song is not kept any more: send it again")
            self._songs.move_to_end(name)
            return self._songs[name]

    def sound(self, name: str) -> Path:
        """The file of a song's sound. Errors as `song`; systems empty their folder of temporary files."""
        self.song(name)
        if not self._file(name).is_file():
            raise MotionBeatError("this song is not kept any more: send it again")
        return self._file(name)

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def _file(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.flac"
