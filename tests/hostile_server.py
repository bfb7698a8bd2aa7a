"""A small HTTP server on this machine that serves files well or badly, and remembers what it was asked.

    with HostileServer() as server:
        server.serve("/data.zip", content, [Behaviour(cut_after=1000), Behaviour()])
        ... fetch server.url + "/data.zip" ...
        assert server.requests[1].range == "bytes=1000-"

Each path has a list of behaviours, one for each request in turn; the last one stays. While a server is open, the
environment tells HTTP clients, of child processes too, to go to this machine without a proxy.
"""

import hashlib
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Behaviour:
    """How one request is answered; as a good server does, but for what is set.

    status: answered in place of the file, with `body` and `headers`.
    cut_after: bytes of the answer's body after which the connection is closed.
    stall_after: bytes after which nothing more comes, until the client goes or the server is closed.
    pause_s, block: the body comes in blocks of so many bytes with a pause after each.
    ranges: whether Range is honoured. if_range: whether If-Range is looked at.
    length: the Content-Length that is claimed; none: the true one; "none": no length, the end is the closing.
    chunked: the body is sent in chunks, without a length.
    content_range: the Content-Range that a 206 answer claims.
    content: another version of the file. etag, last_modified: "" sends none; etag None: made from the content.
    headers: added, and in the place of those of the same name.
    """

    status: int | None = None
    body: bytes = b""
    cut_after: int | None = None
    stall_after: int | None = None
    pause_s: float = 0.0
    block: int = 2**16
    ranges: bool = True
    if_range: bool = True
    length: int | str | None = None
    chunked: bool = False
    content_range: str | None = None
    content: bytes | None = None
    etag: str | None = None
    last_modified: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A request as it came: path, headers by lower-case name, and the Range asked for (none: the whole file)."""

    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


class HostileServer:
    """Serves from 127.0.0.1 and a free port while the `with` block lasts.

    url: "http://127.0.0.1:port", without a slash at the end. requests: every `Request` so far, in order.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._files: dict[str, tuple[bytes, list[Behaviour]]] = {}
        self._asked: dict[str, int] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hostile = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(self, path: str, content: bytes, behaviour: Behaviour | Sequence[Behaviour] | None = None) -> str:
        """Answer requests for `path`, from now on and counted anew; returns its whole address."""
        behaviours = [behaviour or Behaviour()] if not isinstance(behaviour, Sequence) else list(behaviour)
        with self._lock:
            self._files[path], self._asked[path] = (content, behaviours), 0
        return self.url + path

    def next(self, request: Request) -> tuple[bytes, Behaviour]:
        """The file that is asked for and how this request is to be answered; 404 for any other."""
        with self._lock:
            self.requests.append(request)
            if request.path not in self._files:
                return b"", Behaviour(status=404, body=b"no such file")
            content, behaviours = self._files[request.path]
            count = self._asked[request.path]
            self._asked[request.path] += 1
        behaviour = behaviours[min(count, len(behaviours) - 1)]
        return (content if behaviour.content is None else behaviour.content), behaviour

    def __enter__(self) -> "HostileServer":
        self._environment = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
        os.environ.update(dict.fromkeys(self._environment, "127.0.0.1,localhost"))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for name, value in self._environment.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Server(ThreadingHTTPServer):
    hostile: HostileServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: that a client goes before the end is what is tested here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()})
        content, behaviour = self.server.hostile.next(request)
        self.close_connection = True
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"' if behaviour.etag is None else behaviour.etag
        headers = {"Content-Type": "application/octet-stream", "Connection": "close"}
        headers |= {"ETag": etag} if etag else {}
        headers |= {"Last-Modified": behaviour.last_modified} if behaviour.last_modified else {}
        if behaviour.status is not None:
            status, body = behaviour.status, behaviour.body
        else:
            status, body, ranged = self._piece(content, behaviour, request, {etag, behaviour.last_modified} - {""})
            headers |= ranged
        if behaviour.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif behaviour.length != "none":
            headers["Content-Length"] = str(len(body) if behaviour.length is None else behaviour.length)
        self.send_response(status)
        for name, value in (headers | behaviour.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self._send(body, behaviour)

    def _piece(
        self, content: bytes, behaviour: Behaviour, request: Request, versions: set[str]
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and Content-Range for the file or the rest of it."""
        asked = re.fullmatch(r"bytes=(\d+)-", request.range or "")
        same = not behaviour.if_range or request.headers.get("if-range") in {None, *versions}
        if not (asked and behaviour.ranges and same):
            return 200, content, {}
        first = int(asked[1])
        if first >= len(content):
            return 416, b"", {"Content-Range": f"bytes */{len(content)}"}
        true = f"bytes {first}-{len(content) - 1}/{len(content)}"
        return 206, content[first:], {"Content-Range": behaviour.content_range or true}

    def _send(self, body: bytes, behaviour: Behaviour) -> None:
        ends = [end for end in (behaviour.cut_after, behaviour.stall_after) if end is not None]
        end = min([len(body), *ends])
        for begin in range(0, end, behaviour.block):
            block = body[begin : min(begin + behaviour.block, end)]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if behaviour.chunked else block)
            if behaviour.pause_s and self.server.hostile.closing.wait(behaviour.pause_s):
                return
        if behaviour.chunked and end == len(body):
            self.wfile.write(b"0\r\n\r\n")
        if behaviour.stall_after is not None and end < len(body):
            self.server.hostile.closing.wait()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: `HostileServer.requests` is the log."""
