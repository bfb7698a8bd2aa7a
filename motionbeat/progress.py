"""Progress of long work: a bar on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_QUIET_S = 10.0


def counted(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield `items`, showing how many of `total` are done."""
    if sys.stderr.isatty():
        from rich.progress import track

        yield from track(items, description=what, total=total)
        return
    spoke = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        if time.monotonic() - spoke > _QUIET_S and done < total:
            spoke = time.monotonic()
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)
