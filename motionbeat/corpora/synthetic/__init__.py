"""The embedded corpus: music and dance of our own making, in AIST++'s form, with the truth about them.

Rhythm is the only link between a song and its dances: timbre, dancer and choreography know nothing of it.
"""

from collections.abc import Sequence
from pathlib import Path


def generate(folder: Path, size: str, seed: int, meters: Sequence[int]) -> None:
    """Make the embedded corpus in `folder`; see `motionbeat.corpora.synthetic.write.generate`."""
    from motionbeat.corpora.synthetic import write

    write.generate(folder, size, seed, meters)
