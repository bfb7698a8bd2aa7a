"""Reads the float32 variables of a TensorFlow checkpoint (version 2) without TensorFlow.

`X.index` is a table of sorted keys in LevelDB's format: blocks of prefix-compressed entries, an index block that
names them, and a footer of 48 bytes. Its values are protocol-buffer messages: under a variable's name a
BundleEntryProto (type, shape, offset, size). `X.data-00000-of-00001` holds the raw little-endian values.
(tensorflow/core/protobuf/tensor_bundle.proto; leveldb/doc/table_format.md.)

A digest of both files replaces all checks of the format: only known files are read. Reading takes a few milliseconds,
so nothing is converted and stored.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

_FOOTER, _FLOAT32 = 48, 1
_TYPE, _SHAPE, _OFFSET, _SIZE = 1, 2, 4, 5  # fields of BundleEntryProto


def read_checkpoint(prefix: str, sha256: str) -> dict[str, NDArray[np.float32]]:
    """The variables of the files `prefix`.index and `prefix`.data-00000-of-00001 by name.

    sha256: of both files, one after the other. Raises `MotionBeatError` if a file is missing or has other bytes.
    """
    paths = [Path(f"{prefix}.index"), Path(f"{prefix}.data-00000-of-00001")]
    for path in paths:
        if not path.is_file():
            raise MotionBeatError(f"{path} is missing: the checkpoint is not complete, install it again")
    index, data = (path.read_bytes() for path in paths)
    if hashlib.sha256(index + data).hexdigest() != sha256:
        raise MotionBeatError(f"{paths[0]} and {paths[1].name} are damaged or of another version: install them again")
    return variables(index, data)


def variables(index: bytes, data: bytes) -> dict[str, NDArray[np.float32]]:
    """The float32 variables of a checkpoint from the contents of its two files, which are trusted."""
    footer = index[-_FOOTER:]
    at = _varint(footer, _varint(footer, 0)[1])[1]  # past the handle of the meta index, which is not used
    arrays = {}
    for _, handle in _block(index, footer[at:]):
        for key, message in _block(index, handle):
            entry = dict(_fields(message))
            if key and entry.get(_TYPE) == _FLOAT32:
                sizes = [
                    dict(_fields(size)).get(1, 0) for number, size in _fields(entry.get(_SHAPE, b"")) if number == 2
                ]
                raw = data[entry.get(_OFFSET, 0) :][: entry[_SIZE]]
                arrays[key.decode()] = np.frombuffer(raw, "<f4").reshape(sizes)
    return arrays


def _block(table: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of the block that `handle` points at: a key shares some first bytes with the one before it."""
    begin, at = _varint(handle, 0)
    whole = table[begin : begin + _varint(handle, at)[0]]
    end, at, key = len(whole) - 4 - 4 * int.from_bytes(whole[-4:], "little"), 0, b""
    while at < end:
        shared, at = _varint(whole, at)
        rest, at = _varint(whole, at)
        length, at = _varint(whole, at)
        key = key[:shared] + whole[at : at + rest]
        yield key, whole[at + rest : at + rest + length]
        at += rest + length


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Numbered fields of a protocol-buffer message: numbers, and bytes of what has a length."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value: Any
        if tag & 7 == 0:
            value, at = _varint(message, at)
        elif tag & 7 == 5:
            value, at = int.from_bytes(message[at : at + 4], "little"), at + 4
        else:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in 7-bit groups, lowest first, and where the next thing begins."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
