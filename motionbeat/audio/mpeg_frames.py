"""Mp3Bytes2Streams: the MPEG streams of an MP3 file, each with a correct length header.

libsndfile takes the length of an MP3 from its Xing, Info or VBRI header and stops there; without one it guesses from
the size of the file and the bit rate of the first frame, which is wrong after a change of bit rate, with a cover
picture, or if a second file follows the first. Here frames are counted, and each stream gets a header with their
number.

Frame header and lengths: ISO/IEC 11172-3, 2.4.1.3; Xing and VBRI headers: the encoders' own (LAME's `VbrTag.c`).
"""

import re
from pathlib import Path

from attrs import field, frozen

from motionbeat.audio.file_bytes import FileBytes
from motionbeat.audio.mended_file import Parts
from motionbeat.errors import MotionBeatError

_CANDIDATE = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\xef]", re.DOTALL)
_KBPS = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Key: 1 for MPEG 1 or 2 for MPEG 2 and 2.5, and the layer."""
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_SLACK_FRAMES = 10
"""Some encoders count their padding, others do not: 10 frames are 0.26 s at 44.1 kHz."""
_HEADER_RATE_INDEX = {1: 9, 2: 8}  # 128 and 64 kbit/s: a frame with room for a Xing header at every sample rate
_JUNK_BYTES = 64
FIX = "the file is truncated or damaged; copy or download it again"


@frozen
class _Head:
    """The fields of a frame header (four bytes)."""

    kind: tuple[int, int, int, bool]  # version bits, layer, sample rate, mono: the same in every frame of a stream
    length: int  # bytes
    side: int  # bytes of side information; a Xing header follows them


@frozen
class _Stream:
    """Consecutive frames of one kind; `promised`: their number by the stream's header, None without a header."""

    kind: tuple[int, int, int, bool]
    header: bytes | None
    promised: int | None
    frames: list[range] = field(factory=list)


def streams(path: Path, data: bytes) -> list[Parts] | None:
    """The MP3 streams of a file, each with a corrected header; None if the file's header is right.

    Tags (ID3, APE, Lyrics3) are left out. Concatenated files are several streams. Raises `MotionBeatError` if
    frames are missing: fewer than a header says, half a frame at the end, or other bytes between frames.
    """
    found, junk, rest = _scan(data)
    if not found:
        return None
    counted = [stream for stream in found if stream.promised is not None]
    for stream in counted:
        missing = (stream.promised or 0) - len(stream.frames)
        if missing > max(_SLACK_FRAMES, 0.01 * len(stream.frames)):
            raise MotionBeatError(
                f"{path}: {_seconds(stream, len(stream.frames)):.2f} s of the "
                f"{_seconds(stream, stream.promised or 0):.2f} s that it promises can be decoded: {FIX}"
            )
    if len(found) == 1 and _right(found[0]) and not junk:
        return None
    if rest and found[-1].promised is None:
        raise MotionBeatError(f"{path}: its last MPEG frame has {rest} bytes, too few: {FIX}")
    if junk:
        raise MotionBeatError(f"{path}: at byte {junk[0]} there are {junk[1]} bytes that are not MPEG frames: {FIX}")
    return [_with_header(stream, data) for stream in found if stream.frames]


def _right(stream: _Stream) -> bool:
    """Whether the stream's own header is of a kind that libsndfile reads (not VBRI) and states the right number."""
    known = stream.header is not None and b"VBRI" not in stream.header[:40]
    return known and abs((stream.promised or 0) - len(stream.frames)) <= 1


def _seconds(stream: _Stream, frames: int) -> float:
    version, layer, rate, _ = stream.kind
    return frames * (384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152) / rate


