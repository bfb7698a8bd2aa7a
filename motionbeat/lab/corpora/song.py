"""A song of a corpus, as readers name it and as its beats are tracked."""

from pathlib import Path

from attrs import frozen


@frozen
class Song:
    """One recording that is danced to: its audio file, and tempo and meter where the corpus declares them."""

    name: str
    audio: Path
    nominal_bpm: float | None = None
    nominal_beats_per_bar: int | None = None
