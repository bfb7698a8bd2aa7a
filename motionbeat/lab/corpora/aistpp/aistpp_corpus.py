"""AIST++ as set in params.yaml: from the user's folder; missing parts from the cache or the network."""

from pathlib import Path

from motionbeat.lab import params
from motionbeat.lab.corpora.aistpp import acquire, aistpp_reader
from motionbeat.lab.corpora.manifest import Corpus, CorpusReader


def read(settings: params.Corpus, _: params.Beats, __: Path) -> Corpus:
    """The corpus of `acquire.parts`, which downloads parts that are missing in `settings.root`."""
    return aistpp_reader.read_parts(acquire.parts(settings), validation=settings.validation)


READER: CorpusReader = read
