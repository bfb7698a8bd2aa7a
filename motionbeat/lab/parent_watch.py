"""A stage ends with the `dvc` that started it, and ends the processes that it started itself.

DVC leaves a running stage behind when it is ended by TERM or KILL; the stage would work on beside the next run.
"""

import os
import signal
import sys
import threading
import time
from typing import Any

_EVERY_S = 0.5
_SHELLS = {"sh", "bash", "dash", "zsh", "fish", "ksh", "csh", "tcsh"}


def end_with_parent() -> None:
    """On TERM, and if DVC started this process and is gone, end at once with all processes below this one."""
    signal.signal(signal.SIGTERM, lambda *_: _end("ended by TERM"))
    if "DVC_STAGE" in os.environ:  # so psutil, which DVC needs, is installed
        import psutil  # type: ignore[import-untyped]

        parents = [process for process in psutil.Process().parents() if process.name() not in _SHELLS]
        if parents:
            threading.Thread(target=_watch, args=(parents[0],), daemon=True).start()


def _watch(parent: Any) -> None:
    import psutil

    try:
        while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_EVERY_S)
    except psutil.NoSuchProcess:  # between the two questions
        pass
    _end("dvc has ended, and this stage with it")


def _end(why: str) -> None:
    """Nothing is tidied up: what is unfinished has another name than outputs, and the next run removes it."""
    print(f"error: {why}", file=sys.stderr, flush=True)
    try:
        import psutil
    except ModuleNotFoundError:  # training alone, without DVC: it has no processes of its own
        os._exit(128 + signal.SIGTERM)
    while children := psutil.Process().children(recursive=True):  # a pool may start others meanwhile
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(children)
    os._exit(128 + signal.SIGTERM)
