"""Download one address into a `PartialFile`, over as many connections as needed; contradicting headers are refused.

A temporary failure (a lost connection, a timeout, a busy server) is tried again after waits that double; a permanent
one (a refusal, a page instead of the file) is an error at once.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from attrs import frozen
from rich.filesize import decimal

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.acquisition import answers
from motionbeat.lab.corpora.acquisition.disk_space import require_space
from motionbeat.lab.corpora.acquisition.meter import metered, say
from motionbeat.lab.corpora.acquisition.partial_file import Origin, PartialFile

_BLOCK = 2**18
_HEADWAY = 2**20
_SPACE_EVERY = 2**26
_LONGEST_WAIT_S = 120.0
_MOST_REDIRECTS = 8
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_REFUSED = {
    401: "the server asks for a login",
    403: "the server refuses to give it",
    404: "the server has no such file",
    410: "the server no longer has it",
}
# identity: offsets and lengths must be of the file itself; close: answers on one connection could be mixed up
_HEADERS = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "motionbeat"}


class _Passing(Exception):
    """A temporary failure; the server may have asked for a wait."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class _Session(requests.Session):
    """A session that ignores redirects; requests otherwise reads their body even if it does not follow them."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


@frozen
class Transfer:
    """A download: name and address of the file, where its bytes go, and how long to wait and try.

    tries, timeout_s, backoff_s, fix: as in `fetch`. checked: whether anything else than its length can show that the
    file is complete.
    """

    name: str
    url: str
    part: PartialFile
    tries: int
    timeout_s: float
    backoff_s: float
    fix: str
    checked: bool

    def complete(self) -> bool:
        """Complete the part; returns whether it came in one piece with a marked end, so it must be the server's file.

        Raises `MotionBeatError` naming the address, the reason and the fix; the part so far is kept unless it is
        useless.
        """
        failures, most = 0, self.part.size()
        with _Session() as session:
            while True:
                try:
                    return self._connect(session)
                except _Passing as passing:
                    # compared with the largest size so far: a part that was lost and fetched again is no progress
                    size = self.part.size()
                    failures = 1 if size >= most + _HEADWAY else failures + 1
                    most = max(most, size)
                    if failures >= self.tries:
                        raise self._gave_up(str(passing)) from None
                    wait_s = min(max(self.backoff_s * 2 ** (failures - 1), passing.wait_s), _LONGEST_WAIT_S)
                    say(f"{self.name}: {passing}; trying again in {wait_s:.0f} s ({failures} of {self.tries})")
                    pause(wait_s)

    def refusal(self, reason: str) -> MotionBeatError:
        """The error for a permanent failure, with the fix."""
        by_hand = f"or put the file at {self.part.whole} by hand"
        return MotionBeatError(f"{self.name} from {answers.public(self.url)}: {reason}; {self.fix}, {by_hand}")

    def _gave_up(self, reason: str) -> MotionBeatError:
        size = self.part.size()
        kept = f" ({decimal(size)} of it are kept in {self.part.path} and will be continued)" if size else ""
        return self.refusal(f"{reason}. Given up after {self.tries} tries: run again when the server answers{kept}")

    def _connect(self, session: requests.Session) -> bool:
        """One connection: returns the result of `complete`, or raises `_Passing`."""
        origin = self._usable_origin()
        offset = self.part.size()
        if origin and offset == origin.total:
            return False
        asked = {"Range": f"bytes={offset}-", "If-Range": origin.validator or ""} if origin and offset else {}
        with self._response(session, _HEADERS | asked) as response:
            encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
            if response.status_code in (200, 206) and encoding not in ("", "identity"):
                raise self.refusal(f"the server sends it compressed as {encoding}, though it was asked not to")
            if response.status_code == 200:
                if offset:
                    say(f"{self.name}: the server does not send the rest, or has another version: beginning again")
                return self._from_the_first_byte(response)
            if response.status_code == 206 and origin and offset:
                self._continue(response, origin, offset)
                return False
            if response.status_code == 416 and origin and offset:
                total = answers.total_beyond(response.headers)
                if total == offset and not origin.contradicts(self._origin(response, total)):
                    return False
                self.part.discard()
                raise _Passing("the server has no more bytes, but the file is not complete: beginning again")
            raise self._bad_status(response)

    def _usable_origin(self) -> Origin | None:
        """The origin of a part that can be continued, else None; any other part is removed."""
        origin, size = self.part.origin(), self.part.size()
        if origin and size and origin.url == answers.public(self.url):
            if size == origin.total or (origin.validator and size < (origin.total or size + 1)):
                return origin
            if origin.validator is None:
                say(f"{self.name}: the server marks no versions, so the rest cannot be requested: beginning again")
        self.part.discard()
        return None

    def _response(self, session: requests.Session, headers: dict[str, str]) -> requests.Response:
        """The answer after all redirects; its body is not read yet."""
        url = self.url
        for _ in range(_MOST_REDIRECTS):
            with self._failures():
                response = session.get(url, headers=headers, stream=True, timeout=(self.timeout_s, self.timeout_s))
            if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                return response
            response.close()
            there = response.headers["Location"]
            if wrong := wrong_with_redirect(url, there):
                raise self.refusal(f"the server sends on to {there!r}, {wrong}")
            url = urljoin(url, there)
        raise self.refusal(f"the server redirects more than {_MOST_REDIRECTS} times")

    def _from_the_first_byte(self, response: requests.Response) -> bool:
        total = answers.length(response.headers)
        marked = total is not None or answers.is_chunked(response.headers)
        if not marked and not self.checked:
            raise self.refusal(
                "the server states neither its length nor its end, so a truncated file could not be recognised"
            )
        require_space(self.part.path.parent, total or 0, self.name)
        first = self._block(response)
        # a page from a portal or a broken server must not delete the part that is there
        if answers.is_page(first):
            raise self._page()
        self.part.begin(self._origin(response, total))
        self._receive(response, total, total, first)
        return marked

    def _continue(self, response: requests.Response, origin: Origin, offset: int) -> None:
        span, stated = answers.span(response.headers), answers.length(response.headers)
        total = span.total or origin.total if span else None
        if (
            span is None
            or total is None
            or span.first != offset
            or (stated is not None and stated != span.length)
            or origin.contradicts(self._origin(response, total))
        ):
            self.part.discard()
            raise _Passing("the server sends another range than requested, or another version: beginning again")
        require_space(self.part.path.parent, span.length, self.name)
        self._receive(response, span.length, total, self._block(response))

    def _origin(self, response: requests.Response, total: int | None) -> Origin:
        headers = response.headers
        return Origin(answers.public(self.url), headers.get("ETag"), headers.get("Last-Modified"), total)

    def _block(self, response: requests.Response) -> bytes:
        """The bytes that have arrived, at least one; empty at the end."""
        with self._failures():
            # read1: bytes that arrive slowly are kept even if the connection is lost before a block is full
            return response.raw.read1(_BLOCK, decode_content=False)

    def _receive(self, response: requests.Response, length: int | None, total: int | None, block: bytes) -> None:
        """Append the body, `length` bytes that begin with `block`; raises `_Passing` if it ends early."""
        offset = self.part.size()
        received = unasked = 0
        with self.part.path.open("ab") as file, metered(self.name, total, offset) as tell:
            while block:
                file.write(block)
                file.flush()
                tell(len(block))
                received += len(block)
                unasked += len(block) if total is None else 0
                if unasked >= _SPACE_EVERY:
                    require_space(self.part.path.parent, 0, self.name)
                    unasked = 0
                block = self._block(response)
        if offset == 0:
            self._refuse_page()
        if length is not None and received > length:
            self.part.discard()
            raise _Passing("the server sent more bytes than it stated: beginning again")
        if total is not None and self.part.size() != total:
            raise _Passing(f"the server sent {decimal(self.part.size())} of {decimal(total)}")

    def _refuse_page(self) -> None:
        with self.part.path.open("rb") as file:
            beginning = file.read(answers.PAGE_BYTES)
        if answers.is_page(beginning):
            self.part.discard()
            raise self._page()
        if not beginning:
            self.part.discard()
            raise self.refusal("the server sends an empty file")

    def _page(self) -> MotionBeatError:
        return self.refusal("the server sends a web page in its place (a login, a consent or an error page)")

    def _bad_status(self, response: requests.Response) -> Exception:
        status = response.status_code
        named = f"status {status}{' ' + response.reason if response.reason else ''}"
        where = answers.public(response.url)
        sent_on = "" if where == answers.public(self.url) else f" at {where}, after a redirect"
        if status in _PASSING:
            return _Passing(
                f"the server is busy or out of order ({named}){sent_on}", answers.retry_after_s(response.headers)
            )
        return self.refusal(f"{_REFUSED.get(status, 'the server sends no file')} ({named}){sent_on}")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn failures of the network into `_Passing` with a message."""
        try:
            yield
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise self.refusal(f"not a valid address ({error})") from None
        except requests.RequestException as error:
            raise _Passing(self._in_words(error)) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Passing(self._in_words(error)) from None

    def _in_words(self, error: Exception) -> str:
        host = urlsplit(self.url).hostname
        cause = getattr(error.args[0], "reason", error.args[0]) if error.args else error
        if isinstance(cause, urllib3.exceptions.NameResolutionError):
            return f"the host {host} cannot be found: check the spelling and the network connection"
        if isinstance(error, requests.exceptions.SSLError):
            return f"no trusted connection to {host} ({cause})"
        if isinstance(error, requests.exceptions.ProxyError):
            return f"no connection through the proxy of the environment ({cause})"
        if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError):
            return f"no bytes from {host} for {self.timeout_s:g} s"
        if isinstance(error, urllib3.exceptions.HTTPError):
            return f"the connection was lost after {decimal(self.part.size())}"
        return f"no connection to {host} ({str(cause).rpartition(': ')[2]})"


def wrong_with_redirect(here: str, there: str) -> str | None:
    """Why a redirect is not followed: it leads to anything but http(s), or from https to plain http."""
    try:
        target = urlsplit(urljoin(here, there))
        host = target.hostname
    except ValueError:
        return "which is not an address"
    if target.scheme not in ("http", "https") or not host:
        return "which is not an http or https address"
    if urlsplit(here).scheme == "https" and target.scheme == "http":
        return "from https down to plain http, where anyone could change it"
    return None


def pause(seconds: float) -> None:
    """Wait; a function of its own so that a test can replace it."""
    time.sleep(seconds)
