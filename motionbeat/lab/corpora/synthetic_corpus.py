"""The synthetic corpus: songs and dances made by this project, in the layout of AIST++."""

from pathlib import Path

from attrs import evolve

from motionbeat.lab import params
from motionbeat.lab.corpora import aistpp
from motionbeat.lab.corpora.manifest import Corpus, CorpusReader
from motionbeat.lab.synthetic import write_corpus
from motionbeat.lab.synthetic.plan import beats_per_bar
from motionbeat.lab.synthetic.song_plan import Wanted, planned


def read(settings: params.Corpus, _: params.Beats, working: Path) -> Corpus:
    """Make the corpus in `working`/source, and read it; of that folder only the truth stays."""
    counts = (settings.songs, settings.val_songs, settings.test_songs, settings.clips_per_song)
    clips = planned(Wanted(settings.size, *counts, settings.renderings))
    made = working / "source"
    write_corpus.generate(made, clips, settings.seed, settings.meters, settings.context)
    corpus = aistpp.read(made, lambda song: beats_per_bar(song, settings.meters), validation=settings.validation)
    return evolve(corpus, temporary=[made / "wav", made / "motions"])


READER: CorpusReader = read
