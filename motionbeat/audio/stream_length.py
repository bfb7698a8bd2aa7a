"""AudioBytes2Streams: the real length of audio files whose header may be wrong.

A header is written before the sound, so a program that writes to a pipe, or is stopped, leaves a length of 0 or with
all bits set; concatenated files have the length of the first. libsndfile believes the header.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from motionbeat.audio import mpeg_frames
from motionbeat.audio.file_bytes import FileBytes
from motionbeat.audio.mended_file import Parts, moved
from motionbeat.errors import MotionBeatError

Order: TypeAlias = Literal["little", "big"]

_PAGE = 0x10000
"""Programs that do not know a length write 0, all bits, or all but the sign, or up to a page less."""
_MP3_IN_WAV = 0x55
_LONGEST_FRAME = 2**24  # bytes of FLAC; more than 65,535 samples of 8 channels and 32 bits have
_SPLIT = "cut the file at that place, and give both parts"
_REPAIR = "rewrite its header, for example by `ffmpeg -i FILE out.wav`, or export it again"
LARGEST_BYTES = 2**31 - 2**24
"""Larger files are read by libsndfile as they are."""


def streams(path: Path, kind: str) -> list[Parts] | None:
    """The streams of a file, each with a corrected header; None if the file can be read as it is.

    kind: libsndfile's name of the format if it is MP3 or unknown by its first bytes. Raises `MotionBeatError` if sound
    is missing, or if there is sound after the end that the header states.
    """
    if path.stat().st_size > LARGEST_BYTES:
        return None
    with path.open("rb") as file:
        data = FileBytes(file)
        if kind == "MP3":
            return mpeg_frames.streams(path, data[:])
        begin = mpeg_frames.after_tags(data, 0)  # taggers write ID3 into files of every kind
        reader = _READERS.get(data[begin : begin + 4])
        if reader is None:
            return None
        if not begin:
            return reader(path, data)
        bare = data.part(begin, len(data))
        return moved(reader(path, bare) or [[range(len(bare))]], begin)


def known(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a format of `streams`; MP3 has none."""
    return head[:4] in _READERS


