"""Sizes and digests of downloads: the first download sets them, every later one must match.

The publishers of data sets provide no digests. So the first complete download is trusted (trust on first use). The
ledger is kept in git, so that later everybody gets the same bytes or an error.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from motionbeat import files
from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.acquisition.locks import alone

_FIX = "repair it, or restore the committed version of it"


@frozen
class Entry:
    """A file's size in bytes, its SHA-256 as 64 hexadecimal digits, and its first address."""

    bytes: int
    sha256: str
    url: str

    def same_content(self, other: "Entry") -> bool:
        """Whether both describe the same bytes; the address may differ."""
        return (self.bytes, self.sha256) == (other.bytes, other.sha256)


def measure(path: Path, url: str) -> Entry:
    """Make the entry of the file at `path`, which came from `url`."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Entry(path.stat().st_size, digest, url)


class Ledger:
    """A JSON file of name -> {"bytes", "sha256", "url"}; a file that is not there yet has no entries."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def expected(self, name: str) -> Entry | None:
        """The entry of `name`, or None. Raises `MotionBeatError` naming the file and field that is malformed."""
        return self._entries().get(name)

    def record(self, name: str, entry: Entry) -> None:
        """Add or replace the entry of `name`; the others are kept, even if another process adds entries."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with alone(self.path, f"the ledger {self.path}"):
            entries = self._entries() | {name: entry}
            files.write_json(self.path, {key: asdict(value) for key, value in entries.items()})

    def _entries(self) -> dict[str, Entry]:
        if not self.path.exists():
            return {}
        values = files.read_json(self.path, _FIX)
        if not isinstance(values, dict):
            raise MotionBeatError(f"{self.path} is not a JSON object of name -> entry: {_FIX}")
        return {name: self._entry(name, value) for name, value in values.items()}

    def _entry(self, name: str, value: Any) -> Entry:
        if not isinstance(value, dict) or set(value) != {"bytes", "sha256", "url"}:
            raise MotionBeatError(f"{self.path}: entry {name!r} must have the fields bytes, sha256 and url: {_FIX}")
        size, digest, url = value["bytes"], value["sha256"], value["url"]
        if type(size) is not int or size < 1:
            raise MotionBeatError(f"{self.path}: bytes of {name!r} is {size!r}, expected a whole number from 1: {_FIX}")
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise MotionBeatError(f"{self.path}: sha256 of {name!r} is {digest!r}, expected 64 of 0-9 and a-f: {_FIX}")
        if not isinstance(url, str):
            raise MotionBeatError(f"{self.path}: url of {name!r} is {url!r}, expected an address: {_FIX}")
        return Entry(size, digest, url)
