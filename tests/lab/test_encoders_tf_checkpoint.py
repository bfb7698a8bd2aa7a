"""Reading TensorFlow checkpoints: files written here by the format's description, and damage of every kind."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders.tf_checkpoint import masked_crc32c, read_checkpoint

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


def block(entries: list[tuple[bytes, bytes]], compression: int = 0) -> bytes:
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
    body += bytes([compression])
    return body + struct.pack("<I", masked_crc32c(body))


def write(prefix: Path, tensors: dict[str, np.ndarray], shards: int = 1, compression: int = 0, **wrong: int) -> None:
    data, entries = b"", [(b"", number(1, shards) + message(3, number(1, 1)))]
    for name in sorted(tensors):
        array = tensors[name]
        raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
        shape = b"".join(message(2, number(1, size)) for size in array.shape)
        entry = number(1, wrong.get("kind", TYPES[str(array.dtype)])) + message(2, shape)
        entry += number(4, len(data)) + number(5, len(raw)) + varint(6 << 3 | 5) + struct.pack("<I", masked_crc32c(raw))
        entries.append((name.encode(), entry))
        data += raw
    table, handles = b"", []
    for begin in range(0, len(entries), 4):  # several blocks
        part = block(entries[begin : begin + 4], compression)
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


def test_a_checkpoint_comes_back_as_it_was_written(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    write(tmp_path / "model", tensors)
    found = read_checkpoint(tmp_path / "model")
    assert set(found) == set(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape and found[name].dtype == array.dtype


def test_only_what_is_wanted_is_read(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    write(tmp_path / "model", tensors)
    assert set(read_checkpoint(tmp_path / "model", lambda name: name.startswith("conv2d_1"))) == {"conv2d_1/kernel"}


@pytest.mark.parametrize(("data", "checksum"), [(b"123456789", 0xE3069283), (b"\0" * 32, 0x8A9136AA), (b"", 0)])
def test_the_checksum_is_crc32c_as_rfc_3720_has_it(data: bytes, checksum: int) -> None:
    masked = masked_crc32c(data)
    rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF == checksum
    assert checksum == 0 or checksum != zlib.crc32(data)


@pytest.mark.parametrize(
    ("suffix", "at", "says"),
    [
        (".data-00000-of-00001", 3, "conv2d/bias does not match its checksum"),
        (".index", 10, "a checksum is wrong"),
        (".index", -3, "its last bytes are not those of a table"),
    ],
)
def test_a_changed_byte_is_noticed(
    tmp_path: Path, tensors: dict[str, np.ndarray], suffix: str, at: int, says: str
) -> None:
    write(tmp_path / "model", tensors)
    path = Path(f"{tmp_path / 'model'}{suffix}")
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(MotionBeatError, match=says):
        read_checkpoint(tmp_path / "model")


@pytest.mark.parametrize("suffix", [".data-00000-of-00001", ".index"])
def test_a_missing_or_short_file_is_named(tmp_path: Path, tensors: dict[str, np.ndarray], suffix: str) -> None:
    write(tmp_path / "model", tensors)
    path = Path(f"{tmp_path / 'model'}{suffix}")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(MotionBeatError, match=r"model\.(data.* is cut short at conv2d/kernel|index is no TensorFlow)"):
        read_checkpoint(tmp_path / "model")
    path.unlink()
    with pytest.raises(MotionBeatError, match=f"{path.name} is missing: the checkpoint is not whole"):
        read_checkpoint(tmp_path / "model")


def test_what_is_not_read_is_refused(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    write(tmp_path / "model", tensors, shards=2)
    with pytest.raises(MotionBeatError, match="it has several data files"):
        read_checkpoint(tmp_path / "model")
    write(tmp_path / "model", tensors, compression=1)
    with pytest.raises(MotionBeatError, match="its blocks are compressed"):
        read_checkpoint(tmp_path / "model")
    write(tmp_path / "model", tensors, kind=7)
    with pytest.raises(MotionBeatError, match="has type 7 in shard 0"):
        read_checkpoint(tmp_path / "model")
