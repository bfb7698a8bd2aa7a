"""A lock between processes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from motionbeat.lab.corpora.acquisition.meter import say

_POLL_S = 0.2


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold the lock of `path` (a temporary file next to it); prints a line if it must wait for another process.

    It is a lock of the operating system: if a process is killed, its lock is released at once.
    """
    lock = FileLock(path.with_name(path.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another process works on {what}: waiting for it")
        lock.acquire(poll_interval=_POLL_S)
    try:
        yield
    finally:
        # removed while it is held: a process that waits for this file notices that it has no name, and tries again
        with suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
