"""A headless Chromium, driven by its DevTools protocol: open a page, run script in it, send files, take pictures."""

import asyncio
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_LARGEST = 64 * 2**20
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio", "--no-first-run", "--hide-scrollbars"),
    *("--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0", "about:blank"),
)


class Page:
    """A page of the browser; `complaints` has every error and warning of its console, and every failed request."""

    def __init__(self, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._number = 0
        self._loaded = False
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._socket: WebSocketClientConnection = self._loop.run_until_complete(self._connect(address))
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")

    async def _connect(self, address: str) -> WebSocketClientConnection:
        return await websocket_connect(address, max_message_size=_LARGEST)

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """The result of a DevTools method; events that come before it are noted."""
        return self._loop.run_until_complete(self._call(method, values))

    async def _call(self, method: str, values: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        await self._socket.write_message(json.dumps({"id": self._number, "method": method, "params": values}))
        while True:
            text = await asyncio.wait_for(self._socket.read_message(), 60)
            assert text is not None, "the browser closed the page"
            told = json.loads(text)
            if told.get("id") == self._number:
                assert "error" not in told, told
                return told["result"]
            self._note(told.get("method", ""), told.get("params", {}))

    def _note(self, event: str, told: dict[str, Any]) -> None:
        self._loaded |= event == "Page.loadEventFired"
        if event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"])[:400])
        if event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        if event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(told["args"])[:400])
        if event == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])

    def open(self, address: str) -> None:
        """Go to an address and wait until it is loaded."""
        self._loaded = False
        self.call("Page.navigate", url=address)
        while not self._loaded:
            self.call("Runtime.evaluate", expression="0")

    def run(self, script: str) -> Any:
        """The value of an expression in the page, awaited."""
        told = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait(self, condition: str, seconds: float = 60) -> None:
        """Until an expression is true."""
        script = f"""new Promise((done, fail) => {{ const end = Date.now() + {1000 * seconds};
            (function look() {{ try {{ if ({condition}) return done(true); }} catch (error) {{ return fail(error); }}
            if (Date.now() > end) fail(new Error("not in time"));
            else setTimeout(look, 50); }})(); }})"""
        assert self.run(script), condition

    def size(self, width: int, height: int, dark: bool = False) -> None:
        """Of the window, in CSS pixels, and whether its reader prefers dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file in an input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def picture(self, path: Path, whole: bool = True) -> None:
        """A PNG of the whole page, or of what the window shows."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser() -> Iterator[Page]:
    """A page of a Chromium of its own, which ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        started = subprocess.Popen(
            [str(CHROMIUM), *_FLAGS[:-1], f"--user-data-dir={profile}", _FLAGS[-1]],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # the command may be a script that starts the browser
        )
        assert started.stderr is not None
        try:
            address = next(found[0] for line in started.stderr if (found := re.search(r"ws://\S+", line)))
            yield Page(_first_page(address))
        finally:
            os.killpg(started.pid, signal.SIGTERM)
            started.wait(20)
            started.stderr.close()


def _first_page(address: str) -> str:
    import urllib.request

    host = re.search(r"//([^/]+)/", address)
    assert host
    with urllib.request.urlopen(f"http://{host[1]}/json", timeout=20) as answer:
        return next(page["webSocketDebuggerUrl"] for page in json.load(answer) if page["type"] == "page")
