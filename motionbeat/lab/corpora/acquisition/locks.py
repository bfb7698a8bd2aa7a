"""One process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from motionbeat.lab.corpora.acquisition.meter import say

_POLL_S = 0.2


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold the lock of `path` (a file beside it, gone afterwards); says so where another process must be awaited.

    The lock is the operating system's: that of a process which was killed is free at once.
    """
    lock = FileLock(path.with_name(path.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another process is at work on {what}: waiting for it")
        lock.acquire(poll_interval=_POLL_S)
    try:
        yield
    finally:
        # while it is still held: whoever waits on the file removed here notices that it has no name, and tries again
        with suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
