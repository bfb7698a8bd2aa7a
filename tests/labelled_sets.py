"""What the tests of readers of labelled data sets have in common: files in official layouts, refusals, real data."""

import csv
import hashlib
import re
from pathlib import Path

import pytest

from motionbeat.errors import MotionBeatError

DATA = Path(__file__).parents[2] / "shared" / "data"
LISTED = {"train": ["blues.00029", "jazz.00054", "rock.00001"], "valid": ["blues.00000"], "test": ["rock.00010"]}
Songs = list[tuple[str, str, str]]  # song_id, artist, Mediaeval 2013 set


def put(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refused(read, *arguments, **named) -> str:
    with pytest.raises(MotionBeatError) as error:
        read(*arguments, **named)
    return str(error.value)


def write_gtzan(root: Path) -> Path:
    """Five listed clips (one of them the broken one), one on no list, with beats."""
    for name, clips in LISTED.items():
        put(root / f"{name}_filtered.txt", "".join(f"{clip.split('.')[0]}/{clip}.wav\n" for clip in clips))
    for clip in [*(clip for clips in LISTED.values() for clip in clips), "pop.00015"]:
        genre, number = clip.split(".")
        put(root / "genres" / genre / f"{clip}.au")
        put(root / "beats" / f"gtzan_{genre}_{number}.beats", "0.5\t3\n1.0\t4\n1.5\t1\n")
    return root


def hex_split(artist: str) -> str:
    """The rule in another notation: the hexadecimal digest as one number, modulo 10."""
    name = " ".join(re.sub(r"[^a-z\s]", "", artist.lower()).split())
    return "val" if int(hashlib.sha1(name.encode()).hexdigest(), 16) % 10 in (8, 9) else "train"


def rated_songs() -> Songs:
    """A song of each split: a training and a validation artist, found by the rule's other notation, and a test song."""
    names = [f"Band {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    artists = {split: next(name for name in names if hex_split(name) == split) for split in ("train", "val")}
    return [("2", artists["train"], "development"), ("30", artists["val"], "development"), ("4", "Zoe", "evaluation")]


def write_ratings(root: Path, songs: Songs, ratings: list[list] | None = None, folder: str = "annotations") -> None:
    info = [["song_id", "file_name", "Artist", "Song title", "Mediaeval 2013 set"]]
    info += [[song, f"{song}.mp3", f"\t{artist}", "x", part] for song, artist, part in songs]
    rated = [["song_id", "mean_arousal", "std_arousal", "mean_valence", "std_valence"]]
    rated += ratings or [[song, 3 + n, 1, 6 - n, 1] for n, (song, *_) in enumerate(songs)]
    for name, rows in (("songs_info", info), ("static_annotations", rated)):
        put(root / folder / f"{name}.csv")
        with (root / folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    for song, *_ in songs:
        put(root / "clips_45seconds" / f"{song}.mp3")
