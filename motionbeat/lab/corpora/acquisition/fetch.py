"""Download of one file over http(s): complete or absent, and resumed after an interruption.

The bytes so far are in a file with the ending `.part`. A Range request with If-Range continues it, so versions are
never mixed. The file gets its final name last, after the checks of its length, of the digest in the ledger, and by the
caller (`verify`).
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.acquisition.answers import public
from motionbeat.lab.corpora.acquisition.ledger import Entry, Ledger, measure
from motionbeat.lab.corpora.acquisition.locks import alone
from motionbeat.lab.corpora.acquisition.meter import say
from motionbeat.lab.corpora.acquisition.partial_file import PartialFile

if TYPE_CHECKING:
    from motionbeat.lab.corpora.acquisition.transfer import Transfer

FIX = "correct its address in params.yaml, or point corpus.root at a folder that has the files already"


def fetch(
    name: str,
    url: str,
    path: Path,
    ledger: Ledger,
    *,
    verify: Callable[[Path], None] | None = None,
    tries: int = 6,
    timeout_s: float = 30,
    backoff_s: float = 1.0,
    fix: str = FIX,
) -> Path:
    """Make sure that `path` is the file `name` of the ledger; download it from `url` if necessary. Returns `path`.

    verify: a function of a path that raises `MotionBeatError` if the complete file there is not valid.
    tries: after this many successive connections with less than 1 MiB each, the download fails.
    timeout_s: seconds without any byte after which a connection is closed.
    backoff_s: wait after the first failure; it doubles up to 120 s. A longer Retry-After is respected up to 120 s.
    fix: what the user can do about the address, for messages, such as the name of the param.

    If the ledger has no entry for a file at `path`, the file is used if `verify` accepts it: a user may have put it
    there. Raises `MotionBeatError` naming the address, the problem and the fix; `path` and the ledger are then
    unchanged.
    """
    _require_http(name, url, fix)
    wanted = _Wanted(name, public(url), path, ledger, verify)
    if wanted.is_on_record():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(path, f"{name} at {path}"):
            # checked again: the process that held the lock before may have fetched it
            if not wanted.is_on_record() and not wanted.can_be_put_on_record():
                # requests is slow to import, and is not needed if the file is there
                from motionbeat.lab.corpora.acquisition.transfer import Transfer

                checked = bool(verify or ledger.expected(name))
                wanted.download(Transfer(name, url, PartialFile(path), tries, timeout_s, backoff_s, fix, checked))
    except OSError as error:
        raise MotionBeatError(
            f"{name}: {error.filename or path.parent} cannot be written ({error.strerror or error}); the part so far "
            "is kept: free space or correct the permissions, and run again"
        ) from None
    return path


def _require_http(name: str, url: str, fix: str) -> None:
    try:
        pieces = urlsplit(url)
        right = pieces.scheme in ("http", "https") and bool(pieces.hostname)
    except ValueError:
        right = False
    if not right:
        raise MotionBeatError(f"{name}: {url!r} is not an http or https address; {fix}")


@frozen
class _Wanted:
    """A file and its checks: the digest of the ledger and the caller's check."""

    name: str
    url: str
    path: Path
    ledger: Ledger
    verify: Callable[[Path], None] | None

    def is_on_record(self) -> bool:
        """Whether the file is there with the size and digest of the ledger."""
        expected = self.ledger.expected(self.name)
        if not expected or not self.path.is_file() or self.path.stat().st_size != expected.bytes:
            return False
        return measure(self.path, self.url).same_content(expected)

    def can_be_put_on_record(self) -> bool:
        """Whether a file without an entry in the ledger is valid; if so, an entry is added."""
        if not self.path.exists():
            return False
        if not self.path.is_file():
            raise MotionBeatError(f"{self.name}: {self.path} is not a file: remove it, because it blocks the download")
        if self.ledger.expected(self.name):
            say(f"{self.name}: {self.path} is not the file on record in {self.ledger.path}: fetching that")
            return False
        if damage := self._damage(self.path):
            say(f"{self.name}: {self.path} is there but not valid ({damage}): fetching it")
            return False
        say(f"{self.name}: {self.path} is there already and is used as it is")
        self._trust(measure(self.path, self.url))
        return True

    def download(self, transfer: "Transfer") -> None:
        """Fetch the file, check it, add it to the ledger and rename it."""
        part = transfer.part
        certain = transfer.complete()
        found = measure(part.path, self.url)
        wrong = self._wrong_with(part, found)
        if wrong and not certain:
            # joined from several connections, or ended only by closing the connection, which may be the reason
            say(f"{self.name}: the joined parts are not valid: fetching it once more from its first byte")
            part.discard()
            transfer.complete()
            found = measure(part.path, self.url)
            wrong = self._wrong_with(part, found)
        if wrong:
            part.discard()
            raise MotionBeatError(wrong)
        with part.path.open("rb") as file:
            os.fsync(file.fileno())
        if not self.ledger.expected(self.name):
            self._trust(found)
        part.finish()

    def _wrong_with(self, part: PartialFile, found: Entry) -> str | None:
        """What is wrong with a finished part, with the fix; None if it is valid."""
        expected = self.ledger.expected(self.name)
        if expected and not found.same_content(expected):
            return (
                f"{self.name}: {self.url} gave {found.bytes} bytes with sha256 {found.sha256}, but {self.ledger.path} "
                f"has {expected.bytes} bytes with sha256 {expected.sha256} on record, from {expected.url}. Either "
                "the publisher changed the file or the download is corrupt: run again to exclude a corrupt download; "
                f"to accept the new file, delete the entry {self.name!r} of {self.ledger.path}, and {self.path} if it "
                "is an old one"
            )
        if damage := self._damage(part.path):
            return (
                f"{self.name}: the file from {self.url} is damaged ({damage}): run again; if that does not help, the "
                "publisher's file is broken, or the address leads to another file"
            )
        return None

    def _damage(self, path: Path) -> str | None:
        """The error of the caller's check of a file, None if it is valid."""
        try:
            if self.verify:
                self.verify(path)
        except MotionBeatError as error:
            return str(error)
        return None

    def _trust(self, found: Entry) -> None:
        self.ledger.record(self.name, found)
        say(
            f"{self.name}: trusted on first use, since its publisher provides no digest: sha256 {found.sha256}, "
            f"{found.bytes} bytes. Commit {self.ledger.path}, and every later download must be the same"
        )
