"""Outputs that are either whole or absent, and JSON that reads the same on every machine."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a fresh folder beside `path`; it takes the place of `path` only if the block ends well."""
    unfinished = path.with_name(path.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    shutil.rmtree(path, ignore_errors=True)
    unfinished.replace(path)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the place of `path` only if the block ends well.

    The path given is this process's own: two may make the same entry of a cache, and the last to end stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


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
    """Parallel processes to use: MOTIONBEAT_WORKERS, or the cores this process may run on.

    From the environment and never from params.yaml, since no result may depend on it.
    """
    named = os.environ.get("MOTIONBEAT_WORKERS", "")
    if named.isdigit() and int(named) > 0:
        return int(named)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_folder() -> Path:
    """Where resumable work is kept, outside of DVC's outputs: MOTIONBEAT_CACHE, or .cache in the working folder."""
    return Path(os.environ.get("MOTIONBEAT_CACHE") or ".cache")
