"""A song of a corpus."""

from pathlib import Path

from attrs import frozen


@frozen
class Song:
    """A recording with dances: its audio file, and its nominal tempo and meter if the corpus has them."""

    name: str
    audio: Path
    nominal_bpm: float | None = None
    nominal_beats_per_bar: int | None = None
