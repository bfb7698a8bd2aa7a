"""One file over http(s): whole under its name or not there at all, continued where a cut left it.

What came so far lies beside the file as `.part`. It is continued by a Range request with If-Range, so never
with bytes of another version of the file; the rename to the final name is the last step, after the length, the
digest of the ledger and the caller's own check (`verify`).
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
    """Have the file `name` of the ledger at `path`, from `url` if it is not there yet; returns `path`.

    verify: raises `MotionBeatError` if the finished file at the path it is given is not in order.
    tries: connections in a row that bring less than 1 MiB each before it is given up.
    timeout_s: seconds without a single byte until a connection counts as dead.
    backoff_s: wait after the first failure; it doubles up to 120 s. A longer Retry-After is honoured up to there.
    fix: what the reader of an error can do about the address, as the name of its param.

    A file at `path` that the ledger has no entry of is taken as it is if `verify` finds it in order: somebody may
    have put it there by hand. Raises `MotionBeatError` naming the address, what went wrong and the fix; then
    nothing has changed at `path` or in the ledger.
    """
    _require_http(name, url, fix)
    wanted = _Wanted(name, public(url), path, ledger, verify)
    if wanted.is_on_record():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(path, f"{name} at {path}"):
            # asked again: whoever held the lock until now may have fetched it
            if not wanted.is_on_record() and not wanted.can_be_put_on_record():
                # requests takes a while to import, and a file that is there needs none of it
                from motionbeat.lab.corpora.acquisition.transfer import Transfer

                checked = bool(verify or ledger.expected(name))
                wanted.download(Transfer(name, url, PartialFile(path), tries, timeout_s, backoff_s, fix, checked))
    except OSError as error:
        raise MotionBeatError(
            f"{name}: {error.filename or path.parent} cannot be written ({error.strerror or error}); what came so far "
            "is kept: make room or mend the permissions, and run again"
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
    """A file, and what must be true of it: the digest of the ledger and the caller's own check."""

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
        """Whether a file that is there without an entry in the ledger is in order; it then has an entry."""
        if not self.path.exists():
            return False
        if not self.path.is_file():
            raise MotionBeatError(f"{self.name}: {self.path} is not a file: remove it, as it blocks the download")
        if self.ledger.expected(self.name):
            say(f"{self.name}: {self.path} is not the file on record in {self.ledger.path}: fetching that")
            return False
        if damage := self._damage(self.path):
            say(f"{self.name}: {self.path} is there but not in order ({damage}): fetching it")
            return False
        say(f"{self.name}: {self.path} is there already and is used as it is")
        self._trust(measure(self.path, self.url))
        return True

    def download(self, transfer: "Transfer") -> None:
        """Fetch the file, check it, put it on record and give it its name."""
        part = transfer.part
        certain = transfer.complete()
        found = measure(part.path, self.url)
        wrong = self._wrong_with(part, found)
        if wrong and not certain:
            # pieces of several connections, or an end that only the closing marked: it may be no one's fault but that
            say(f"{self.name}: what was put together is not in order: fetching it once more from its first byte")
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
        """What speaks against a finished part, with the fix; none if it is in order."""
        expected = self.ledger.expected(self.name)
        if expected and not found.same_content(expected):
            return (
                f"{self.name}: {self.url} gave {found.bytes} bytes with sha256 {found.sha256}, but {self.ledger.path} "
                f"has {expected.bytes} bytes with sha256 {expected.sha256} on record, from {expected.url}. Either "
                "the publisher changed the file or the download is corrupt: run again to rule out the second; to "
                f"accept the new file, delete the entry {self.name!r} of {self.ledger.path}, and {self.path} if it is "
                "an old one"
            )
        if damage := self._damage(part.path):
            return (
                f"{self.name}: what {self.url} gave is damaged ({damage}): run again; if that does not help, the "
                "publisher's file is broken, or the address leads to another file"
            )
        return None

    def _damage(self, path: Path) -> str | None:
        """What the caller's check says against a file."""
        try:
            if self.verify:
                self.verify(path)
        except MotionBeatError as error:
            return str(error)
        return None

    def _trust(self, found: Entry) -> None:
        self.ledger.record(self.name, found)
        say(
            f"{self.name}: trusted on first use, since its publisher gives no digest: sha256 {found.sha256}, "
            f"{found.bytes} bytes. Commit {self.ledger.path}, and every later download must be the same"
        )