def _scan(data: bytes) -> tuple[list[_Stream], tuple[int, int] | None, int]:
    """The streams; position and size of the first bytes that are not a frame; bytes of an incomplete last frame."""
    found: list[_Stream] = []
    junk: tuple[int, int] | None = None
    at, size = after_tags(data, 0), len(data)
    while at < size:
        head = _head(data, at)
        same = bool(found) and head is not None and head.kind == found[-1].kind
        if head is None or not (same or _followed(data, at, head)):
            start = at
            at = _next_frame(data, at + 1)
            between = data[start:at].strip(b"\0")
            if head is not None and same and at >= size:
                break
            if found and at < size and len(between) > _JUNK_BYTES and b"APETAGEX" not in between and junk is None:
                junk = (start, at - start)
            continue
        if at + head.length > size:
            return found, junk, size - at
        frame = data[at : at + head.length]
        promised = _promised(frame, head)
        if promised is not None:
            found.append(_Stream(head.kind, frame, promised))
        else:
            if not same:
                found.append(_Stream(head.kind, None, None))
            found[-1].frames.append(range(at, at + head.length))
        at = after_tags(data, at + head.length)
    return found, junk, 0


def _head(data: bytes, at: int) -> _Head | None:
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] < 0xE0:
        return None
    second, third, fourth = data[at + 1], data[at + 2], data[at + 3]
    version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
    bits, rate_index, padding = third >> 4, third >> 2 & 3, third >> 1 & 1
    if version == 1 or layer == 4 or bits in (0, 15) or rate_index == 3:
        return None
    rate = _RATES[version][rate_index]
    bps = 1000 * _KBPS[1 if version == 3 else 2, layer][bits]
    if layer == 1:
        length = (12 * bps // rate + padding) * 4
    else:
        length = (72 if layer == 3 and version != 3 else 144) * bps // rate + padding
    mono = fourth >> 6 == 3
    side = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    return _Head((version, layer, rate, mono), length, side)


def _followed(data: bytes, at: int, head: _Head) -> bool:
    """Whether another frame of this kind, a tag or the end follows: other bytes may look like a frame by chance."""
    after = after_tags(data, at + head.length)
    follower = _head(data, after)
    return after == len(data) or (follower is not None and follower.kind == head.kind)


def _next_frame(data: bytes, at: int) -> int:
    for match in _CANDIDATE.finditer(data, at):
        head = _head(data, match.start())
        if head is not None and _followed(data, match.start(), head):
            return match.start()
    return len(data)


def after_tags(data: bytes | FileBytes, at: int) -> int:
    """The position after the tags that begin at this position."""
    while True:
        if data[at : at + 3] == b"ID3" and at + 10 <= len(data):
            size = 0
            for byte in data[at + 6 : at + 10]:
                size = size << 7 | byte & 0x7F
            at += 10 + size + (10 if data[at + 5] & 0x10 else 0)
        elif data[at : at + 3] == b"TAG" and len(data) - at >= 128:
            at += 128
        elif data[at : at + 8] == b"APETAGEX" and at + 32 <= len(data):
            size, flags = (int.from_bytes(data[at + place : at + place + 4], "little") for place in (12, 20))
            at += 32 + (size if flags >> 29 & 1 else 0)
        elif data[at : at + 11] == b"LYRICSBEGIN" and (end := data.find(b"LYRICS200", at)) > 0:
            at = end + 9
        else:
            return min(at, len(data))


def _promised(frame: bytes, head: _Head) -> int | None:
    """The number of frames that a Xing, Info or VBRI header in this frame states; None if the frame contains sound."""
    if head.kind[1] != 3:
        return None
    tag = 4 + head.side
    if frame[tag : tag + 4] in (b"Xing", b"Info"):
        return int.from_bytes(frame[tag + 8 : tag + 12], "big") if frame[tag + 7] & 1 else 0
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54], "big")
    return None


def _with_header(stream: _Stream, data: bytes) -> Parts:
    if stream.kind[1] != 3:  # only Layer III has such headers
        return [*stream.frames]
    if stream.header is not None and _right(stream):
        return [stream.header, *stream.frames]
    begin = stream.frames[0].start
    first = bytearray(data[begin : begin + 4])
    first[1] |= 1  # no checksum
    first[2] = _HEADER_RATE_INDEX[1 if stream.kind[0] == 3 else 2] << 4 | first[2] & 0x0C
    head = _head(bytes(first), 0)
    assert head is not None  # made from a frame with sound
    frame = bytes(first) + bytes(head.side) + b"Xing" + (1).to_bytes(4, "big") + len(stream.frames).to_bytes(4, "big")
    return [frame.ljust(head.length, b"\0"), *stream.frames]
