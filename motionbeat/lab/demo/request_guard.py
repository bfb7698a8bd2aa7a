"""The guard before the web application: whose requests are answered, and the policy that every answer states."""

import re

from fastapi.responses import JSONResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""No inline script or style, and nothing from another machine."""
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses requests that another site's page makes, and gives every answer the policy.

    Plain ASGI: starlette's BaseHTTPMiddleware hides the cause of an error in the middle of a file.
    """

    def __init__(self, app: ASGIApp, hosts: set[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        called, origin = asked.get("host", ""), asked.get("origin")
        answer: ASGIApp = self._app
        if self._hosts is not None and _without_port(called) not in self._hosts:
            answer = refusal(403, f"this server does not answer to the name {called!r}")
        elif scope["method"] != "GET" and origin is not None and origin.partition("://")[2] != called:
            answer = refusal(403, "this request comes from another site's page")

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await answer(scope, receive, send_guarded)


def refusal(status: int, message: str) -> Response:
    """The answer that says why there is none."""
    return JSONResponse({"error": message}, status)


def _without_port(host: str) -> str:
    return re.sub(r":\d+$", "", host)
