"""What the user is told meanwhile: bytes as a bar with speed on a terminal, as a line now and then in a log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.filesize import decimal

_QUIET_S = 10.0


def say(message: str) -> None:
    """A line beside whatever goes to standard output."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def metered(what: str, total: int | None, done: int) -> Iterator[Callable[[int], None]]:
    """Give a function to be told of each block's bytes; shows `done` + those of `total` (none: not known)."""
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
