"""Read the corpus named in params.yaml by its reader, and a mix by the readers of all its corpora."""

from pathlib import Path

from attrs import evolve

from motionbeat.lab import params, registry
from motionbeat.lab.corpora.manifest import Corpus, CorpusReader
from motionbeat.lab.corpora.mixed import PARTS, mixed


def read_corpus(settings: params.Corpus, working: Path, trackers: params.Beats) -> Corpus:
    """Read the corpus of `settings` by the `READER` of its module.

    In a mix each corpus is in its own folder, `settings.root`/NAME, and keeps its files in `working`/parts/NAME.

    trackers: section beats, for songs to which dances are made.

    Raises `MotionBeatError` naming what is missing or wrong in the corpus's own folder, and the fix.
    """
    if not isinstance(settings.name, list):
        reader: CorpusReader = registry.module_of("corpus", settings.name).READER
        return reader(settings, trackers, working)
    corpora: dict[str, Corpus] = {}
    for name in settings.names:
        part = working / PARTS / name
        part.mkdir(parents=True)
        own = evolve(settings, name=name, root=str(Path(settings.root) / name))
        corpora[name] = read_corpus(own, part, trackers)
    return mixed(corpora, working)
