"""Beat probes trained on GTZAN, tested on songs of another folder: python -m benchmarks.beat_transfer --help

The protocol is that of the stage beat_tracking (`lab.tasks.beat_probe`): single frames of a frozen encoder, a
linear head, madmom's DBN or plain peaks. GTZAN's clips are divided into folds; one is for validation, the others for
training. The songs are in one folder as NAME.ogg (or another audio file) and NAME.beats, one beat time in s per line.
Few songs give no useful interval, so each song has its own line.
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

from motionbeat.errors import MotionBeatError, run
from motionbeat.lab import params
from motionbeat.lab.encoders.feature_cache import compute
from motionbeat.lab.labelled import gtzan
from motionbeat.lab.labelled.labelled_set import Item, LabelledSet
from motionbeat.lab.tasks import beat_decoding, beat_probe, tracker_rows
from motionbeat.lab.tasks.recognition_sets import Fold, folds_of

AUDIO = (".wav", ".flac", ".ogg", ".mp3")


def songs_of(folder: Path) -> list[Item]:
    """The songs of a folder with their beats, by name.

    Raises `MotionBeatError` if one of the two is missing, or a name stands for two files.
    """
    files = sorted(folder.glob("*"))
    songs = [path for path in files if path.suffix.lower() in AUDIO]
    annotations = [path for path in files if path.suffix.lower() == ".beats"]
    found, lists = ({path.stem: path for path in paths} for paths in (songs, annotations))
    counts = (Counter(path.stem for path in paths) for paths in (songs, annotations))
    twice = [name for count in counts for name in count if count[name] > 1]
    if twice:
        raise MotionBeatError(f"{folder}: several files are named {', '.join(twice)}: keep one song and one list each")
    odd = sorted(found.keys() ^ lists.keys())
    if odd or not found:
        raise MotionBeatError(f"{folder}: {', '.join(odd) or 'no song'}: put NAME.ogg and NAME.beats there for each")
    return [Item(name, found[name], "test", name, gtzan.beats_of(lists[name])) for name in found]


def joined(labelled: LabelledSet, songs: Sequence[Item], folds: int, seed: int) -> tuple[LabelledSet, Fold]:
    """GTZAN and the songs as one set, and a round with training and validation on GTZAN and test on the songs."""
    items = (*labelled.items, *songs)
    genres = [item.name.split(".")[0] for item in labelled.items]
    fold = folds_of([item.group for item in labelled.items], genres, folds, seed)
    part = Fold(np.flatnonzero(fold > 0), np.flatnonzero(fold == 0), np.arange(len(labelled.items), len(items)))
    return LabelledSet("gtzan", "beats", (), items, "track", "GTZAN trains, songs test"), part


def lines(found: Mapping[str, Sequence[np.ndarray]], songs: Sequence[Item]) -> list[str]:
    """A Markdown table: F1 / CMLt / AMLt of each row on each song, and their mean."""
    table = ["| row | " + " | ".join(song.name for song in songs) + " | mean |", "| --- " * (len(songs) + 2) + "|"]
    for row, beats in found.items():
        scores = np.array(
            [
                beat_decoding.scores(own, beat_probe.beats_of(song), soundfile.info(song.audio).duration)
                for own, song in zip(beats, songs, strict=True)
            ]
        )
        cells = [" / ".join(f"{value:.3f}" for value in own) for own in (*scores, scores.mean(axis=0))]
        table.append(f"| {row} | " + " | ".join(cells) + " |")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, prog="python -m benchmarks.beat_transfer", formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--gtzan", type=Path, required=True, help="folder with genres/ and beats/, whole or in part")
    parser.add_argument("--songs", type=Path, required=True, help="folder with NAME.ogg and NAME.beats")
    parser.add_argument("--encoders", nargs="+", help="encoders to use instead of encoders.names in params.yaml")
    chosen = parser.parse_args(arguments)
    settings = params.load()
    tasks, songs = settings.tasks, songs_of(chosen.songs)
    labelled, part = joined(gtzan.read_beats(chosen.gtzan, lists=False), songs, tasks.folds, tasks.seed)
    audio = [item.audio for item in labelled.items]
    found: dict[str, Sequence[np.ndarray]] = {}
    for name in chosen.encoders or settings.encoders.names:
        frames = [each.frames() for each in compute(name, settings.encoders, audio, frames=True)]
        tracked = beat_probe.answers(frames, labelled, [part], tasks)
        found |= {f"{name}, {decoder}": beats for decoder, beats in tracked.beats.items()}
    for tracker in tracker_rows.TRACKERS:
        found[tracker] = [tracker_rows.track(tracker, song.audio) for song in songs]
    print(f"{len(part.train)} GTZAN clips train, {len(part.val)} choose; F1 / CMLt / AMLt\n")
    print("\n".join(lines(found, songs)))


if __name__ == "__main__":
    run(main)
