"""Comparison of the synthetic corpus with real dances and real songs, as one page and one figure.

    python -m benchmarks.realism --synthetic data/corpus [--aistpp PICKLE...] [--dance-with-melody FOLDER]
        [--songs FOLDER...] [--markdown docs/realism.md] [--figure docs/realism.png]

Without --markdown the page is printed.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.realism import corpora, figure, motion, music
from benchmarks.realism.document import Column, document
from motionbeat import errors
from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file
from motionbeat.lab import tables
from motionbeat.parallel import in_parallel

MOST_CLIPS = 160
MOST_SONGS = 60
TRACKED_SONGS = 8


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.realism", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--synthetic", type=Path, required=True, metavar="FOLDER", help="a written corpus: data/corpus")
    parser.add_argument("--aistpp", type=Path, nargs="*", default=[], metavar="PICKLE", help="real AIST++ motions")
    parser.add_argument("--dance-with-melody", type=Path, metavar="FOLDER", help="the folder of DANCE_* folders")
    parser.add_argument("--songs", type=Path, nargs="*", default=[], metavar="FOLDER", help="folders of real songs")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page there; its text is printed else")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="write the figure (PNG) there")
    parser.add_argument("--most-clips", type=int, default=MOST_CLIPS, help="synthetic clips to look at, at most")
    parser.add_argument("--most-songs", type=int, default=MOST_SONGS, help="songs of a corpus to listen to, at most")
    return parser.parse_args(given)


def run(given: Sequence[str] | None = None) -> None:
    """Measure the corpora in the arguments, and write the page and the figure."""
    options = _arguments(given)
    ours = corpora.synthetic(options.synthetic, options.most_clips)
    dances = {corpora.SYNTHETIC: ours.dances}
    songs = {corpora.SYNTHETIC: list(ours.songs.values())}
    command = ["python -m benchmarks.realism --synthetic data/corpus"]
    if options.aistpp:
        dances[corpora.AISTPP] = corpora.real_aistpp(options.aistpp)
        command.append("--aistpp motions/*.pkl")
    if options.dance_with_melody:
        melody = corpora.melody(options.dance_with_melody)
        dances[corpora.MELODY] = melody.dances
        songs[corpora.MELODY] = list(melody.songs.values())
        command.append("--dance-with-melody dance_with_melody")
    if options.songs:
        songs[corpora.SONGS] = music.files_in(options.songs)
        command.append("--songs genres")
    command.append("--markdown docs/realism.md --figure docs/realism.png")

    danced = [Column(n, [motion.measures(d) for d in of], [d.group for d in of]) for n, of in dances.items()]
    heard = [_listened(name, paths, options.most_songs) for name, paths in songs.items()]
    if options.figure:
        figure.draw(options.figure, dances)
    page = document(
        danced, heard, _tracked(options.synthetic), " \\\n    ".join(command), _link(options.figure, options.markdown)
    )
    if options.markdown is None:
        print(page, end="")
        return
    with whole_file(options.markdown) as unfinished:
        unfinished.write_text(page, encoding="utf-8")


def _link(drawn: Path | None, page: Path | None) -> str | None:
    """The figure's path as seen from the page."""
    if drawn is None:
        return None
    return Path(os.path.relpath(drawn, page.parent if page else Path())).as_posix()


def _listened(name: str, paths: Sequence[Path], most: int) -> Column:
    """Measures of at most `most` songs, spread evenly over the list."""
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, min(most, len(paths))).round().astype(int))]
    items = list(in_parallel(music.measures, [(path,) for path in chosen], "songs"))
    return Column(name, items, [str(path) for path in chosen])


def _tracked(folder: Path) -> dict[str, float]:
    """What madmom makes of the synthetic songs: from metrics/beats.json of the same pipeline where that stands beside
    and has as many songs, of a few songs found now where not; nothing where the corpus declares no tempo."""
    from motionbeat.lab.beat_grids import beat_evaluation, song_beats

    manifest = tables.read(folder / "manifest.parquet", tables.MANIFEST)
    songs = song_beats.songs_of(manifest, folder)
    written = folder.resolve().parent.parent / "metrics" / "beats.json"
    if written.is_file():
        try:
            values = json.loads(written.read_text(encoding="utf-8"))
        except ValueError as error:
            raise MotionBeatError(f"{written} is not JSON ({error}): run `dvc repro beats`") from None
        if values.get("songs") == len(songs) == values.get("with_truth") and "f_measure" in values:
            return {key: values[key] for key in ("songs", "f_measure", "downbeat_f_measure") if key in values}
    from motionbeat.beats import track

    known = [song for song in songs if song.nominal_bpm is not None and song.nominal_beats_per_bar is not None]
    if not known:
        return {}
    chosen = [known[i] for i in np.unique(np.linspace(0, len(known) - 1, min(TRACKED_SONGS, len(known))).astype(int))]
    compared = []
    for song in chosen:
        found, duration_s = track(song.audio), _duration(song.audio)
        truth = song_beats.truth(song, duration_s)
        if truth is not None:
            compared.append(beat_evaluation.compare(found.extended(duration_s), truth))
    return {"songs": len(compared)} | beat_evaluation.summary(compared)


def _duration(path: Path) -> float:
    import soundfile

    return float(soundfile.info(path).duration)


if __name__ == "__main__":
    errors.run(lambda: run(sys.argv[1:]))
