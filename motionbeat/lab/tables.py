"""All Parquet tables of the pipeline: columns are defined once, and checked on writing and reading.

Files are the same bytes for the same rows: one row group size, no pandas metadata, fixed order.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded, whole_file

_STRING, _INT, _DOUBLE, _FLOATS = pa.string(), pa.int32(), pa.float64(), pa.list_(pa.float32())
_ROWS_IN_GROUP = 16_384
_SMALL_BYTES, _MOST_PACKED = 64 * 2**20, 500

SPLITS = ("train", "val", "test")

_RENDERING = re.compile(r"((?:synthetic\.)?m[A-Z]{2}\d{2,})-r\d+")


def work(song: str) -> str:
    """The song of a recording: mBR60 for mBR60-r1, which is mBR60 with another sound; otherwise the name itself."""
    match = _RENDERING.fullmatch(song)
    return match[1] if match else song


def works(songs: NDArray[Any]) -> NDArray[np.object_]:
    """`work` of each of an array of songs."""
    return np.array([work(song) for song in songs], object)


def _schema(required: Mapping[str, pa.DataType], optional: Mapping[str, pa.DataType] | None = None) -> pa.Schema:
    fields = [pa.field(name, kind, nullable=False) for name, kind in required.items()]
    fields += [pa.field(name, kind) for name, kind in (optional or {}).items()]
    return pa.schema(fields)


def _of_lattices(tokens: pa.Schema) -> pa.Schema:
    return tokens.append(pa.field("lattice", _INT, nullable=False))  # its number, from 0 in every song


MANIFEST = _schema(
    {
        "clip": _STRING,
        "song": _STRING,  # the recording of the dance; `work` gives its song
        "genre": _STRING,
        "split": _STRING,  # train, val or test
        "fps": _DOUBLE,  # motion frames per second
        "frames": _INT,
        "duration_s": _DOUBLE,
        "offset_s": _DOUBLE,  # where the clip begins in the song's audio
        "has_rotations": pa.bool_(),
        "motion": _STRING,  # .npz next to the manifest: joints (T, 24, 3) m, y up; poses (T, 24, 3) axis-angle
        "audio": _STRING,  # .flac next to the manifest: mono, 44.1 kHz
    },
    {"nominal_bpm": _DOUBLE, "nominal_beats_per_bar": _INT},
)
"""One row per clip, sorted by clip."""

SOURCES_FILE = "sources.parquet"
SOURCES = _schema({"song": _STRING, "source": _STRING})
"""The corpus that each song of a mix is from, one row per song, sorted by song; a single corpus has no such table."""

BEATS = _schema(
    {"song": _STRING, "beat": _INT, "time_s": _DOUBLE, "bar_position": _INT, "beats_per_bar": _INT},
)
"""One row per beat of a song, sorted by song and beat; bar_position 0 = downbeat."""

AUDIO_TOKENS = _schema(
    {
        "song": _STRING,
        "beat": _INT,
        "time_s": _DOUBLE,
        "duration_s": _DOUBLE,
        "bar_position": _INT,
        "beats_per_bar": _INT,
        "mel": _FLOATS,  # S * bands, sub-beat after sub-beat
        "onset": _FLOATS,  # S, onset strength in 0..1
    }
)
"""One row per beat of a song: beat interval [time_s, time_s + duration_s)."""

MOTION_TOKENS = _schema(
    {
        "clip": _STRING,
        "song": _STRING,
        "split": _STRING,
        "beat": _INT,  # the beat's index in the song
        "bar_position": _INT,
        "beats_per_bar": _INT,
        "features": _FLOATS,  # S * width, sub-beat after sub-beat, not yet z-scored
        "contact": _FLOATS,  # S, 1 where a foot contact begins
        "energy": _FLOATS,  # S, kinetic energy: sum over joints of squared speed, m^2/s^2
    }
)
"""One row per beat of a song within a clip, sorted by clip and beat."""

LATTICE_AUDIO = _of_lattices(AUDIO_TOKENS)
"""As AUDIO_TOKENS, but for intervals of equal length, without a tracker (`motionbeat.lab.token_tables.lattices`).

