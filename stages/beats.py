"""Stage beats: find the beats of every song of the corpus, and say how well they fit its declared tempo."""

from pathlib import Path

from motionbeat import errors, files
from motionbeat.lab import params, tables
from motionbeat.lab.beat_grids import beat_evaluation, song_beats
from motionbeat.lab.corpora import beats_table

CORPUS = Path("data/corpus")
OUTPUT = Path("data/beats")
METRICS = Path("metrics/beats.json")


def main() -> None:
    options = params.load().beats
    of_corpus = song_beats.songs_of(tables.read(CORPUS / "manifest.parquet", tables.MANIFEST), CORPUS)
    danced = CORPUS / "beats.parquet"  # those that a choreographed corpus dances to
    known = beats_table.beats_grids(tables.read(danced, tables.BEATS)) if danced.exists() else {}
    tracked = song_beats.track_all(of_corpus, options, known)
    grids = {
        name: found.beats.extended(found.duration_s) if options.extend else found.beats
        for name, found in tracked.items()
    }
    with files.whole_folder(OUTPUT) as folder:
        tables.write(folder / "beats.parquet", tables.BEATS, beats_table.beats_columns(grids))
    truths = {song.name: song_beats.truth(song, tracked[song.name].duration_s) for song in of_corpus}
    compared = [beat_evaluation.compare(grids[name], truth) for name, truth in truths.items() if truth is not None]
    counts = {
        "songs": len(grids),
        "beats": sum(len(grid.times) for grid in grids.values()),
        "with_truth": len(compared),
    }
    files.write_json(METRICS, counts | beat_evaluation.summary(compared))


if __name__ == "__main__":
    errors.run(main)
