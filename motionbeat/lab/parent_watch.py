"""A stage ends together with the `dvc` that started it, and ends its own processes.

If DVC is ended by TERM or KILL, its running stage continues and would disturb the next run.
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
    """End at once, with all child processes, on TERM or INT, or if DVC started this process and has ended.

    INT too, since a library may swallow `KeyboardInterrupt`: the stage would work on without a part of its result.
    """
    signal.signal(signal.SIGTERM, lambda *_: _end("ended by TERM"))
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as in the background of a shell
        signal.signal(signal.SIGINT, lambda *_: _end("interrupted", signal.SIGINT))
    if "DVC_STAGE" in os.environ:  # so psutil is installed, which DVC needs
        import psutil  # type: ignore[import-untyped]

        parents = [process for process in psutil.Process().parents() if process.name() not in _SHELLS]
        if parents:
            threading.Thread(target=_watch, args=(parents[0],), daemon=True).start()


def _watch(parent: Any) -> None:
    import psutil

    try:
        while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_EVERY_S)
    except psutil.NoSuchProcess:  # between the two queries
        pass
    _end("dvc has ended, and this stage with it")


def _end(why: str, by: int = signal.SIGTERM) -> None:
    """Nothing is cleaned up: unfinished files have other names than outputs, and the next run removes them."""
    print(f"error: {why}", file=sys.stderr, flush=True)
    try:
        import psutil
    except ModuleNotFoundError:  # training is started without DVC: it has no child processes
        os._exit(128 + by)
    while children := psutil.Process().children(recursive=True):  # a pool may start others at the same time
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(children)
    os._exit(128 + by)
