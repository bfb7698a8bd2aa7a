"""The records of an index, and the results of a search."""

import math
from pathlib import Path
from typing import Literal

from attrs import field, frozen, validators

Kind = Literal["song", "dance"]


@frozen
class Piece:
    """A song or dance of an index; the fields are checked, since an index may come from anywhere."""

    name: str = field(validator=validators.instance_of(str))
    """Its path in the folder."""
    folder: str = field(validator=validators.instance_of(str))
    kind: Kind = field(validator=validators.in_(("song", "dance")))
    bpm: float = field(validator=[validators.instance_of(float), validators.gt(0.0), validators.lt(math.inf)])
    beats_per_bar: int = field(validator=validators.instance_of(int))
    windows: int
    content: str = field(validator=validators.instance_of(str))
    """SHA-256 of the file."""
    state: str = field(validator=validators.instance_of(str))
    """Sizes and times of change of its files when it was embedded."""

    @property
    def path(self) -> Path:
        return Path(self.folder) / self.name


@frozen
class Place:
    """A stretch where a piece agrees with the query; times in seconds."""

    score: float
    query_begin_s: float
    query_end_s: float
    begin_s: float
    end_s: float
    beats: float
    """Beats of the piece per beat of the query: 1, or 2 or 1/2 if one of them is counted in double tempo."""

    @property
    def speed(self) -> float:
        """How fast to play the piece so that the stretches last equally long; 1 = as it is."""
        return (self.end_s - self.begin_s) / (self.query_end_s - self.query_begin_s)


@frozen
class Match:
    """A piece that fits the query: score = mean cosine at its best place, -1 to 1."""

    piece: Piece
    score: float
    places: tuple[Place, ...]


@frozen
class Update:
    """What `Index.update` did with the pieces of a folder, by name."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    refused: dict[str, str]
    """Name -> why it could not be embedded."""
