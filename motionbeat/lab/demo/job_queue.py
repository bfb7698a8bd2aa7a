"""A bounded queue for one worker thread; each client sees its position."""

import secrets
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import attrs

from motionbeat.errors import MotionBeatError, in_one_line

Say = Callable[[str], None]
Work = Callable[[Say], dict[str, Any]]
PATIENCE_S = 20.0
"""A waiting job without requests for this long is dropped: its page was closed."""
_KEPT = 64  # jobs that are done
_FIRST_GUESS_S = 10.0
_FAULT = "this did not work because of a fault in the demo: the terminal in which it runs shows what went wrong"


class QueueFull(MotionBeatError):
    """No more jobs may wait."""


@attrs.define(eq=False)
class _Job:
    work: Work
    drop: Callable[[], None]
    name: str = attrs.field(factory=lambda: secrets.token_urlsafe(12))
    state: str = "waiting"
    step: str = ""
    answer: dict[str, Any] = attrs.field(factory=dict)
    asked: float = attrs.field(factory=time.monotonic)


class JobQueue:
    """Jobs are done one at a time, in the order in which they came."""

    def __init__(self, most: int) -> None:
        """most: jobs that may wait."""
        self.most = most
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False
        self._seconds = _FIRST_GUESS_S  # that a job takes, a running mean
        threading.Thread(target=self._run, daemon=True, name="demo-worker").start()

    def close(self) -> None:
        """The demo ends: nothing more is begun, and what fails meanwhile, without its files, is not reported."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def refuse_if_full(self, arriving: int = 0) -> None:
        """Raises `QueueFull` where no more may wait. arriving: files on their way, which will wait as well."""
        with self._changed:
            waiting = len(self._waiting()) + arriving
            if waiting >= self.most:
                raise QueueFull(
                    f"{waiting} are waiting and there is no room for more: try again in about "
                    f"{waiting * self._seconds:.0f} s"
                )

    def put(self, work: Work, drop: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Queue some work; what `ask` tells of it.

        work: is called with a function that takes the step it is at, in words, and returns the answer. What it raises
        as `MotionBeatError` is told as the error. drop: is called instead where nobody waits for it any more. Raises
        `QueueFull` where no more may wait.
        """
        with self._changed:
            self.refuse_if_full()
            job = _Job(work, drop)
            self._jobs[job.name] = job
            self._changed.notify()
        return self.ask(job.name)

    def ask(self, name: str) -> dict[str, Any]:
        """job, state (waiting, working, done or failed); ahead and seconds of one that waits, step, answer or error.

        Raises `MotionBeatError` for a job that is not known, or no more.
        """
        with self._changed:
            job = self._jobs.get(name)
            if job is None:
                raise MotionBeatError("this job is not known any more: send the file again")
            job.asked = time.monotonic()
            told = {"job": name, "state": job.state, "step": job.step, **job.answer}
            if job.state == "waiting":
                busy = sum(other.state == "working" for other in self._jobs.values())
                ahead = self._waiting().index(job) + busy
                told |= {"ahead": ahead, "seconds": round(ahead * self._seconds)}
            return told

    def _waiting(self) -> list[_Job]:
        """Those that wait, without those that nobody asks about any more."""
        late = time.monotonic() - PATIENCE_S
        for job in [job for job in self._jobs.values() if job.state == "waiting" and job.asked < late]:
            del self._jobs[job.name]
            job.drop()
        return [job for job in self._jobs.values() if job.state == "waiting"]

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (waiting := self._waiting()) and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                job = waiting[0]
                job.state = "working"
            begun = time.monotonic()
            state, answer = self._done(job)
            with self._changed:
                job.state, job.answer, job.step = state, answer, ""
                self._seconds += 0.3 * (time.monotonic() - begun - self._seconds)
                over = [name for name, other in self._jobs.items() if other.state in ("done", "failed")][:-_KEPT]
                for name in over:
                    del self._jobs[name]

    def _done(self, job: _Job) -> tuple[str, dict[str, Any]]:
        def say(step: str) -> None:
            job.step = step

        try:
            return "done", {"answer": job.work(say)}
        except MotionBeatError as error:
            return "failed", {"error": str(error)}
        except OSError as error:
            return "failed", {"error": disk_fault(error)}
        except Exception:  # the worker serves everybody: one fault must not end it
            if not self._closed:
                traceback.print_exc()
            return "failed", {"error": _FAULT}


def disk_fault(error: Any) -> str:
    """What a visitor is told of an `OSError`; the path of the file is for who runs the demo."""
    print(f"error: {in_one_line(error.filename or 'a file of the demo')}: {error.strerror or error}", file=sys.stderr)
    return f"the machine of this demo could not store or read a file ({error.strerror}): try again later"
