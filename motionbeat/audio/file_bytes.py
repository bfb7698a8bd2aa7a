"""File2Bytes: the bytes of a file, read where they are asked for: hours of uncompressed sound would fill the memory."""

from typing import BinaryIO, overload

_AT_ONCE = 2**16  # bytes
_AT_FIRST = 2**6  # bytes: the next page of an Ogg file mostly follows where it is sought


class FileBytes:
    """Slices and searches as of `bytes`. The file stays open as long as its owner keeps it so."""

    def __init__(self, file: BinaryIO, begin: int = 0, end: int | None = None) -> None:
        """begin, end: the part of the file; None: to its end."""
        self._file, self._begin = file, begin
        self._size = (file.seek(0, 2) if end is None else end) - begin

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> bytes: ...
    def __getitem__(self, place: int | slice) -> int | bytes:
        """As of `bytes`; a slice has no step."""
        if isinstance(place, int):
            return self[range(self._size)[place] : range(self._size)[place] + 1][0]
        begin, end, _ = place.indices(self._size)
        self._file.seek(self._begin + begin)
        return self._file.read(max(end - begin, 0))

    def part(self, begin: int, end: int) -> "FileBytes":
        """The bytes from `begin` to `end`, without reading them."""
        return FileBytes(self._file, self._begin + begin, self._begin + end)

    def find(self, sought: bytes, start: int = 0) -> int:
        """The first position from `start` of these bytes, or -1."""
        step = _AT_FIRST
        while start < self._size:
            at = self[start : start + step + len(sought) - 1].find(sought)
            if at >= 0:
                return start + at
            start, step = start + step, min(2 * step, _AT_ONCE)
        return -1
