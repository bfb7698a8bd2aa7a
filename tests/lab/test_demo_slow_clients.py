"""Slow clients do not keep the demo's server from others. Real sockets."""

import select
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from demo_serving import serving

from motionbeat.lab.demo.shown_library import ShownLibrary
from motionbeat.lab.demo.visitor_limits import Limits

pytest_plugins = ("demo_fixtures",)

LIMITS = Limits(headers_s=0.6, upload_s=0.6, connections=20)
HOST = b"Host: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def port(demo_library: ShownLibrary) -> Iterator[int]:
    with serving(demo_library, LIMITS) as port:
        yield port


def closed_after(client: socket.socket, drip: bytes, most_s: float) -> tuple[float, bytes]:
    """Seconds until the server ends a connection that sends a byte of `drip` ten times a second, and what it said."""
    begun, said = time.monotonic(), b""
    while time.monotonic() < begun + most_s:
        try:
            client.sendall(drip)
            if select.select([client], [], [], 0.1)[0]:
                got = client.recv(4096)
                if not got:
                    return time.monotonic() - begun, said
                said += got
        except (ConnectionResetError, BrokenPipeError):
            return time.monotonic() - begun, said
    raise AssertionError(f"still open after {most_s} s")


@pytest.mark.parametrize(
    ("sent", "drip", "least_s", "most_s", "says"),
    [
        (b"", b"", 0.5, 30.0, b""),
        (b"GET / HTTP/1.1\r\nX: ", b"x", 0.5, 30.0, b""),
        (
            b"POST /api/files?name=a.wav HTTP/1.1\r\nContent-Length: 9999\r\n" + HOST + b"\r\n",
            b"x",
            0.5,
            30.0,
            b"to arrive",
        ),
        (b"POST /api/pieces/0/sound HTTP/1.1\r\nContent-Length: 9999\r\n" + HOST + b"\r\n", b"x", 0.5, 30.0, b"405"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", b"G", 0.5, 30.0, b"<title>MotionBeat"),
    ],
    ids=["nothing", "headers", "file", "body that nobody reads", "second request"],
)
def test_a_connection_that_trickles_is_ended(
    port: int, sent: bytes, drip: bytes, least_s: float, most_s: float, says: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(sent)
        seconds, said = closed_after(client, drip, most_s)
    assert seconds > least_s and says in said


def test_one_address_takes_half_of_the_connections_and_is_let_in_again(demo_library: ShownLibrary) -> None:
    with serving(demo_library, Limits(headers_s=60.0, upload_s=60.0, connections=20)) as port:
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        ends = time.monotonic() + 30
        while len(closed := select.select(clients, [], [], 0)[0]) < 10 and time.monotonic() < ends:
            time.sleep(0.05)
        time.sleep(0.3)
        assert len(select.select(clients, [], [], 0)[0]) == len(closed) == 10
        for client in clients:
            client.close()
        while (status := answer_to(port)) is None and time.monotonic() < ends:
            time.sleep(0.05)
        assert status == 200


def answer_to(port: int) -> int | None:
    """The status of an answer, if the server lets one in."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/about", timeout=30) as answer:
            return int(answer.status)
    except (ConnectionError, urllib.error.URLError):
        return None
