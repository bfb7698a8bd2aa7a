"""What servers say in headers and bodies, read strictly: a header that is malformed is as good as none."""

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
    """A Content-Range: bytes `first` to `last`, both included, of `total` (none: not said)."""

    first: int
    last: int
    total: int | None

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def span(headers: Mapping[str, str]) -> Span | None:
    """The Content-Range of a 206 answer, if it has one that makes sense (RFC 9110, 14.4)."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", headers.get("Content-Range", "").strip())
    if not match:
        return None
    found = Span(int(match[1]), int(match[2]), None if match[3] == "*" else int(match[3]))
    ordered = found.first <= found.last and (found.total is None or found.last < found.total)
    return found if ordered else None


def total_beyond(headers: Mapping[str, str]) -> int | None:
    """The file's size that a 416 answer gives with the range it could not satisfy."""
    match = re.fullmatch(r"bytes \*/(\d+)", headers.get("Content-Range", "").strip())
    return int(match[1]) if match else None


def is_chunked(headers: Mapping[str, str]) -> bool:
    """Whether the body marks its own end, so that a cut can be told without a length."""
    return "chunked" in headers.get("Transfer-Encoding", "").lower()


def length(headers: Mapping[str, str]) -> int | None:
    """The Content-Length in bytes; none where it is missing, malformed or overruled by chunks."""
    value = headers.get("Content-Length", "").strip()
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) and not is_chunked(headers) else None


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds from now that Retry-After asks for, in seconds or as a date; 0 if it asks for nothing."""
    try:
        return float(Retry().parse_retry_after(headers.get("Retry-After", "")))
    except InvalidHeader:
        return 0.0


def is_page(beginning: bytes) -> bool:
    """Whether a file that begins so is a web page (a login, an error, a consent) rather than data."""
    return _PAGE.match(beginning) is not None


def public(url: str) -> str:
    """`url` without user, password and fragment, fit to be printed and to be kept in git."""
    pieces = urlsplit(url)
    return urlunsplit(pieces._replace(netloc=pieces.netloc.rpartition("@")[2], fragment=""))
