"""Token tables of any size: large columns are copied, row group by row group, into a memory-mapped file.

The features of beats (mel, motion) are 99 % of a table. If they are mapped, they only use spare memory, and a window
needs a read of its rows. Names and numbers for searching stay in memory.
"""

import os
import tempfile
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import cache_folder, guarded
from motionbeat.lab import tables

Columns = dict[str, NDArray[Any]]
_FIX = "run `dvc repro` to make it anew"


def memory_for_tables() -> int:
    """Limit of the unpacked size of tables, in bytes, above which they are mapped: a quarter of the memory.

    Reading one takes three times its size for a moment. No result depends on it.
    """
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4


def read(named: Sequence[tuple[Path, pa.Schema]], lists: Container[str] | None = None) -> list[Columns]:
    """`tables.read` of each (path, schema); list columns are mapped if the tables would fill the memory.

    lists: the list columns to read; None: all. Errors as for `tables.read`.
    """
    paths = [path for path, _ in named]
    wanted = [
        [f.name for f in kinds if not pa.types.is_list(f.type) or lists is None or f.name in lists]
        for _, kinds in named
    ]
    if sum(tables.unpacked_bytes(path) for path in paths) <= memory_for_tables():
        return [tables.read(*each, columns) for each, columns in zip(named, wanted, strict=True)]
    files = [_opened(path, schema) for path, schema in named]
    found: list[Columns] = []
    for path, file, columns in zip(paths, files, wanted, strict=True):
        with guarded(path, "is not a complete Parquet file", _FIX):
            found.append(
                {name: _shared(file.read([name]).column(name)) for name in columns if not _is_list(file, name)}
            )
    for name in dict.fromkeys(
        name for file, columns in zip(files, wanted, strict=True) for name in columns if _is_list(file, name)
    ):
        holding = [number for number, columns in enumerate(wanted) if name in columns]
        whole, begin = _mapped([(paths[number], files[number]) for number in holding], name), 0
        for number in holding:
            end = begin + files[number].metadata.num_rows
            found[number][name] = whole[begin:end]
            begin = end
    return found


def scratch(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Memory for an array, or a temporary file that disappears with the process."""
    if 8 * shape[0] * shape[1] <= memory_for_tables():
        return np.empty(shape)
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=cache_folder()) as file:
        return np.memmap(file, np.float64, "w+", shape=shape)


def stacked(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The rows of all parts, concatenated; columns that were mapped together are not copied."""
    whole = parts[0].base
    if (
        isinstance(whole, np.memmap)
        and all(part.base is whole for part in parts)
        and len(whole) == sum(map(len, parts))
    ):
        return whole
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _opened(path: Path, schema: pa.Schema) -> pq.ParquetFile:
    with guarded(path, "is not a complete Parquet file", _FIX):
        file = pq.ParquetFile(path, read_dictionary=[field.name for field in schema if pa.types.is_string(field.type)])
        if not pq.read_schema(path).equals(schema):
            raise MotionBeatError(f"{path} has other columns than {', '.join(schema.names)}: run `dvc repro`")
        return file


def _is_list(file: pq.ParquetFile, name: str) -> bool:
    return bool(pa.types.is_list(file.schema_arrow.field(name).type))


def _shared(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column of numbers, or of names in which equal names are the same object."""
    if not pa.types.is_dictionary(column.type):
        return column.to_numpy()
    names: list[NDArray[Any]] = [np.empty(0, object)]
    known: dict[str, str] = {}
    for chunk in column.chunks:
        of_chunk = [known.setdefault(name, name) for name in chunk.dictionary.to_pylist()]
        names.append(np.array(of_chunk, object)[chunk.indices.to_numpy()])
    return np.concatenate(names)


def _mapped(files: Sequence[tuple[Path, pq.ParquetFile]], name: str) -> NDArray[np.float32]:
    """A list column of all files, concatenated: (rows, width), in a file that disappears with the process."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    rows, widths = 0, set()
    with tempfile.TemporaryFile(dir=cache_folder()) as numbers:
        for path, file in files:
            for group in range(file.num_row_groups):
                with guarded(path, "is not a complete Parquet file", _FIX):
                    column = file.read_row_group(group, columns=[name]).column(name).combine_chunks()
                widths |= set(np.diff(column.offsets.to_numpy()).tolist())
                rows += len(column)
                column.flatten().to_numpy().astype(np.float32, copy=False).tofile(numbers)
        if not rows:
            return np.empty((0, 0), np.float32)
        if len(widths) != 1:
            where = " and ".join(str(path) for path, _ in files)
            raise MotionBeatError(f"{where}: rows of column {name} differ in length: run `dvc repro`")
        numbers.flush()
        # shared and writable, since torch requires it and then no memory is reserved; nothing writes to it
        return np.memmap(numbers, np.float32, "r+", shape=(rows, widths.pop()))
