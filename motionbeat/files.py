"""Outputs that are either complete or absent, and JSON that is the same on every machine."""

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from motionbeat.errors import MotionBeatError

LARGEST_TEXT = 256 * 2**20
"""Largest text file that is read, in bytes; NSynth's examples.json has 120 MB."""
LARGEST_SMALL_TEXT = 2**20
"""Bytes of a text that a person writes or reads, such as a configuration."""
_LONGEST_REASON = 300
_MOST_DIGITS = 300
_RUST_ERROR = re.compile(r"\(os error (\d+)\)")
_MACHINE = f"{zlib.crc32(platform.node().encode()):08x}"


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder next to `path`; it replaces `path` only if the block ends without an error.

    Each process gets a folder of its own, so two runs do not disturb each other. Folders that killed runs left behind
    are removed. Raises `MotionBeatError` if it cannot be made.
    """
    unfinished, former = _unfinished(path), _unfinished(path.with_name(f"{path.name}.former"))
    _remove_left(path)
    try:
        unfinished.mkdir(parents=True)
    except OSError as error:
        raise MotionBeatError(
            f"{path.parent}: no folder can be made in it ({error.strerror}): make it writable"
        ) from None
    try:
        yield unfinished
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _take_place(unfinished, path, former)


def _take_place(unfinished: Path, path: Path, former: Path) -> None:
    """Replace `path` by the folder `unfinished`; another run may do the same at any moment."""
    while True:
        with suppress(FileNotFoundError):
            path.replace(former)  # renamed before it is deleted, since a kill would leave a part of it
        try:
            unfinished.replace(path)
        except OSError as error:
            # these two: another run has just put its folder there
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                if former.exists():
                    former.replace(path)
                raise
        else:
            return
        finally:
            shutil.rmtree(former, ignore_errors=True)


def _unfinished(path: Path) -> Path:
    """The name of `path` while this process makes it. Machines that share a folder may have equal numbers."""
    return path.with_name(f"{path.name}.{_MACHINE}-{os.getpid()}.unfinished")


def _remove_left(path: Path) -> None:
    """Remove what runs of this machine that were killed left of `path`."""
    if not path.parent.is_dir():
        return
    for left in path.parent.iterdir():
        name, _, process = left.name.removesuffix(".unfinished").rpartition(f".{_MACHINE}-")
        if name in (path.name, f"{path.name}.former") and left.suffix == ".unfinished" and not _lives(process):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _lives(process: str) -> bool:
    """Whether this machine runs a process with this number."""
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:  # the process of another user
        return True
    return True


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path next to `path` to write to; it replaces `path` only if the block ends without an error.

    Each process gets another path: two may write the same cache entry, and the last one to finish is kept. Files that
    killed runs left behind are removed. What the system refuses is raised as `OSError`, whichever library wrote.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(path)
    unfinished = _unfinished(path)
    try:
        yield unfinished
        unfinished.replace(path)
    except Exception as error:
        if code := _RUST_ERROR.search(str(error)):  # safetensors has its own kind for a full disk
            raise OSError(int(code[1]), os.strerror(int(code[1])), str(path)) from error
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def check_output(path: Path, *inputs: Path | None) -> None:
    """Refuse, before the work begins, an output that is a folder, is one of the inputs, or cannot be written.

    Raises `MotionBeatError` that names the file.
    """
    if path.exists() and not path.is_file():  # /dev/null too would be replaced
        raise MotionBeatError(f"{path} is a folder or a device: name a file with --output")
    if any(given is not None and given.exists() and path.exists() and path.samefile(given) for given in inputs):
        raise MotionBeatError(f"{path} is an input, which would be replaced: name another file with --output")
    _refuse_unwritable(path, path.parent)


def check_output_folder(folder: Path, *inputs: Path | None) -> None:
    """Refuse, before the work begins, a folder that is one of the inputs, or into which nothing can be written.

    Raises `MotionBeatError` that names the folder.
    """
    if any(given is not None and given.exists() and folder.exists() and folder.samefile(given) for given in inputs):
        raise MotionBeatError(f"{folder} is an input and would be written to: name another folder")
    _refuse_unwritable(folder, folder)


def _refuse_unwritable(output: Path, folder: Path) -> None:
    """Write a file without a name into `folder`, or into the one in which it will be made."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"-")
    except OSError as error:
        raise MotionBeatError(
            f"{output} cannot be written ({there}: {error.strerror}): name another with --output"
        ) from None


