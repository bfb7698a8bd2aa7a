"""The incomplete file of a download, and of which version of which file it is a part."""

import json
from pathlib import Path

from attrs import asdict, field, frozen
from attrs.validators import instance_of, optional

from motionbeat import files


@frozen
class Origin:
    """What the server stated about the file at the first byte; a part is continued only if this has not changed."""

    url: str = field(validator=instance_of(str))
    etag: str | None = field(validator=optional(instance_of(str)))
    last_modified: str | None = field(validator=optional(instance_of(str)))
    total: int | None = field(validator=optional(instance_of(int)))

    @property
    def validator(self) -> str | None:
        """The value for If-Range: a strong ETag, or the date of the last change (RFC 9110, 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified

    def contradicts(self, other: "Origin") -> bool:
        """Whether the two cannot be the same version; missing values are ignored."""
        pairs = (
            (self.etag, other.etag),
            (self.last_modified, other.last_modified),
            (self.total, other.total),
        )
        return any(None not in pair and pair[0] != pair[1] for pair in pairs)


class PartialFile:
    """`path` with `.part` after its name, and its origin in `.part.json` next to it.

    The origin is written before the first byte, and the part is removed before another origin is written, so that a
    killed process never leaves bytes of one version with the origin of another.
    """

    def __init__(self, path: Path) -> None:
        self.whole = path
        self.path = path.with_name(path.name + ".part")
        self._origin = path.with_name(path.name + ".part.json")

    def size(self) -> int:
        """Bytes that are there, 0 if there is no part."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def origin(self) -> Origin | None:
        """The origin of the part; None if it is unknown, which makes the part useless."""
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
        """Rename the part to its final name."""
        self.path.replace(self.whole)
        self._origin.unlink(missing_ok=True)
