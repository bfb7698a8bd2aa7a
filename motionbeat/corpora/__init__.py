"""Where pairs of music and dance come from: each corpus in its own layout, read into one form."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from motionbeat import params
    from motionbeat.corpora.manifest import Corpus


def read(settings: "params.Corpus", working: Path) -> "Corpus":
    """Read the corpus that `settings` name; the embedded one is first made in `working`/source.

    AIST++ is downloaded where `settings.root` lacks it, see `motionbeat.corpora.aistpp.acquire`. Raises
    `MotionBeatError` naming what is missing or wrong in the corpus's own folder, and the fix.
    """
    if settings.name == "synthetic":
        from motionbeat.corpora import aistpp, synthetic
        from motionbeat.corpora.synthetic.plan import beats_per_bar

        synthetic.generate(working / "source", settings.size, settings.seed, settings.meters)
        return aistpp.read(
            working / "source", lambda song: beats_per_bar(song, settings.meters), validation=settings.validation
        )
    if settings.name == "aistpp":
        from motionbeat.corpora.aistpp import acquire, reader

        return reader.read_parts(acquire.parts(settings), validation=settings.validation)
    if settings.name == "folder":
        from motionbeat.corpora import folder

        return folder.read(Path(settings.root))
    from motionbeat.corpora import dance_with_melody

    return dance_with_melody.read(Path(settings.root))
