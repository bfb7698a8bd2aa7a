"""Freed memory stays with the process, for its next arrays.

The C library gives arrays of some MB back to the system as soon as they are freed, and each page of the next one costs
a fault: a quarter of the time of a training step on a CPU. Numbers do not depend on it.
"""

import ctypes
import os

_NO_MAPPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}  # mallopt(3), for processes to come
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _NEVER = -1, -4, -1


def keep_freed_memory() -> None:
    """Tell glibc to keep what this process and its later children free; with another C library nothing changes."""
    os.environ |= _NO_MAPPING
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _NEVER)
