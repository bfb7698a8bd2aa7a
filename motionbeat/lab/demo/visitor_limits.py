"""Limits for visitors: size, rate and origin of requests."""

import time
from collections import deque

from attrs import field, frozen

from motionbeat.errors import MotionBeatError

_WINDOW_S = 60.0
_MOST_ADDRESSES = 10_000


@frozen
class Limits:
    """Bounds of the demo; the command's options set most of them."""

    megabytes: float = 50.0
    """Of a file."""
    seconds: float = 90.0
    """Of a song or a dance that are looked at; the rest is left out."""
    longest_s: float = 1200.0
    """Of a sound file."""
    waiting: int = 32
    """Jobs in the queue."""
    a_minute: int = 60
    """Jobs of one address in a minute."""
    upload_s: float = 120.0
    """Seconds for the upload of a file."""
    headers_s: float = 10.0
    """Seconds for the rest of a request, and for an idle connection."""
    connections: int = 200
    """Connections at the same time; half as many from one address."""


class TooOften(MotionBeatError):
    """An address sent more jobs than allowed."""


@frozen(eq=False)
class Meter:
    """Counts the jobs of each address in the last minute."""

    most: int
    _times: dict[str, deque[float]] = field(factory=dict)

    def count(self, address: str) -> None:
        """One more job of an address. Raises `TooOften` where it has had `most` within a minute."""
        now = time.monotonic()
        if len(self._times) > _MOST_ADDRESSES:
            self._times.clear()
        times = self._times.setdefault(address, deque())
        while times and times[0] < now - _WINDOW_S:
            times.popleft()
        if len(times) >= self.most:
            raise TooOften(
                f"{self.most} requests within a minute are the most here: try again in "
                f"{_WINDOW_S - (now - times[0]):.0f} s"
            )
        times.append(now)


def allowed_hosts(host: str) -> set[str] | None:
    """Names by which a page may call a server that listens at `host`; None for any, where it listens to everybody.

    A server on this machine answers to no other name: else a page elsewhere could have its name point here.
    """
    if host in ("0.0.0.0", "::"):
        return None
    return {"localhost", "127.0.0.1", "[::1]", host}
