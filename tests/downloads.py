"""What the tests of downloads have in common: two files of the same length, and what to look at afterwards."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hostile_server import Behaviour, HostileServer

from motionbeat.lab.corpora.acquisition import unpack
from motionbeat.lab.corpora.acquisition.ledger import Ledger

CONTENT = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OK = Behaviour()
Get = Callable[..., Path]


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def check_zip(archive: Path) -> None:
    unpack.check(archive, max_bytes=10**7, max_members=10)


def ranges(server: HostileServer) -> list[str | None]:
    return [request.range for request in server.requests]


def assert_nothing_came(path: Path, ledger: Ledger) -> None:
    assert not path.exists()
    assert not ledger.path.exists()
