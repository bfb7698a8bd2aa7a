"""Emomusic, "1000 songs": 744 clips of 45 s rated for arousal and valence, 1 to 9 (Soleymani et al., 2013).

Layout: `songs_info.csv` (song_id, Artist, "Mediaeval 2013 set", ...) and `static_annotations.csv` (song_id,
mean_arousal, mean_valence, ...), both at the root or in `annotations/`, and `clips_45seconds/<song_id>.mp3`.

Split, as in the benchmarks jukemir and MARBLE (504/115/125): the evaluation set of MediaEval 2013 is test;
of the development set, an artist belongs to validation if the SHA-1 of the name, in lower-case ASCII letters with
single spaces, is 8 or 9 modulo 10. Train and validation share no artist; test may share some with them. If there is a
`splits.csv` (song_id, split) at the root, it is used instead.
"""

import hashlib
from pathlib import Path

import numpy as np

from motionbeat.errors import MotionBeatError
from motionbeat.lab.labelled.labelled_set import ClipTask, Item, LabelledSet, assemble, shortened, table
from motionbeat.lab.tables import SPLITS

TARGETS = ("arousal", "valence")
SETS = ("development", "evaluation")
_FIX = "download the file of the data set again"


def read(root: Path) -> LabelledSet:
    """Clips and their mean (arousal, valence), as rated (kind regression); an artist's clips are a group.

    Targets are not z-scored here: the task does it with the mean of the training split. Raises one `MotionBeatError`
    for everything that is missing or wrong: columns, ratings outside 1 to 9, songs in one table only, unknown sets,
    missing clips.
    """
    info, static = (_found(root, name) for name in ("songs_info.csv", "static_annotations.csv"))
    ratings, errors = ratings_of(static)
    artists, sets, wrong = _songs(info)
    errors += wrong
    for path, other, names in ((info, static, artists.keys() - ratings), (static, info, ratings.keys() - artists)):
        if names:
            errors.append(f"{path}: {len(names)} songs are not in {other.name}: {shortened(sorted(names))}: {_FIX}")
    own = root / "splits.csv"
    splits = {song: official_split(sets[song], artist) for song, artist in artists.items()}
    if own.is_file():
        splits, wrong = _own_splits(own, artists)
        errors += wrong
    used = sorted(song for song in ratings.keys() & artists.keys() & splits.keys() if splits[song] in SPLITS)
    folder = root / "clips_45seconds"
    # at least as wide as the ids of the data set, so that names sort like numbers
    items = [
        Item(song.zfill(4), folder / f"{song}.mp3", splits[song], artist_key(artists[song]) or song, ratings[song])
        for song in used
    ]
    return assemble(
        root,
        "emomusic",
        "regression",
        TARGETS,
        items,
        grouped_by="artist",
        split_by="splits.csv" if own.is_file() else "MediaEval 2013 evaluation set, artists by hash",
        left_out={"not named in splits.csv": sorted(artists.keys() - splits.keys())},
        errors=errors,
    )


def ratings_of(
    path: Path,
    song: str = "song_id",
    arousal: str = "mean_arousal",
    valence: str = "mean_valence",
    scale: tuple[float, float] = (1.0, 9.0),
) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Mean (arousal, valence) of each song in a table, and the errors of its lines.

    Column names and scale are Emomusic's; DEAM and PMEmo differ only in these.
    """
    ratings: dict[str, tuple[float, float]] = {}
    errors = []
    for line, row in table(path, (song, arousal, valence), _FIX):
        name = row[song]
        values = tuple(_rating(row[column]) for column in (arousal, valence))
        if not _is_id(name):
            errors.append(f"{path} line {line}: {song} {name!r} is not a number: {_FIX}")
        elif not all(scale[0] <= value <= scale[1] for value in values):
            given = f"{row[arousal]!r} and {row[valence]!r}"
            errors.append(f"{path} line {line}: ratings {given}; expected {scale[0]:g} to {scale[1]:g}: {_FIX}")
        elif str(int(name)) in ratings:
            errors.append(f"{path} line {line}: song {name} occurs twice: {_FIX}")
        else:
            ratings[str(int(name))] = (values[0], values[1])
    return ratings, errors


def artist_key(artist: str) -> str:
    """An artist's name in lower-case ASCII letters and single spaces."""
    kept = "".join(c for c in artist.lower() if c.isascii() and (c.isalpha() or c.isspace()))
    return " ".join(kept.split())


def official_split(mediaeval_set: str, artist: str) -> str:
    """The split of a song of the development or evaluation set by its artist."""
    if mediaeval_set == "evaluation":
        return "test"
    number = int.from_bytes(hashlib.sha1(artist_key(artist).encode(), usedforsecurity=False).digest())
    return "val" if number % 10 >= 8 else "train"


def _found(root: Path, name: str) -> Path:
    for folder in (root, root / "annotations"):
        if (folder / name).is_file():
            return folder / name
    raise MotionBeatError(f"{root / 'annotations' / name} is missing: unpack annotations.tar.gz of Emomusic there")


def _is_id(name: str) -> bool:
    return name.isdecimal() and len(name) < 10


def _rating(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float(np.nan)


def _songs(path: Path) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Artist and MediaEval set of each song, and the errors of the lines."""
    artists: dict[str, str] = {}
    sets: dict[str, str] = {}
    errors = []
    for line, row in table(path, ("song_id", "Artist", "Mediaeval 2013 set"), _FIX):
        name, part = row["song_id"], row["Mediaeval 2013 set"]
        if not _is_id(name):
            errors.append(f"{path} line {line}: song_id {name!r} is not a number: {_FIX}")
        elif part not in SETS:
            errors.append(f"{path} line {line}: Mediaeval 2013 set {part!r} is not one of {', '.join(SETS)}: {_FIX}")
        elif str(int(name)) in artists:
            errors.append(f"{path} line {line}: song {name} occurs twice: {_FIX}")
        else:
            artists[str(int(name))], sets[str(int(name))] = row["Artist"], part
    return artists, sets, errors


def _own_splits(path: Path, artists: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """The split of each song in splits.csv, and the errors of its lines."""
    splits: dict[str, str] = {}
    errors = []
    fix = "correct or remove it"
    for line, row in table(path, ("song_id", "split"), fix):
        name = str(int(row["song_id"])) if _is_id(row["song_id"]) else row["song_id"]
        if name not in artists:
            errors.append(f"{path} line {line}: song {row['song_id']!r} is not in songs_info.csv: {fix}")
        elif row["split"] not in SPLITS:
            errors.append(f"{path} line {line}: split {row['split']!r} is not one of {', '.join(SPLITS)}: {fix}")
        elif name in splits:
            errors.append(f"{path} line {line}: song {name} occurs twice: {fix}")
        else:
            splits[name] = row["split"]
    return splits, errors


CLIP_TASK = ClipTask(
    "emotion",
    lambda root, folds: read(root),
    columns={"r2_valence": "R2 valence", "r2_arousal": "R2 arousal"},
    headline=("r2_valence", "r2_arousal"),
)
