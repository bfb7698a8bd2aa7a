"""A file with a corrected header, which is not held in memory: two hours of sound would be there twice."""

import io
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeAlias

Parts: TypeAlias = list[range | bytes]
"""Ranges of the bytes of a file, and bytes in place of others, one after another."""


def moved(streams: list[Parts], by: int) -> list[Parts]:
    """The same ranges, `by` bytes further on in the file."""
    return [
        [range(part.start + by, part.stop + by) if isinstance(part, range) else part for part in parts]
        for parts in streams
    ]


class MendedFile(io.RawIOBase):
    """Reads `parts` of the file at `path` as one file; to be closed."""

    def __init__(self, path: Path, parts: Parts) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._parts: Parts = []
        for part in parts:
            before = self._parts[-1] if self._parts else b""
            if isinstance(part, range) and isinstance(before, range) and before.stop == part.start:
                self._parts[-1] = range(before.start, part.stop)  # frames of an MP3 mostly follow each other
            else:
                self._parts.append(part)
        self._starts = list(accumulate(map(len, self._parts), initial=0))
        self.size, self._at = self._starts[-1], 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As of any file."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer, except at the end."""
        view, done = memoryview(buffer).cast("B"), 0
        while done < len(view) and self._at < self.size:
            number = bisect_right(self._starts, self._at) - 1
            part = self._parts[number][self._at - self._starts[number] :][: len(view) - done]
            if isinstance(part, range):
                self._file.seek(part.start)
                part = self._file.read(len(part)) or b""
                if not part:
                    break  # the file was cut meanwhile
            view[done : done + len(part)] = part
            done, self._at = done + len(part), self._at + len(part)
        return done

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        super().close()
