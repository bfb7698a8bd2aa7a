"""Room on the disk, asked for before it is filled."""

import shutil
from pathlib import Path

from motionbeat.errors import MotionBeatError

MARGIN_BYTES = 256 * 2**20


def in_words(size: float) -> str:
    """A number of bytes as people read it: 999 bytes, 1.2 kB, 3.4 MB, 5.6 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.95 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def require_space(folder: Path, bytes: int, what: str) -> None:
    """Refuse with `MotionBeatError` if `bytes` and a margin of 256 MiB do not fit on the disk of `folder`.

    folder: need not exist yet. what: what takes the room, for the message, as "motions.zip".
    """
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if bytes + MARGIN_BYTES > free:
        raise MotionBeatError(
            f"{what} needs {in_words(bytes)} and a margin of {in_words(MARGIN_BYTES)} in {folder}, where "
            f"{in_words(free)} are free: make room, or use a folder on another disk"
        )
