"""Fixtures for tests of downloads; named in `pytest_plugins` by those that use them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from downloads import Get
from hostile_server import HostileServer

from motionbeat.lab.corpora.acquisition.fetch import fetch
from motionbeat.lab.corpora.acquisition.ledger import Ledger


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as opened:
        yield opened


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "downloads.json")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "data.bin"


@pytest.fixture
def get(server: HostileServer, ledger: Ledger, path: Path) -> Get:
    """Fetch what the server has under /data.bin, with waits of milliseconds."""

    def run(**options) -> Path:
        patience = {"tries": 3, "timeout_s": 5.0, "backoff_s": 0.001}
        return fetch("data.bin", f"{server.url}/data.bin", path, ledger, **patience | options)

    return run
