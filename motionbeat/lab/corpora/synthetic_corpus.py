"""The synthetic corpus: songs and dances made by this project, in the layout of AIST++."""

from pathlib import Path

from motionbeat.lab import params
from motionbeat.lab.corpora import aistpp
from motionbeat.lab.corpora.manifest import Corpus, CorpusReader
from motionbeat.lab.synthetic import write_corpus
from motionbeat.lab.synthetic.plan import beats_per_bar
from motionbeat.lab.synthetic.song_plan import Wanted, planned


def read(settings: params.Corpus, _: params.Beats, working: Path) -> Corpus:
    """Make the corpus in `working`/source, and read it."""
    counts = (settings.songs, settings.val_songs, settings.test_songs, settings.clips_per_song)
    clips = planned(Wanted(settings.size, *counts, settings.renderings))
    write_corpus.generate(working / "source", clips, settings.seed, settings.meters, settings.context)
    return aistpp.read(
        working / "source", lambda song: beats_per_bar(song, settings.meters), validation=settings.validation
    )


READER: CorpusReader = read
