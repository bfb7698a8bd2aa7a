"""Progress of long work: a bar on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_QUIET_S = 10.0


def counted(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield `items`, showing on stderr how many of `total` are done, and on a terminal the time left."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress

        columns = (*Progress.get_default_columns(), MofNCompleteColumn())
        # What is printed meanwhile goes above the bar on a terminal, and stays out of it where stdout is a file.
        with Progress(*columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty()) as bar:
            yield from bar.track(items, total=total, description=what)
        return
    spoke = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        if time.monotonic() - spoke > _QUIET_S and done < total:
            spoke = time.monotonic()
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)
