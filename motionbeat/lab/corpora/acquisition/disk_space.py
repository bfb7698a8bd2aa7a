"""Check of free disk space, before data is written."""

import shutil
from pathlib import Path

from rich.filesize import decimal

from motionbeat.errors import MotionBeatError

MARGIN_BYTES = 256 * 2**20


def require_space(folder: Path, bytes: int, what: str) -> None:
    """Raise `MotionBeatError` if `bytes` and a margin of 256 MiB do not fit on the disk of `folder`.

    folder: it need not exist. what: name of the data for the message, such as "motions.zip".
    """
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if bytes + MARGIN_BYTES > free:
        raise MotionBeatError(
            f"{what} needs {decimal(bytes)} and a margin of {decimal(MARGIN_BYTES)} in {folder}, where "
            f"{decimal(free)} are free: make room, or use a folder on another disk"
        )
