"""The unfinished part of a download, and which version of which file it is a part of."""

import json
from pathlib import Path

from attrs import asdict, field, frozen
from attrs.validators import instance_of, optional

from motionbeat import files


@frozen
class Origin:
    """What the server said of the file when its first byte came; a part is continued only if it still says so."""

    url: str = field(validator=instance_of(str))
    etag: str | None = field(validator=optional(instance_of(str)))
    last_modified: str | None = field(validator=optional(instance_of(str)))
    total: int | None = field(validator=optional(instance_of(int)))

    @property
    def validator(self) -> str | None:
        """What If-Range can ask for: a strong ETag, else the date of the last change (RFC 9110, 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified

    def contradicts(self, other: "Origin") -> bool:
        """Whether the two cannot be the same version; what one of them does not say counts for nothing."""
        pairs = (
            (self.etag, other.etag),
            (self.last_modified, other.last_modified),
            (self.total, other.total),
        )
        return any(None not in pair and pair[0] != pair[1] for pair in pairs)


class PartialFile:
    """`path` with `.part` after its name, and its origin in `.part.json` beside it.

    The origin is written before the first byte and the part removed before another origin, so that a process
    that is killed at any time leaves no bytes of one version beside the origin of another.
    """

    def __init__(self, path: Path) -> None:
        self.whole = path
        self.path = path.with_name(path.name + ".part")
        self._origin = path.with_name(path.name + ".part.json")

    def size(self) -> int:
        """Bytes that are there, 0 if there is no part."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def origin(self) -> Origin | None:
        """Where the part is from; none if that is unknown, so that the part is of no use."""
        try:
            return Origin(**json.loads(self._origin.read_text(encoding="utf-8")))
        except (FileNotFoundError, TypeError, ValueError):
            return None

    def begin(self, origin: Origin) -> None:
        """Start an empty part."""
        self.discard()
        files.write_json(self._origin, asdict(origin))
        self.path.touch()

    def discard(self) -> None:
        """Remove the part and its origin."""
        self.path.unlink(missing_ok=True)
        self._origin.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the part its final name."""
        self.path.replace(self.whole)
        self._origin.unlink(missing_ok=True)
