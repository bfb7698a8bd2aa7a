"""Corpora2Corpus: several corpora as one, in which the names of songs and clips begin with the name of their corpus.

An example is `synthetic.mBR60`: without the prefix, names of the synthetic corpus and of AIST++ can be equal. Each
corpus keeps its splits; the check that no recording and no dance is in two splits covers all corpora together.
"""

from collections.abc import Mapping
from pathlib import Path

from attrs import evolve

from motionbeat.beats import Beats
from motionbeat.lab import tables
from motionbeat.lab.corpora import beats_table
from motionbeat.lab.corpora.manifest import Corpus

PARTS = "parts"
"""Folder next to the manifest for files of the readers, such as the truth of the synthetic corpus; without prefixes."""


def named(source: str, name: str) -> str:
    """The name, in a mix, of a song or clip from the corpus `source`."""
    return f"{source}.{name}"


def mixed(corpora: Mapping[str, Corpus], working: Path) -> Corpus:
    """All songs and clips of several corpora, {name: corpus}.

    Writes sources.parquet to `working`, and beats.parquet with the beats of the corpora that have beats
    (`working`/parts/NAME/beats.parquet).
    """
    songs, clips = [], []
    left_out: dict[str, list[str]] = {}
    sources: dict[str, str] = {}
    grids: dict[str, Beats] = {}
    for source, corpus in corpora.items():
        songs += [evolve(song, name=named(source, song.name)) for song in corpus.songs]
        clips += [evolve(c, name=named(source, c.name), song=named(source, c.song)) for c in corpus.clips]
        left_out |= {f"{source}: {why}": [named(source, n) for n in names] for why, names in corpus.left_out.items()}
        sources |= {named(source, song): source for song in sorted({clip.song for clip in corpus.clips})}
        if (beats := working / PARTS / source / "beats.parquet").exists():
            known = beats_table.beats_grids(tables.read(beats, tables.BEATS))
            grids |= {named(source, song): grid for song, grid in known.items()}
    columns = {"song": sorted(sources), "source": [sources[song] for song in sorted(sources)]}
    tables.write(working / tables.SOURCES_FILE, tables.SOURCES, columns)
    if grids:
        tables.write(working / "beats.parquet", tables.BEATS, beats_table.beats_columns(grids))
    return Corpus(songs, clips, left_out, [path for corpus in corpora.values() for path in corpus.temporary])
