"""Cache of results of single songs and clips by content: after adding a clip to a corpus, only that clip is computed.

The name of an entry is a digest of everything that determines it: the inputs, the params, every project file that the
module imports, and the versions of the packages that compute. An entry is complete or absent, and begins with the
SHA-256 of the rest, which is checked on reading. The least recently used entries are deleted when the limit is
exceeded.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import cache_folder, guarded, set_aside, whole_file
from motionbeat.lab.imports import closure, module_file
from motionbeat.parallel import versions

LIMIT = 20 * 10**9
"""Limit of the size of all entries in bytes, unless `motionbeat cache --limit` sets another."""
ENDING = ".kept"
Values = dict[str, Any]
"""Arrays of numbers by name, and JSON values."""

_ROOT = Path(__file__).parents[2]
_DIGEST = hashlib.sha256().digest_size
_LIMIT_FILE, _JSON = "limit", "json"
_LOOK_AFTER = 0.02  # a process checks the total size after writing this share of the limit
_MARGIN = 0.9  # share of the limit that remains after deleting entries
_unseen: dict[Path, float] = {}  # bytes that this process has written to a folder since its last check


@attrs.frozen
class ItemCache:
    """Entries of one kind. It can be sent to another process."""

    kind: str
    code: str
    """Digest of the code and packages that determine the values."""
    folder: Path

    @classmethod
    def of(cls, kind: str, *modules: str) -> "ItemCache":
        """The entries that the named modules of the project make. Raises `MotionBeatError` for an unknown module.

        kind: a folder's name, such as "tokens".
        """
        return cls(kind, code_digest(modules), items_folder())

    def get(self, inputs: Any, make: Callable[[], Values]) -> Values:
        """The cached values for the inputs, or the result of `make`, which is then cached.

        inputs: everything besides the code that determines the values, for `digest_of`. A damaged entry is renamed,
        with a line on stderr, and made again. Errors of `make` are raised.
        """
        entry = self.entry(inputs)
        values = self.read(entry)
        if values is None:
            arrays, plain = _split(make())
            self.write(entry, _content(arrays, plain))
            values = {**json.loads(plain), **arrays}  # the same values as in the next run
        return values

    def entry(self, inputs: Any) -> Path:
        """The file of an entry, which may not exist."""
        name = digest_of([self.code, inputs])
        return self.folder / self.kind / name[:2] / f"{name}{ENDING}"

    def read(self, entry: Path) -> Values | None:
        """The values of an entry; None if it does not exist, or if it was damaged and is now renamed."""
        if not entry.is_file():
            return None
        try:
            values = read_entry(entry)
            os.utime(entry)
            return values
        except MotionBeatError as error:
            if entry.is_file():  # otherwise another process has deleted it to free space
                set_aside(entry, error)
            return None

    def write(self, entry: Path, content: bytes) -> None:
        """Write an entry. A full disk is not an error: a line on stderr says that it is not cached."""
        try:
            with whole_file(entry) as unfinished, unfinished.open("wb") as file:
                file.write(hashlib.sha256(content).digest())
                file.write(content)
        except OSError as error:
            print(f"not kept for the next run: {entry} ({error.strerror})", file=sys.stderr)
            return
        written = _unseen.get(self.folder, np.inf) + len(content)
        limit = limit_of(self.folder)
        if written > _LOOK_AFTER * limit:
            trim(self.folder, limit)
            written = 0.0
        _unseen[self.folder] = written


def items_folder() -> Path:
    """The folder of all entries."""
    return cache_folder() / "items"


@cache
def code_digest(modules: tuple[str, ...], root: Path = _ROOT) -> str:
    """Digest of the modules, of all project files that they import, and of the packages that compute."""
    files = {name: module_file(name, root) for name in modules}
    if missing := [name for name, file in files.items() if file is None]:
        raise MotionBeatError(f"{root}: no module {', '.join(missing)}: give modules of the project")
    code = sorted((file.relative_to(root).as_posix(), file) for file in closure(filter(None, files.values()), root))
    return digest_of([versions(), [[name, file] for name, file in code]])


def digest_of(value: Any) -> str:
    """64 hexadecimal digits of plain values, arrays of numbers, attrs classes, and files (by their bytes).

    Raises `TypeError` for anything else.
    """
    digest = hashlib.sha256()
    for part in _parts(value):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, Path):
        with value.open("rb") as file:
            yield b"file" + hashlib.file_digest(file, "sha256").digest()
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        yield f"array {value.dtype.str} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, bytes):
        yield b"bytes"
        yield value
    elif value is None or isinstance(value, str | int | float):
        yield f"{type(value).__name__} {value!r}".encode()
    elif isinstance(value, Mapping) or attrs.has(type(value)):
        named = value if isinstance(value, Mapping) else attrs.asdict(value, recurse=False)
        yield f"{type(value).__name__} {len(named)}".encode()
        for name in sorted(named):
            yield from _parts(name)
            yield from _parts(named[name])
    elif isinstance(value, list | tuple):
        yield f"list {len(value)}".encode()
        for item in value:
            yield from _parts(item)
    else:
        raise TypeError(f"{type(value)} has no digest")


def entry_content(values: Values) -> bytes:
    """The bytes of an entry: SHA-256, then arrays and JSON as safetensors."""
    content = _content(*_split(values))
    return hashlib.sha256(content).digest() + content


def _split(values: Values) -> tuple[dict[str, NDArray[Any]], bytes]:
    arrays = {name: np.ascontiguousarray(value) for name, value in values.items() if isinstance(value, np.ndarray)}
    return arrays, json.dumps({name: value for name, value in values.items() if name not in arrays}).encode()


def _content(arrays: dict[str, NDArray[Any]], plain: bytes) -> bytes:
    from safetensors.numpy import save

    content: bytes = save({**arrays, _JSON: np.frombuffer(plain, np.uint8)})
    return content


def read_entry(entry: Path) -> Values:
    """The values of an entry. Raises `MotionBeatError` for a file with other content than was written."""
    from safetensors.numpy import load

    with guarded(entry, "is a damaged cache entry", "run again, and it is made again"):
        data = entry.read_bytes()
        if hashlib.sha256(memoryview(data)[_DIGEST:]).digest() != data[:_DIGEST]:
            raise ValueError("its content is not what was written")
        arrays: dict[str, NDArray[Any]] = load(data[_DIGEST:])
        return {**json.loads(arrays.pop(_JSON).tobytes()), **arrays}


def sizes(folder: Path) -> dict[str, tuple[int, int]]:
    """{kind: (entries, bytes)}, including damaged ones."""
    kinds = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    found = {kind.name: [size for _, size, _ in _entries(kind)] for kind in kinds}
    return {kind: (len(each), sum(each)) for kind, each in found.items()}


def trim(folder: Path, limit: int) -> None:
    """Delete the least recently used entries if all together take more than `limit` bytes."""
    entries = sorted(_entries(folder))
    total = sum(size for _, size, _ in entries)
    if total <= limit:
        return
    for _, size, path in entries:
        if total <= _MARGIN * limit:
            return
        path.unlink(missing_ok=True)
        total -= size


def limit_of(folder: Path) -> int:
    """The limit that `set_limit` wrote, or `LIMIT`. Raises `MotionBeatError` for a file without a number."""
    path = folder / _LIMIT_FILE
    with guarded(path, "is not a number of bytes", "set the limit again with `motionbeat cache --limit`"):
        return int(path.read_text(encoding="ascii")) if path.is_file() else LIMIT


def set_limit(folder: Path, limit: int) -> None:
    """Store a limit in bytes for all runs that use this cache."""
    with whole_file(folder / _LIMIT_FILE) as unfinished:
        unfinished.write_text(f"{limit}\n", encoding="ascii")


def _entries(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """(last used, bytes, path) of each entry."""
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            if name != _LIMIT_FILE and not name.endswith(".unfinished"):
                try:
                    about = path.stat()
                except FileNotFoundError:
                    continue
                yield about.st_mtime, about.st_size, path