Only training songs, sorted by song, lattice and beat; beat counts the intervals of a lattice from 0.
"""

LATTICE_MOTION = _of_lattices(MOTION_TOKENS)
"""As MOTION_TOKENS, for the same intervals; sorted by clip, lattice and beat."""

STATISTICS = _schema({"kind": _STRING, "feature": _INT, "mean": _DOUBLE, "std": _DOUBLE})
"""Mean and deviation of each feature (kind mel or motion) over the training split."""

TEMPO_NEGATIVES = _schema(
    {
        "split": _STRING,
        "clip": _STRING,
        "start": _INT,  # first beat of the anchor's window, as its index in the song
        "negative_clip": _STRING,
        "negative_start": _INT,
        "rank": _INT,  # 0 = hardest
        "bpm": _DOUBLE,
        "negative_bpm": _DOUBLE,
        "bpm_difference": _DOUBLE,  # after folding double and half tempo
        "bar_position": _INT,
        "negative_bar_position": _INT,
        "reason": _STRING,  # meter, phase or accent
    },
    {"accent_correlation": _DOUBLE},  # of the two windows' onset curves; none if one is flat
)
"""Another song at the same tempo, in another bar phase or with other accents."""

JITTER_NEGATIVES = _schema(
    {
        "split": _STRING,
        "clip": _STRING,
        "start": _INT,
        "shift": _DOUBLE,  # beats; a whole number of sub-beats
        "source": _STRING,  # parent: the shifted beats exist in the clip; roll: cyclic
    },
    {"accent_correlation": _DOUBLE},  # of the onset curves of the music at both places; none if one is flat
)
"""The same clip, its motion shifted against the music: by a beat, a part of a beat, or by bars if the music differs."""


def write(path: Path, schema: pa.Schema, columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> None:
    """Write columns as the table `schema`; two-dimensional arrays become list columns."""
    table = _as_table(path, schema, columns)
    with whole_file(path) as unfinished:
        pq.write_table(table, unfinished, row_group_size=_ROWS_IN_GROUP, compression="zstd")


class Append(Protocol):
    """Adds rows to a table that is being written."""

    def __call__(self, columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> None: ...


@contextmanager
def appending(path: Path, schema: pa.Schema) -> Iterator[Append]:
    """Write the table `schema` in pieces, for tables that do not fit into memory: each piece is a row group."""
    with whole_file(path) as unfinished, pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        yield lambda columns: writer.write_table(_as_table(path, schema, columns))


@contextmanager
def in_groups(path: Path, schema: pa.Schema) -> Iterator[Append]:
    """Write the table `schema` in pieces, with two row groups in memory: the bytes are the same as with `write`."""
    held: list[pa.Table] = []

    def flush(least: int) -> None:
        table = pa.concat_tables(held).combine_chunks()
        while len(table) >= least:
            writer.write_table(table.slice(0, _ROWS_IN_GROUP), row_group_size=_ROWS_IN_GROUP)
            table = table.slice(_ROWS_IN_GROUP)
        held[:] = [table]

    def append(columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> None:
        held.append(_as_table(path, schema, columns))
        if sum(map(len, held)) >= _ROWS_IN_GROUP:
            flush(_ROWS_IN_GROUP)

    with whole_file(path) as unfinished, pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        held.append(schema.empty_table())
        yield append
        flush(1)


def write_rows(path: Path, schema: pa.Schema, rows: Iterable[tuple[Any, ...]], told: str) -> Iterator[Any]:
    """Write rows, values in the order of the schema, as `in_groups` does; yield the column `told` of each."""
    rest, place = iter(rows), schema.names.index(told)
    with in_groups(path, schema) as append:
        while part := list(islice(rest, _ROWS_IN_GROUP)):
            append(dict(zip(schema.names, map(list, zip(*part, strict=True)), strict=True)))
            yield from (row[place] for row in part)


def _as_table(path: Path, schema: pa.Schema, columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> pa.Table:
    if set(columns) != set(schema.names):
        raise MotionBeatError(f"{path}: columns {sorted(set(columns) ^ set(schema.names))} are not as the schema says")
    arrays = [_as_arrow(columns[field.name], field.type) for field in schema]
    for field, array in zip(schema, arrays, strict=True):
        if not field.nullable and array.null_count:
            raise MotionBeatError(f"{path}: column {field.name} has {array.null_count} empty values")
    return pa.Table.from_arrays(arrays, schema=schema)


def _as_arrow(values: Sequence[Any] | NDArray[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_list(kind) and isinstance(values, np.ndarray):
        rows, width = values.shape
        offsets = np.arange(rows + 1, dtype=np.int32) * width
        flat = pa.array(np.ascontiguousarray(values, np.float32).ravel())
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat)
    return pa.array(values, kind)


def read(path: Path, schema: pa.Schema, columns: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the table `schema`, or some of its columns, as one array per column: list columns as (rows, width) float32.

    Raises `MotionBeatError` when the file is missing, is not a Parquet file or has other columns.
    """
    with guarded(path, "is not a complete Parquet file", "run `dvc repro` to make it again"):
        if path.is_dir():
            raise IsADirectoryError("a folder")
        unpacked_bytes(path)
        found = pq.read_schema(path)
        table = pq.read_table(path, columns=columns)
        table.validate(full=True)
    if not found.equals(schema):
        own, other = ([f"{field.name} ({field.type})" for field in kind] for kind in (found, schema))
        raise MotionBeatError(f"{path} has columns {', '.join(own)}, not {', '.join(other)}: run `dvc repro`")
    with guarded(path, "has damaged columns", "run `dvc repro` to make it again"):
        return {name: _as_numpy(path, name, table.column(name)) for name in table.column_names}


