"""A server of the demo in this process."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from motionbeat.lab.demo.demo_app import create_app
from motionbeat.lab.demo.made_dances import by_rules
from motionbeat.lab.demo.patient_server import demo_server
from motionbeat.lab.demo.shown_library import ShownLibrary
from motionbeat.lab.demo.visitor_limits import Limits


@contextmanager
def serving(library: ShownLibrary, limits: Limits) -> Iterator[int]:
    """The port of a server that shows a library."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = demo_server(create_app(library, by_rules, limits), limits)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
