"""AIST++ as params.yaml names it: from the user's folder, and what is not there from the cache or the network."""

from pathlib import Path

from motionbeat.lab import params
from motionbeat.lab.corpora.aistpp import acquire, aistpp_reader
from motionbeat.lab.corpora.manifest import Corpus, CorpusReader


def read(settings: params.Corpus, _: params.Beats, __: Path) -> Corpus:
    """The corpus of `acquire.parts`, which downloads what `settings.root` lacks."""
    return aistpp_reader.read_parts(acquire.parts(settings), validation=settings.validation)


READER: CorpusReader = read
