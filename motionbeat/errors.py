"""The one exception of the project for wrong input, and how a script shows it."""

import os
import sys
from collections.abc import Callable, Iterable

_MOST_ERRORS = 20


class MotionBeatError(ValueError):
    """Wrong input, refused at the edge; the message names the file, the field and the fix."""


def refuse(errors: Iterable[str]) -> None:
    """Raise one `MotionBeatError` for all the errors of a corpus, if there are any."""
    lines = list(errors)
    if not lines:
        return
    shown = lines[:_MOST_ERRORS]
    if len(lines) > len(shown):
        shown.append(f"... and {len(lines) - len(shown)} more errors like these")
    raise MotionBeatError("\n".join(shown))


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; a `MotionBeatError` ends it with one line and exit status 1."""
    try:
        main()
    except MotionBeatError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # the reader of a pipe (`| head`) has had enough; what Python still holds back must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
