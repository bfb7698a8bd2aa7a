"""The one exception of the project for wrong input, and how a script shows it."""

import errno
import os
import sys
from collections.abc import Callable, Iterable

_MOST_ERRORS = 20
_NOT_WRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS}


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


def printable(text: str) -> str:
    """`text` with control characters and bytes that are no UTF-8 as Python escapes: names of files may hold any."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def in_one_line(name: object) -> str:
    """The name of a file as one printable line."""
    return printable(str(name)).replace("\n", "\\n")


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; wrong input, a full disk or a folder that is not writable end it with one line."""
    try:
        main()
    except MotionBeatError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # the reader of a pipe (`| head`) has had enough; what Python still holds back must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror}: free or allow what is needed, and run again", file=sys.stderr)
        sys.exit(1)
