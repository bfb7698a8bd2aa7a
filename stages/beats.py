"""Stage beats: find the beats of every song of the corpus, and say how well they fit its declared tempo."""

from pathlib import Path

from motionbeat import errors, files, params, tables
from motionbeat.beats import evaluation, songs

CORPUS = Path("data/corpus")
OUTPUT = Path("data/beats")
METRICS = Path("metrics/beats.json")
CACHE = files.cache_folder() / "beats"


def main() -> None:
    options = params.load().beats
    of_corpus = songs.songs_of(tables.read(CORPUS / "manifest.parquet", tables.MANIFEST), CORPUS)
    tracked = songs.track_all(of_corpus, options, CACHE, files.workers())
    grids = {
        name: found.beats.extended(found.duration_s) if options.extend else found.beats
        for name, found in tracked.items()
    }
    with files.whole_folder(OUTPUT) as folder:
        tables.write(folder / "beats.parquet", tables.BEATS, songs.as_columns(grids))
    truths = {song.name: songs.truth(song, tracked[song.name].duration_s) for song in of_corpus}
    compared = [evaluation.compare(grids[name], truth) for name, truth in truths.items() if truth is not None]
    counts = {
        "songs": len(grids),
        "beats": sum(len(grid.times) for grid in grids.values()),
        "with_truth": len(compared),
    }
    files.write_json(METRICS, counts | evaluation.summary(compared))


if __name__ == "__main__":
    errors.run(main)
