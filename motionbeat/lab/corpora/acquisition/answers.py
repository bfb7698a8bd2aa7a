"""Strict reading of the headers and bodies that servers send: a malformed header counts as missing."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from attrs import frozen
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

_PAGE = re.compile(
    rb"(\xef\xbb\xbf)?(\s|<\?xml.*?\?>|<!--.*?-->)*<(!doctype\s+html|html|head|title|body|script|meta)\b", re.I | re.S
)
PAGE_BYTES = 2048


@frozen
class Span:
    """A Content-Range: bytes `first` to `last`, inclusive, of `total` (None: unknown)."""

    first: int
    last: int
    total: int | None

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def span(headers: Mapping[str, str]) -> Span | None:
    """The Content-Range of a 206 answer, None if it is missing or invalid (RFC 9110, 14.4)."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", headers.get("Content-Range", "").strip())
    if not match:
        return None
    found = Span(int(match[1]), int(match[2]), None if match[3] == "*" else int(match[3]))
    ordered = found.first <= found.last and (found.total is None or found.last < found.total)
    return found if ordered else None


def total_beyond(headers: Mapping[str, str]) -> int | None:
    """The file's size according to a 416 answer (range not satisfiable)."""
    match = re.fullmatch(r"bytes \*/(\d+)", headers.get("Content-Range", "").strip())
    return int(match[1]) if match else None


def is_chunked(headers: Mapping[str, str]) -> bool:
    """Whether the body marks its own end, so that a truncated body is recognised without a length."""
    return "chunked" in headers.get("Transfer-Encoding", "").lower()


def length(headers: Mapping[str, str]) -> int | None:
    """The Content-Length in bytes; None if it is missing, malformed or the body is chunked."""
    value = headers.get("Content-Length", "").strip()
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) and not is_chunked(headers) else None


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds to wait according to Retry-After, which has seconds or a date; 0 without it."""
    try:
        return float(Retry().parse_retry_after(headers.get("Retry-After", "")))
    except InvalidHeader:
        return 0.0


def is_page(beginning: bytes) -> bool:
    """Whether a file with these first bytes is a web page (login, error, consent) instead of data."""
    return _PAGE.match(beginning) is not None


def public(url: str) -> str:
    """`url` without user, password and fragment, so that it can be printed and kept in git."""
    pieces = urlsplit(url)
    return urlunsplit(pieces._replace(netloc=pieces.netloc.rpartition("@")[2], fragment=""))
