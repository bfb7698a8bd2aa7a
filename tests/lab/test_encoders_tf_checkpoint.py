"""Reading TensorFlow checkpoints: files written here by the format's description, and damaged ones."""

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders.tf_checkpoint import read_checkpoint

MAGIC = 0xDB4775248B80FB57
TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Prefix-compressed entries, a restart every third one, then the trailer."""
    body, restarts, before = b"", [], b""
    for index, (key, value) in enumerate(entries):
        shared = 0
        if index % 3 == 0:
            restarts.append(len(body))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        body += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    body += b"".join(struct.pack("<I", each) for each in restarts or [0]) + struct.pack("<I", len(restarts) or 1)
    return body + bytes(5)  # no compression, and a checksum that is not read


def write(prefix: Path, tensors: dict[str, np.ndarray]) -> None:
    data, entries = b"", [(b"", number(1, 1) + message(3, number(1, 1)))]
    for name in sorted(tensors):
        array = tensors[name]
        raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
        shape = b"".join(message(2, number(1, size)) for size in array.shape)
        entry = number(1, TYPES[str(array.dtype)]) + message(2, shape)
        entry += number(4, len(data)) + number(5, len(raw)) + varint(6 << 3 | 5) + bytes(4)
        entries.append((name.encode(), entry))
        data += raw
    table, handles = b"", []
    for begin in range(0, len(entries), 4):  # several blocks
        part = block(entries[begin : begin + 4])
        handles.append(
            (entries[min(begin + 3, len(entries) - 1)][0] + b"~", varint(len(table)) + varint(len(part) - 5))
        )
        table += part
    meta, index = block([]), block(handles)
    footer = varint(len(table)) + varint(len(meta) - 5) + varint(len(table) + len(meta)) + varint(len(index) - 5)
    table += meta + index + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)
    Path(f"{prefix}.index").write_bytes(table)
    Path(f"{prefix}.data-00000-of-00001").write_bytes(data)


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "conv2d/bias": rng.normal(size=5).astype(np.float32),
        "conv2d/bias/Adam": rng.normal(size=5).astype(np.float32),
        "conv2d/kernel": rng.normal(size=(7, 3, 1, 5)).astype(np.float32),
        "conv2d_1/kernel": rng.normal(size=(130, 2)),
        "global_step": np.array(70_000, np.int64),
        "labels": np.arange(-3, 300, dtype=np.int32),
    }


def sha256(prefix: Path) -> str:
    files = [Path(f"{prefix}.index"), Path(f"{prefix}.data-00000-of-00001")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def test_the_float32_variables_come_back_as_they_were_written(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    write(tmp_path / "model", tensors)
    found = read_checkpoint(str(tmp_path / "model"), sha256(tmp_path / "model"))
    assert set(found) == {name for name, array in tensors.items() if array.dtype == np.float32}
    for name, array in found.items():
        np.testing.assert_array_equal(array, tensors[name])
        assert array.shape == tensors[name].shape and array.dtype == np.float32


@pytest.mark.parametrize("suffix", [".data-00000-of-00001", ".index"])
def test_a_changed_or_missing_file_is_named(tmp_path: Path, tensors: dict[str, np.ndarray], suffix: str) -> None:
    write(tmp_path / "model", tensors)
    path, right = Path(f"{tmp_path / 'model'}{suffix}"), sha256(tmp_path / "model")
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    with pytest.raises(MotionBeatError, match=r"model\.index and model\.data.* are damaged or of another version"):
        read_checkpoint(str(tmp_path / "model"), right)
    path.unlink()
    with pytest.raises(MotionBeatError, match=f"{path.name} is missing: the checkpoint is not complete"):
        read_checkpoint(str(tmp_path / "model"), right)
