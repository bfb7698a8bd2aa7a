"""Reads TensorFlow checkpoints (version 2) without TensorFlow.

`X.index` is a table of sorted keys in the form of LevelDB's: blocks of prefix-compressed entries, an index block that
names them, and a footer of 48 bytes. Its values are protocol-buffer messages: under the empty key a BundleHeaderProto,
under a variable's name a BundleEntryProto (type, shape, shard, offset, size, checksum). `X.data-00000-of-00001` holds
the raw little-endian values. (tensorflow/core/protobuf/tensor_bundle.proto; leveldb/doc/table_format.md.)
"""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5  # a byte for the compression, 4 for the checksum
_TYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    9: np.dtype("<i8"),
}  # of tensorflow.DataType
_POLYNOMIAL = 0x82F63B78  # CRC-32C, reflected


@frozen
class _Entry:
    kind: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


def read_checkpoint(prefix: str | Path, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, NDArray[Any]]:
    """The variables of the checkpoint `prefix` (`prefix`.index and `prefix`.data-00000-of-00001) by name.

    wanted: which names to read. Every checksum on the way is verified. Raises `MotionBeatError` where a file is
    missing or damaged, and for what is not read: several shards, compressed blocks, slices, other types.
    """
    index, data = Path(f"{prefix}.index"), Path(f"{prefix}.data-00000-of-00001")
    for path in (index, data):
        if not path.is_file():
            raise MotionBeatError(f"{path} is missing: the checkpoint is not whole, install it again")
    try:
        entries = dict(_entries(index.read_bytes()))
    except (IndexError, struct.error, ValueError, UnicodeDecodeError) as error:
        raise MotionBeatError(
            f"{index} is no TensorFlow checkpoint that can be read ({error}): install it again"
        ) from None
    found = {}
    with data.open("rb") as file:
        for name, entry in entries.items():
            if wanted(name):
                file.seek(entry.offset)
                found[name] = _tensor(file.read(entry.size), name, entry, data)
    return found


def masked_crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), rotated and shifted as LevelDB and TensorFlow store it."""
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc_table()


def _entries(table: bytes) -> Iterator[tuple[str, _Entry]]:
    if len(table) < _FOOTER or struct.unpack("<Q", table[-8:])[0] != _MAGIC:
        raise ValueError("its last bytes are not those of a table")
    footer = table[-_FOOTER:]
    at = _varint(footer, _varint(footer, 0)[1])[1]  # past the handle of the meta index, which is not used
    for _, handle in _block(table, *_handle(footer, at)):
        for key, value in _block(table, *_handle(handle, 0)):
            if key:
                yield key.decode(), _entry(value)
            elif _numbers(value).get(1, [1]) != [1]:
                raise ValueError("it has several data files")


def _handle(data: bytes, at: int) -> tuple[int, int]:
    offset, at = _varint(data, at)
    return offset, _varint(data, at)[0]


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block: each key shares some first bytes with the one before it."""
    whole = table[offset : offset + size + _TRAILER]
    if len(whole) != size + _TRAILER:
        raise ValueError("it is cut short")
    if struct.unpack("<I", whole[-4:])[0] != masked_crc32c(whole[:-4]):
        raise ValueError("a checksum is wrong")
    if whole[size]:
        raise ValueError("its blocks are compressed")
    restarts = struct.unpack("<I", whole[size - 4 : size])[0]
    end, at, key = size - 4 - 4 * restarts, 0, b""
    while at < end:
        shared, at = _varint(whole, at)
        own, at = _varint(whole, at)
        length, at = _varint(whole, at)
        key = key[:shared] + whole[at : at + own]
        yield key, whole[at + own : at + own + length]
        at += own + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in 7-bit groups, lowest first, and where the next thing begins."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbered fields of a protocol-buffer message."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(message, at)
        elif kind == 5:
            value, at = struct.unpack_from("<I", message, at)[0], at + 4
        elif kind == 2:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        else:
            raise ValueError(f"a field of wire type {kind}")
        yield tag >> 3, value


def _numbers(message: bytes) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for field, value in _fields(message):
        if isinstance(value, int):
            found.setdefault(field, []).append(value)
    return found


def _entry(message: bytes) -> _Entry:
    shape: tuple[int, ...] = ()
    for field, value in _fields(message):
        if field == 2 and isinstance(value, bytes):
            sizes = [size for number, size in _fields(value) if number == 2 and isinstance(size, bytes)]
            shape = tuple(_numbers(size).get(1, [0])[0] for size in sizes)
        elif field == 7:
            raise ValueError("a variable in slices")
    numbers = _numbers(message)
    kind, shard, offset, size, checksum = (numbers.get(field, [0])[-1] for field in (1, 3, 4, 5, 6))
    return _Entry(kind, shape, shard, offset, size, checksum)


def _tensor(raw: bytes, name: str, entry: _Entry, data: Path) -> NDArray[Any]:
    dtype = _TYPES.get(entry.kind)
    if dtype is None or entry.shard:
        raise MotionBeatError(f"{data}: {name} has type {entry.kind} in shard {entry.shard}, which is not read here")
    if len(raw) != entry.size or entry.size != dtype.itemsize * int(np.prod(entry.shape)):
        raise MotionBeatError(f"{data} is cut short at {name}: install it again")
    if masked_crc32c(raw) != entry.checksum:
        raise MotionBeatError(f"{data}: {name} does not match its checksum: install it again")
    return np.frombuffer(raw, dtype).reshape(entry.shape)
