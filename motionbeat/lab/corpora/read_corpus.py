"""The corpus that params.yaml names, through its own reader; a mix through the readers of all its corpora."""

from pathlib import Path

from attrs import evolve

from motionbeat.lab import params
from motionbeat.lab.corpora.manifest import Corpus


def read_corpus(settings: params.Corpus, working: Path, trackers: params.Beats) -> Corpus:
    """Read the corpus that `settings` name; the synthetic one is first made in `working`/source.

    Of several corpora each has a folder of its own, `settings.root`/NAME, and keeps its own files in
    `working`/parts/NAME.

    trackers: section beats, by which songs without dances are danced to.

    AIST++ is downloaded where `settings.root` lacks it, see `motionbeat.lab.corpora.aistpp.acquire`. Raises
    `MotionBeatError` naming what is missing or wrong in the corpus's own folder, and the fix.
    """
    if isinstance(settings.name, list):
        from motionbeat.lab.corpora.mixed import PARTS, mixed

        corpora: dict[str, Corpus] = {}
        for name in settings.names:
            part = working / PARTS / name
            part.mkdir(parents=True)
            own = evolve(settings, name=name, root=str(Path(settings.root) / name))
            corpora[name] = read_corpus(own, part, trackers)
        return mixed(corpora, working)
    if settings.name == "synthetic":
        from motionbeat.lab.corpora import aistpp
        from motionbeat.lab.synthetic import write_corpus
        from motionbeat.lab.synthetic.plan import beats_per_bar
        from motionbeat.lab.synthetic.song_plan import Wanted, planned

        counts = (settings.songs, settings.val_songs, settings.test_songs, settings.clips_per_song)
        clips = planned(Wanted(settings.size, *counts, settings.renderings))
        write_corpus.generate(working / "source", clips, settings.seed, settings.meters, settings.context)
        return aistpp.read(
            working / "source", lambda song: beats_per_bar(song, settings.meters), validation=settings.validation
        )
    if settings.name == "aistpp":
        from motionbeat.lab.corpora.aistpp import acquire, aistpp_reader

        return aistpp_reader.read_parts(acquire.parts(settings), validation=settings.validation)
    if settings.name == "folder":
        from motionbeat.lab.corpora import folder

        return folder.read(Path(settings.root), settings.checks)
    if settings.name == "choreographed":
        from motionbeat.lab.corpora import choreographed

        return choreographed.read(settings, trackers, working)
    from motionbeat.lab.corpora import dance_with_melody

    return dance_with_melody.read(Path(settings.root))
