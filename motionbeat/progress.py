"""Progress of long work: on a terminal a bar with the remaining time, in a log a line from time to time."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
_QUIET_S = 10.0


class Bar:
    """Shows how many of `total` parts are done; a context manager.

    what: one word for the parts, such as "songs". done: parts that were done before this run was resumed. shown: False
    in processes that print nothing.
    """

    def __init__(self, what: str, total: int, done: int = 0, shown: bool = True) -> None:
        self._what, self._total = what, total
        self._last = time.monotonic()
        self._bar: Any = None
        self._in_log = shown and not sys.stderr.isatty()
        if shown and not self._in_log:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            note = TextColumn("{task.fields[note]}")
            columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), note, TimeRemainingColumn()
            # On a terminal, text that is printed during the work goes above the bar; if stdout is a file, it goes
            # there.
            self._bar = Progress(*columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty())
            self._task = self._bar.add_task(what, total=total, completed=done, note="")

    def __enter__(self) -> "Bar":
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, done: int, note: str = "") -> None:
        """Set how many parts are done.

        note: figures to show with them. In a log the last part is printed with its note.
        """
        if self._bar:
            self._bar.update(self._task, completed=done, note=note)
        elif self._in_log:
            last = done >= self._total
            if note if last else time.monotonic() - self._last > _QUIET_S:
                self._last = time.monotonic()
                line = f"{self._what}: {done} of {self._total}{', ' if note else ''}{note}"
                print(line, file=sys.stderr, flush=True)


def counted(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield `items` and show on stderr how many of `total` are done, and on a terminal the remaining time."""
    with Bar(what, total) as bar:
        for done, item in enumerate(items, 1):
            yield item
            bar.update(done)
