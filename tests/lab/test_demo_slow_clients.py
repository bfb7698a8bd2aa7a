"""Slow clients do not keep the demo's server from others. Real sockets."""

import select
import socket
import time
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
        (b"", b"", 0.5, 3.0, b""),
        (b"GET / HTTP/1.1\r\nX: ", b"x", 0.5, 3.0, b""),
        (
            b"POST /api/files?name=a.wav HTTP/1.1\r\nContent-Length: 9999\r\n" + HOST + b"\r\n",
            b"x",
            0.5,
            4.0,
            b"to arrive",
        ),
        (b"POST /api/pieces/0/sound HTTP/1.1\r\nContent-Length: 9999\r\n" + HOST + b"\r\n", b"x", 0.5, 4.0, b"405"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", b"G", 0.5, 3.0, b"<title>MotionBeat"),
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


def test_one_address_takes_half_of_the_connections_and_is_let_in_again(port: int) -> None:
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(LIMITS.connections)]
    try:
        time.sleep(0.3)
        open_ones = [client for client in clients if not select.select([client], [], [], 0)[0]]
        assert len(open_ones) == LIMITS.connections // 2
        time.sleep(0.8)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/about", timeout=5) as answer:
            assert answer.status == 200
    finally:
        for client in clients:
            client.close()