def read_sources(folder: Path) -> dict[str, str]:
    """{song: its corpus} of a mix, from the folder of the corpus or of its tokens; empty for a single corpus."""
    path = folder / SOURCES_FILE
    if not path.exists():
        return {}
    rows = read(path, SOURCES)
    return dict(zip(rows["song"].tolist(), rows["source"].tolist(), strict=True))


def groups(path: Path, columns: Sequence[str]) -> Iterator[dict[str, NDArray[Any]]]:
    """Some columns of a table that was written here, row group by row group."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            table = file.read_row_group(number, columns=columns)
            yield {name: _as_numpy(path, name, table.column(name)) for name in columns}


def unpacked_bytes(path: Path) -> int:
    """Size of a table in memory, in bytes; 0 if it is missing.

    Raises `MotionBeatError` for more than a corpus can have: a few compressed bytes can expand to any size.
    """
    if not path.is_file():
        return 0
    with guarded(path, "is not a complete Parquet file", "run `dvc repro` to make it again"):
        about = pq.read_metadata(path)
    size = sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))
    allowed = max(_SMALL_BYTES, _MOST_PACKED * path.stat().st_size)
    if size > allowed or about.num_rows > allowed:
        raise MotionBeatError(f"{path} would take {size} bytes of memory ({about.num_rows} rows): run `dvc repro`")
    return int(size)


def _as_numpy(path: Path, name: str, column: pa.ChunkedArray) -> NDArray[Any]:
    if not pa.types.is_list(column.type):
        return column.to_numpy()
    if len(column) == 0:
        return np.empty((0, 0), np.float32)
    array = column.combine_chunks()
    widths = np.diff(array.offsets.to_numpy())
    if len(set(widths.tolist())) != 1:
        raise MotionBeatError(f"{path}: rows of column {name} differ in length: run `dvc repro`")
    return array.flatten().to_numpy().reshape(len(array), widths[0])
