"""Songs of open pages: their sound as files of generated names in a folder that goes when the demo ends."""

import secrets
import tempfile
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from motionbeat.errors import MotionBeatError
from motionbeat.lab.demo.song_analysis import SAMPLE_RATE, AnalysedSong

MOST = 40
"""Number of stored songs; the least recently used is deleted first."""


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
        """Keep a song and write its sound; returns its name."""
        import soundfile

        name = secrets.token_urlsafe(12)
        soundfile.write(self._file(name), song.sound.samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        with self._lock:
            self._songs[name], self._names[content] = song, name
            while len(self._songs) > MOST:
                gone, _ = self._songs.popitem(last=False)
                self._names = {content: kept for content, kept in self._names.items() if kept != gone}
                self._file(gone).unlink()
        return name

    def song(self, name: str) -> AnalysedSong:
        """Raises `MotionBeatError` for one that is not kept any more."""
        with self._lock:
            if name not in self._songs:
                raise MotionBeatError("this song is not kept any more: send it again")
            self._songs.move_to_end(name)
            return self._songs[name]

    def sound(self, name: str) -> Path:
        """The file of a song's sound. Errors as `song`."""
        self.song(name)
        return self._file(name)

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def _file(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.flac"