def _unknown(size: int, width: int) -> bool:
    most = (1 << 8 * width) - 1
    return size in (0, most // 2, most // 2 + 1) or size > most - _PAGE or most // 2 - _PAGE < size < most // 2


def _chunks(data: FileBytes, order: Order, begin: int = 12, width: int = 4) -> Iterator[tuple[bytes, int, int]]:
    """Name, position of the content and size of each chunk; width: bytes of a size."""
    at = begin
    while at + 4 + width <= len(data):
        size = int.from_bytes(data[at + 4 : at + 4 + width], order)
        yield data[at : at + 4], at + 4 + width, size
        at += 4 + width + size + (size % 2 if width == 4 else 0)


def _with(data: FileBytes, at: int, value: int, width: int, order: Order) -> Parts:
    return [range(at), value.to_bytes(width, order), range(at + width, len(data))]


def _checked(path: Path, data: FileBytes, at: int, said: int, field: tuple[int, int], order: Order) -> Parts | None:
    """The file with the real size of its sound, which begins at `at`; None if the size `said` is right.

    field: position and width of the size.
    """
    held = len(data) - at
    if _unknown(said, field[1]) and held > 0 and (said or not _is_chunk(data, at, order)):
        return _with(data, field[0], held, field[1], order)
    _refuse_cut(path, said, held)
    _refuse_behind(path, data, at + said + (said % 2 if field[1] == 4 else 0), said, order)
    return None


def _refuse_cut(path: Path, said: int, held: int) -> None:
    if said > held:
        raise MotionBeatError(
            f"{path}: its header promises {said} bytes of audio, but it contains {held}: {mpeg_frames.FIX}"
        )


def _riff(path: Path, data: FileBytes) -> list[Parts] | None:
    order: Order = "big" if data[:4] == b"RIFX" else "little"
    tag = wide = 0
    for name, at, size in _chunks(data, order):
        if name == b"fmt ":
            tag = int.from_bytes(data[at : at + 2], order)
        elif name == b"ds64":  # RF64 and BW64 (EBU Tech 3306): sizes of 64 bits
            wide = at + 8
        elif name == b"data":
            field = (wide, 8) if wide and size == 0xFFFFFFFF else (at - 4, 4)
            said = int.from_bytes(data[field[0] : field[0] + field[1]], order)
            right = _checked(path, data, at, said, field, order)
            if tag == _MP3_IN_WAV:
                sound = data[at:] if right else data[at : at + said]
                # libsndfile trusts a length in the chunk fact
                return moved(mpeg_frames.streams(path, sound) or [[range(len(sound))]], at)
            if data[:4] == b"BW64":  # libsndfile knows only RF64
                first, *others = right or [range(len(data))]
                right = [b"RF64", first[4:], *others]
            return None if right is None else [right]
    return None


def _au(path: Path, data: FileBytes) -> list[Parts] | None:
    order: Order = "big" if data[:4] == b".snd" else "little"
    at, said = (int.from_bytes(data[place : place + 4], order) for place in (4, 8))
    right = _checked(path, data, at, said, (8, 4), order)
    return None if right is None else [right]


def _caf(path: Path, data: FileBytes) -> list[Parts] | None:
    for name, at, size in _chunks(data, "big", 8, 8):
        if name == b"data":
            right = _checked(path, data, at, size, (at - 8, 8), "big")
            return None if right is None else [right]
    return None


def _w64(path: Path, data: FileBytes) -> list[Parts] | None:
    """Sony Wave64, of whose header libsndfile mends everything but an end that is missing."""
    at = 40
    while at + 24 <= len(data):
        size = int.from_bytes(data[at + 16 : at + 24], "little")  # with the 24 bytes of the chunk's head
        if data[at : at + 4] == b"data":
            if not _unknown(size, 8):
                _refuse_cut(path, size, len(data) - at)
            return None
        at += max(size + 7 & ~7, 24)
    return None


def _aiff(path: Path, data: FileBytes) -> list[Parts] | None:
    frame, count_at = 0, 0
    for name, at, size in _chunks(data, "big"):
        if name == b"COMM" and at + 8 <= len(data):
            channels, bits = (int.from_bytes(data[place : place + 2], "big") for place in (at, at + 6))
            frame, count_at = channels * ((bits + 7) // 8), at + 2
        elif name == b"SSND":
            held = len(data) - at
            frames = int.from_bytes(data[count_at : count_at + 4], "big")
            if frame and held > 8 and (_unknown(size, 4) or size <= 8 or _unknown(frames, 4)):
                sound = held if _unknown(size, 4) or size <= 8 else min(size, held)
                counted, total = ((sound - 8) // frame).to_bytes(4, "big"), (len(data) - 8).to_bytes(4, "big")
                head: Parts = [range(4), total, range(8, count_at), counted, range(count_at + 4, at - 4)]
                return [[*head, sound.to_bytes(4, "big"), range(at, len(data))]]
            _refuse_behind(path, data, at + size + size % 2, size, "big")
            return None
    return None


def _is_chunk(data: FileBytes, at: int, order: Order) -> bool:
    """Whether a chunk with a valid name and size begins at this position."""
    name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], order)
    return len(name) == 4 and all(32 <= byte < 127 for byte in name) and at + 8 + size <= len(data) + 1


def _refuse_behind(path: Path, data: FileBytes, end: int, size: int, order: Order) -> None:
    """Refuse a file with bytes after its stated end that are not a chunk, or are a second file: they are sound."""
    held = len(data) - end
    if data[end : end + 4] in (*_READERS, b"data"):
        raise MotionBeatError(f"{path}: {held} bytes of a second recording follow its end: {_SPLIT}")
    if held > _PAGE // 4 and not _is_chunk(data, end, order) and data[end:].strip(b"\0"):
        raise MotionBeatError(
            f"{path}: its header gives {size} bytes of audio, but {held} more follow that are not a chunk of another "
            f"kind, so its length is in doubt: {_REPAIR}"
        )


def _flac(path: Path, data: FileBytes) -> list[Parts] | None:
    """A FLAC stream whose header has no length or too small a one, with the length that follows from its last frame."""
    if len(data) < 42:
        return None
    if (second := data.find(b"fLaC\0\0\0\x22", 42)) > 0:
        raise MotionBeatError(f"{path}: {len(data) - second} bytes of a second recording follow its end: {_SPLIT}")
    sound = (
        data.part(0, len(data) - 128) if data[-128:-125] == b"TAG" else data
    )  # ID3v1, at which libsndfile loses its way
    said = int.from_bytes(sound[21:26], "big") & 0xFFFFFFFFF
    held = _flac_samples(sound)
    if held is not None and held > said:
        return [_with(sound, 21, (sound[21] & 0xF0) << 32 | held, 5, "big")]
    return None if sound is data else [[range(len(sound))]]


def _flac_samples(data: FileBytes) -> int | None:
    """Samples up to the end of the last frame, from its header (RFC 9639, 9.1); None if there is no frame."""
    block = int.from_bytes(data[8:10], "big")
    last = data[max(len(data) - _LONGEST_FRAME, 42) :]
    at = len(last)
    for _ in range(100_000):  # no frame is long enough to contain this many false marks
        at = last.rfind(b"\xff", 0, at)
        if at < 0:
            return None
        head = _flac_head(last[at : at + 16], block)
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


def _ogg(path: Path, data: FileBytes) -> list[Parts] | None:
    """The links of a chained Ogg file (RFC 3533, 4), which is several files in a row; one without an end is refused."""
    starts, at, sounding, ended = [0], 0, False, True
    while at >= 0 and at + 27 <= len(data):
        begins = bool(data[at + 5] & 2)
        if begins and sounding:
            starts.append(at)
        sounding, ended = not begins, bool(data[at + 5] & 4)
        segments = data[at + 26]
        at = data.find(b"OggS", at + 27 + segments + sum(data[at + 27 : at + 27 + segments]))
    if not ended:
        raise MotionBeatError(f"{path}: the Ogg stream has no end: {mpeg_frames.FIX}")
    if len(starts) == 1:
        return None
    return [[range(begin, end)] for begin, end in zip(starts, [*starts[1:], len(data)], strict=True)]


_READERS = {
    **dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64"), _riff),
    **dict.fromkeys((b".snd", b"dns."), _au),
    b"caff": _caf,
    b"riff": _w64,
    b"FORM": _aiff,
    b"fLaC": _flac,
    b"OggS": _ogg,
}
"""By the first four bytes of a file."""
