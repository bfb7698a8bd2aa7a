"""The project's only exception for wrong input, and how a script prints it."""

import errno
import os
import sys
from collections.abc import Callable, Iterable

_MOST_ERRORS = 20
_NOT_WRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS}


class MotionBeatError(ValueError):
    """Wrong input; the message names the file, the field and the fix."""


def refuse(errors: Iterable[str]) -> None:
    """Raise one `MotionBeatError` for all the errors of a corpus, if there are any."""
    lines = list(errors)
    if not lines:
        return
    shown = lines[:_MOST_ERRORS]
    if len(lines) > len(shown):
        shown.append(f"... and {len(lines) - len(shown)} more errors like these")
    raise MotionBeatError("\n".join(shown))


def printable(text: str) -> str:
    """`text` with Python escapes for control characters and bytes that are not UTF-8; file names may have both."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def in_one_line(name: object) -> str:
    """The name of a file as one printable line."""
    return printable(str(name)).replace("\n", "\\n")


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; wrong input, a full disk or a read-only folder ends it with one line."""
    try:
        main()
    except MotionBeatError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # the reader of a pipe (`| head`) has closed it; Python must not fail at exit when it flushes the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror}: free or allow what is needed, and run again", file=sys.stderr)
        sys.exit(1)
