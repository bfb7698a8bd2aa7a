"""The one exception of the project for wrong input, and how a script shows it."""

import sys
from collections.abc import Callable


class MotionBeatError(ValueError):
    """Wrong input, refused at the edge; the message names the file, the field and the fix."""


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; a `MotionBeatError` ends it with one line and exit status 1."""
    try:
        main()
    except MotionBeatError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
