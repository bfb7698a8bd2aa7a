"""Progress of a download: on a terminal a bar with speed, in a log a line from time to time."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.filesize import decimal

_QUIET_S = 10.0


def say(message: str) -> None:
    """Print a line to stderr."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def metered(what: str, total: int | None, done: int) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with the bytes of each block; shows their sum + `done`, of `total` (None: unknown)."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as Speed

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), Speed(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(what, total=total, completed=done)
            yield lambda count: bar.advance(task, count)
        return

    begun = spoke = time.monotonic()
    received = 0

    def tell(count: int) -> None:
        nonlocal spoke, received
        received += count
        now = time.monotonic()
        if now - spoke >= _QUIET_S:
            spoke = now
            whole = "" if total is None else f" of {decimal(total)}"
            speed = decimal(int(received / (now - begun)))
            say(f"{what}: {decimal(done + received)}{whole}, {speed}/s")

    yield tell
