"""The demo's server, whose patience with slow clients ends: uvicorn waits for ever for the rest of a request."""

import asyncio
from functools import partial
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from motionbeat.lab.demo.visitor_limits import Limits


class PatientProtocol(H11Protocol):
    """HTTP of uvicorn, with limits on how long a request may take to arrive, and on the connections of an address."""

    def __init__(self, *arguments: Any, limits: Limits, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._phase: type[h11._util.Sentinel] | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuses one more connection of an address that has its share."""
        super().connection_made(transport)
        same = [other for other in self.connections if isinstance(other, PatientProtocol) and other._host == self._host]
        if len(same) > self._limits.connections // 2:
            transport.close()
            return
        self._watch()

    @property
    def _host(self) -> str | None:
        return None if self.client is None else self.client[0]

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the deadline."""
        self._until(None)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """After what came has been read, and after a response: looks which part of a request is awaited now."""
        super().handle_events()
        self._watch()

    def _watch(self) -> None:
        """A deadline for each phase; bytes that trickle in do not move it."""
        phase = self.conn.their_state
        if phase is self._phase:
            return
        self._phase = phase
        seconds = {h11.IDLE: self._limits.headers_s, h11.SEND_BODY: self._limits.upload_s + self._limits.headers_s}
        self._until(seconds.get(phase))

    def _until(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.close)


def demo_server(app: ASGIApp, limits: Limits) -> uvicorn.Server:
    """A server of the application; `run(sockets=...)` starts it."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=partial(PatientProtocol, limits=limits),  # type: ignore[arg-type]
            ws="none",
            log_level="warning",
            limit_concurrency=limits.connections,
            timeout_graceful_shutdown=2,
        )
    )
