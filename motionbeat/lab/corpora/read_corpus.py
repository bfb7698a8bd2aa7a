"""The corpus that params.yaml names, through its own reader; a mix through the readers of all its corpora."""

from pathlib import Path

from attrs import evolve

from motionbeat.lab import params, registry
from motionbeat.lab.corpora.manifest import Corpus, CorpusReader
from motionbeat.lab.corpora.mixed import PARTS, mixed


def read_corpus(settings: params.Corpus, working: Path, trackers: params.Beats) -> Corpus:
    """Read the corpus that `settings` name, by the `READER` of its module.

    Of several corpora each has a folder of its own, `settings.root`/NAME, and keeps its own files in
    `working`/parts/NAME.

    trackers: section beats, by which songs without dances are danced to.

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