@contextmanager
def guarded(path: Path, what: str, fix: str) -> Iterator[None]:
    """Turn any error that a decoder raises on a file into one `MotionBeatError`: "`path` `what` (reason): `fix`".

    Files may come from anywhere, and pickle, NumPy, Arrow, safetensors and JSON raise about twenty kinds of errors on
    bytes that are not in their format. Nothing is hidden: the first error stays the cause of the one that is raised.
    """
    try:
        yield
    except MotionBeatError:
        raise
    except FileNotFoundError:
        raise MotionBeatError(f"{path} is missing: {fix.removeprefix('delete it and ')}") from None
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reason = " ".join(reason.split())[:_LONGEST_REASON] or type(error).__name__
        raise MotionBeatError(f"{path} {what} ({reason}): {fix}") from error


def read_text(path: Path, fix: str, most_bytes: int = LARGEST_TEXT) -> str:
    """The text of a UTF-8 file, with or without a byte order mark.

    Raises `MotionBeatError` naming the file and the fix if it is missing, a folder, not UTF-8, or larger than
    `most_bytes`.
    """
    with guarded(path, "cannot be read as UTF-8 text", fix):
        if (size := path.stat().st_size) > most_bytes:
            raise MotionBeatError(f"{path} has {size} bytes, more than such a file has ({most_bytes}): {fix}")
        return path.read_text(encoding="utf-8-sig")


def digest_of(path: Path, fix: str) -> str:
    """SHA-256 of a file's bytes. Raises `MotionBeatError` naming the file and the fix where they cannot be read."""
    with guarded(path, "cannot be read", fix):
        if not stat.S_ISREG(path.stat().st_mode):
            if path.is_dir():
                os.listdir(path)
            raise MotionBeatError(f"{path} is a folder, a pipe or a device: {fix}")  # reading might never end
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(path: Path) -> int | None:
    """Size of a file in bytes; None if there is no such file, also if no file can have this name (5,000 letters)."""
    try:
        return path.stat().st_size if path.is_file() else None
    except (OSError, ValueError):
        return None


def parse_json(text: str, path: Path, fix: str, nan: bool = False, **options: Any) -> Any:
    """The value of a JSON text from the file `path`; integers have at most 300 digits. nan: whether NaN is allowed.

    Raises `MotionBeatError` naming the file and the fix for anything else, and for deep nesting.
    """
    with guarded(path, "is not JSON", fix):
        return json.loads(text, parse_constant=float if nan else _no_constant, parse_int=_whole, **options)


def read_json(path: Path, fix: str, most_bytes: int = LARGEST_TEXT, **options: Any) -> Any:
    """The value of a JSON file; same errors as `read_text` and `parse_json`."""
    return parse_json(read_text(path, fix, most_bytes), path, fix, **options)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def set_aside(entry: Path, why: Exception) -> None:
    """Rename a damaged cache entry to NAME.damaged and print that it is made again."""
    print(f"set aside as {entry.name}.damaged and made again: {why}", file=sys.stderr)
    entry.replace(entry.with_name(f"{entry.name}.damaged"))


def write_json(path: Path, values: Any) -> None:
    """Write `values` with sorted keys, floats rounded to 6 decimals, NaN refused."""
    text = json.dumps(_rounded(values), indent=2, sort_keys=True, allow_nan=False)
    with whole_file(path) as unfinished:
        unfinished.write_text(text + "\n", encoding="utf-8")


def _rounded(values: Any) -> Any:
    if isinstance(values, dict):
        return {str(key): _rounded(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_rounded(value) for value in values]
    return round(values, 6) if isinstance(values, float) else values


def workers() -> int:
    """How many processes to use: MOTIONBEAT_WORKERS, or the number of cores that this process may use.

    It comes from the environment and never from params.yaml, since no result may depend on it.
    """
    named = os.environ.get("MOTIONBEAT_WORKERS", "")
    if named.isdigit() and int(named) > 0:
        return int(named)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_folder() -> Path:
    """The folder for resumable work, outside of DVC's outputs: MOTIONBEAT_CACHE, or .cache in the working folder."""
    return Path(os.environ.get("MOTIONBEAT_CACHE") or ".cache")
