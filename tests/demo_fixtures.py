"""A library of two made songs and four dances, and a server that shows it."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

import motionbeat
from motionbeat.lab.demo.demo_app import create_app
from motionbeat.lab.demo.made_dances import by_rules
from motionbeat.lab.demo.made_library import made_library
from motionbeat.lab.demo.shown_library import ShownLibrary
from motionbeat.lab.demo.visitor_limits import Limits

SONGS = ("mHO1", "mPO0")


@pytest.fixture(scope="session")
def demo_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownLibrary]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTIONBEAT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield ShownLibrary(made_library(motionbeat.load(device="cpu"), "librosa", SONGS))


@pytest.fixture(scope="session")
def demo_address(demo_library: ShownLibrary) -> Iterator[str]:
    """Of a server in this process."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        app = create_app(demo_library, by_rules, Limits(seconds=20))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
