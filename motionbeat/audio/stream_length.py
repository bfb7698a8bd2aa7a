"""AudioBytes2Streams: the real length of audio files whose header may be wrong.

A header is written before the sound, so a program that writes to a pipe, or is stopped, leaves a length of 0 or with
all bits set; concatenated files have the length of the first. libsndfile believes the header.
"""

from collections.abc import Iterator
from pathlib import Path

from motionbeat.audio import mpeg_frames
from motionbeat.errors import MotionBeatError

_UNKNOWN = (0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Lengths that programs write if they do not know the real one; so are those less than a page below the last one."""
_PAGE = 0x10000
_REPAIR = "rewrite its header, for example by `ffmpeg -i FILE out.wav`, or export it again"
LARGEST_BYTES = 2**31 - 2**24
"""Larger files are read by libsndfile as they are."""


def streams(path: Path, kind: str) -> list[bytes] | None:
    """The streams of a file, each with a corrected header; None if the file can be read as it is.

    kind: libsndfile's name of the format (MP3, WAV, AIFF, FLAC, OGG). Raises `MotionBeatError` if sound is missing, or
    if there is sound after the end that the header states.
    """
    if path.stat().st_size > LARGEST_BYTES:
        return None
    reader = {
        "MP3": mpeg_frames.streams,
        "WAV": _riff,
        "WAVEX": _riff,
        "AIFF": _aiff,
        "FLAC": _flac,
        "OGG": _ogg,
    }.get(kind)
    return reader(path, path.read_bytes()) if reader else None


def _unknown(size: int) -> bool:
    return size in _UNKNOWN or size > 0xFFFFFFFF - _PAGE or 0x7FFFFFFF - _PAGE < size < 0x7FFFFFFF


def _chunks(data: bytes, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, position of the content and size of each chunk of a RIFF or FORM file."""
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], order)  # type: ignore[arg-type]
        yield data[at : at + 4], at + 8, size
        at += 8 + size + size % 2


def _riff(path: Path, data: bytes) -> list[bytes] | None:
    for name, at, size in _chunks(data, "little"):
        if name != b"data":
            continue
        held = len(data) - at
        if _unknown(size) and held > 0 and (size or not _is_chunk(data, at, "little")):
            return [data[: at - 4] + held.to_bytes(4, "little") + data[at:]]
        _refuse_behind(path, data, at + size + size % 2, size, "little")
        return None
    return None


def _aiff(path: Path, data: bytes) -> list[bytes] | None:
    form = bytearray(data)
    frame, count_at = 0, 0
    for name, at, size in _chunks(data, "big"):
        if name == b"COMM" and at + 8 <= len(data):
            channels, bits = (int.from_bytes(data[place : place + 2], "big") for place in (at, at + 6))
            frame, count_at = channels * ((bits + 7) // 8), at + 2
        elif name == b"SSND":
            held = len(data) - at
            frames = int.from_bytes(data[count_at : count_at + 4], "big")
            if frame and held > 8 and (_unknown(size) or size <= 8 or _unknown(frames)):
                sound = held if _unknown(size) or size <= 8 else min(size, held)
                form[at - 4 : at] = sound.to_bytes(4, "big")
                form[count_at : count_at + 4] = ((sound - 8) // frame).to_bytes(4, "big")
                form[4:8] = (len(form) - 8).to_bytes(4, "big")
                return [bytes(form)]
            _refuse_behind(path, data, at + size + size % 2, size, "big")
            return None
    return None


def _is_chunk(data: bytes, at: int, order: str) -> bool:
    """Whether a chunk with a valid name and size begins at this position."""
    name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], order)  # type: ignore[arg-type]
    return len(name) == 4 and all(32 <= byte < 127 for byte in name) and at + 8 + size <= len(data) + 1


def _refuse_behind(path: Path, data: bytes, end: int, size: int, order: str) -> None:
    """Refuse a file with bytes after its stated end that are not a chunk: they are sound."""
    held = len(data) - end
    if held > _PAGE // 4 and not _is_chunk(data, end, order) and data[end:].strip(b"\0"):
        raise MotionBeatError(
            f"{path}: its header gives {size} bytes of audio, but {held} more follow that are not a chunk of another "
            f"kind, so its length is in doubt: {_REPAIR}"
        )


def _flac(path: Path, data: bytes) -> list[bytes] | None:
    """A FLAC stream whose header has no length or too small a one, with the length that follows from its last frame."""
    if data[:4] != b"fLaC" or len(data) < 42:
        return None
    said = int.from_bytes(data[21:26], "big") & 0xFFFFFFFFF
    held = _flac_samples(data)
    if held is None or held <= said:
        return None
    high = data[21] & 0xF0
    return [data[:21] + (high << 32 | held).to_bytes(5, "big") + data[26:]]


def _flac_samples(data: bytes) -> int | None:
    """Samples up to the end of the last frame, from its header (RFC 9639, 9.1); None if there is no frame."""
    block = int.from_bytes(data[8:10], "big")
    at = len(data)
    for _ in range(100_000):  # no frame is long enough to contain this many false marks
        at = data.rfind(b"\xff", 0, at)
        if at < 42:
            return None
        head = _flac_head(data[at : at + 16], block)
        if head is not None:
            return head
    return None


def _flac_head(head: bytes, block: int) -> int | None:
    """The number of samples up to the end of a frame, from its header; None if this is not a frame header."""
    if len(head) < 6 or head[1] & 0xFE != 0xF8:
        return None
    size_code, rate_code = head[2] >> 4, head[2] & 15
    number, length = _coded_number(head[4:11])
    if not size_code or rate_code == 15 or head[3] & 1 or not length:
        return None
    at = 4 + length
    if size_code in (6, 7):
        extra = size_code - 5
        size = int.from_bytes(head[at : at + extra], "big") + 1
        at += extra
    else:
        size = 192 if size_code == 1 else 144 << size_code if size_code < 6 else 1 << size_code
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    return number + size if head[1] & 1 else number * block + size


def _coded_number(code: bytes) -> tuple[int, int]:
    """A number in the coding of UTF-8, and its length in bytes (0 if it is not a valid code)."""
    first = code[0]
    if first < 0x80:
        return first, 1
    length = 8 - (first ^ 0xFF).bit_length()
    if length < 2 or length > 7 or len(code) < length:
        return 0, 0
    number = first & (0x7F >> length)
    for byte in code[1:length]:
        if byte & 0xC0 != 0x80:
            return 0, 0
        number = number << 6 | byte & 0x3F
    return number, length


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 0x07 if value & 0x80 else value << 1) & 0xFF
    return value


def _ogg(path: Path, data: bytes) -> list[bytes] | None:
    """The links of a chained Ogg file (RFC 3533, 4), which is several concatenated files."""
    starts, at, sounding = [0], 0, False
    while data[at : at + 4] == b"OggS" and at + 27 <= len(data):
        begins = bool(data[at + 5] & 2)
        if begins and sounding:
            starts.append(at)
        sounding = not begins
        segments = data[at + 26]
        at += 27 + segments + sum(data[at + 27 : at + 27 + segments])
    if len(starts) == 1:
        return None
    return [data[begin:end] for begin, end in zip(starts, [*starts[1:], len(data)], strict=True)]
