"""GTZAN: 1,000 clips of 30 s in 10 genres (Tzanetakis & Cook, 2002), and their beats (Marchand & Peeters, 2015).

Layout: `genres/<genre>/<genre>.000NN.(wav|au|flac|mp3)` (or `genres_original/`), `beats/gtzan_<genre>_000NN.beats`
with lines `time<TAB>position`, and the fault-filtered lists of Kereliuk, Sturm & Larsen (2015), in which train,
validation and test have different artists: `train_filtered.txt` (443 clips), `valid_filtered.txt` (197) and
`test_filtered.txt` (290), lines `blues/blues.00029.wav`.

jazz.00054, which is on the training list, is broken in the available copies and always left out.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from motionbeat.errors import MotionBeatError, refuse
from motionbeat.lab.labelled.labelled_set import (
    UNSPLIT,
    BeatLabels,
    ClipTask,
    Item,
    Kind,
    LabelledSet,
    assemble,
    shortened,
    text_of,
)
from motionbeat.lab.tables import SPLITS

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
CORRUPT = ("jazz.00054",)
NOT_ANNOTATED = ("reggae.00086",)
"""The only clip of the 1,000 without beat annotation."""
LISTS = {"train": "train_filtered.txt", "val": "valid_filtered.txt", "test": "test_filtered.txt"}
_AUDIO = (".wav", ".au", ".flac", ".mp3")
_CLIP = re.compile(r"([a-z]+)\.(\d{5})")
_LISTED = re.compile(r"(?:([a-z]+)/)?(([a-z]+)\.\d{5})\.[a-z0-9]+")
_LISTS_FROM = (
    "download the three *_filtered.txt of the fault-filtered split (GTZAN_split in "
    "https://github.com/jongpillee/music_dataset_split) and put them there"
)


def read(root: Path, lists: bool = True) -> LabelledSet:
    """Clips and their genre (kind classes). Without `lists` every clip has split UNSPLIT, for cross-validation.

    Raises one `MotionBeatError` for everything that is missing or wrong: the lists, listed clips without audio, unknown
    genres, clips that occur twice.
    """
    clips, splits, left_out, errors = _clips(root, lists)
    items = [
        Item(name, path, splits[name], name, GENRES.index(name.split(".")[0]))
        for name, path in clips.items()
        if name in splits
    ]
    return _assembled(root, "classes", items, lists, left_out, errors)


def read_beats(root: Path, lists: bool = True) -> LabelledSet:
    """Clips and their annotated beats (kind beats), for the same splits; see `read`.

    Six jazz clips have no bar positions: their labels have only times.
    """
    clips, splits, left_out, errors = _clips(root, lists)
    items = []
    unannotated: list[str] = []
    for name, path in clips.items():
        if name not in splits:
            continue
        beats = root / "beats" / f"gtzan_{name.replace('.', '_')}.beats"
        if not beats.exists():
            unannotated.append(name)
            continue
        try:
            items.append(Item(name, path, splits[name], name, beats_of(beats)))
        except MotionBeatError as error:
            errors.append(str(error))
    forgotten = [name for name in unannotated if name not in NOT_ANNOTATED]
    if forgotten:
        errors.append(
            f"{root / 'beats'}: {len(forgotten)} clips have no beats (gtzan_<genre>_<number>.beats): "
            f"{shortened(forgotten)}: put the annotations there"
        )
    left_out = {**left_out, "no beat annotation exists": [name for name in unannotated if name in NOT_ANNOTATED]}
    return _assembled(root, "beats", items, lists, left_out, errors)


def beats_of(path: Path) -> BeatLabels:
    """Beats of a file of lines `time` or `time<TAB>position`; all lines have the same form.

    Raises `MotionBeatError` that names wrong lines and times that do not increase, and for fewer than two beats.
    """
    fix = "download the annotation file again"
    lines = [(number, line.split()) for number, line in enumerate(text_of(path, fix).splitlines(), 1) if line.strip()]
    widths = {len(values) for _, values in lines}
    times, positions, errors = [], [], []
    for number, values in lines:
        if len(values) > 2 or not _number(values[0]) or (len(values) == 2 and not _position(values[1])):
            errors.append(f"{path} line {number}: {' '.join(values)!r} is not a time in seconds and position: {fix}")
            continue
        times.append(float(values[0]))
        positions += [int(value) for value in values[1:]]
        if len(times) > 1 and times[-1] <= times[-2]:
            errors.append(f"{path} line {number}: {times[-1]} s is not after {times[-2]} s: {fix}")
    if widths == {1, 2}:
        errors.append(f"{path}: some lines have a position and some have none: {fix}")
    if len(lines) < 2:
        errors.append(f"{path} has {len(lines)} beats; expected at least 2: {fix}")
    refuse(errors)
    return BeatLabels(np.array(times), np.array(positions, np.int64) if positions else None)


def _number(text: str) -> bool:
    try:
        return 0 <= float(text) < np.inf
    except ValueError:
        return False


def _position(text: str) -> bool:
    return text.isdecimal() and len(text) < 10 and int(text) >= 1


def _assembled(
    root: Path, kind: Kind, items: list[Item], lists: bool, left_out: Mapping[str, list[str]], errors: list[str]
) -> LabelledSet:
    return assemble(
        root,
        "gtzan",
        kind,
        GENRES if kind == "classes" else (),
        items,
        grouped_by="clip",
        split_by="fault-filtered lists" if lists else "none",
        left_out=left_out,
        errors=errors,
        splits=SPLITS if lists else (UNSPLIT,),
    )


def _clips(root: Path, lists: bool) -> tuple[dict[str, Path], dict[str, str], dict[str, list[str]], list[str]]:
    """The audio of each used clip, the split of each clip, the clips that are left out, and errors."""
    clips, errors = _audio(root)
    splits = dict.fromkeys(clips, UNSPLIT)
    if lists:
        splits, wrong = _splits(root)
        errors += wrong
        # a clip on a list is used even without a file, so that a missing file is an error
        example = next(iter(clips.values()), root / "genres" / "x" / "x.wav")
        for name in splits.keys() - clips.keys() - set(CORRUPT):
            clips[name] = example.parents[1] / name.split(".")[0] / f"{name}{example.suffix}"
    left_out = {
        "broken audio": [name for name in CORRUPT if name in clips or name in splits],
        "on none of the fault-filtered lists": [name for name in clips if name not in splits and name not in CORRUPT],
    }
    used = {name: path for name, path in sorted(clips.items()) if name not in CORRUPT}
    return used, splits, left_out, errors


def _audio(root: Path) -> tuple[dict[str, Path], list[str]]:
    base = next((root / name for name in ("genres", "genres_original") if (root / name).is_dir()), None)
    if base is None:
        raise MotionBeatError(f"{root} has no folder genres: unpack GTZAN there, or correct tasks.gtzan.root")
    clips: dict[str, Path] = {}
    errors = []
    for folder in sorted(path for path in base.iterdir() if path.is_dir()):
        if folder.name not in GENRES:
            errors.append(f"{folder}: {folder.name!r} is not one of GTZAN's genres ({', '.join(GENRES)}): remove it")
            continue
        for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in _AUDIO):
            match = _CLIP.fullmatch(path.stem)
            if match is None or match[1] != folder.name:
                errors.append(f"{path}: not named {folder.name}.000NN{path.suffix}: rename or remove it")
            elif path.stem in clips:
                errors.append(f"{path}: clip {path.stem} is also there as {clips[path.stem].name}: keep one of them")
            else:
                clips[path.stem] = path
    return clips, errors


def _splits(root: Path) -> tuple[dict[str, str], list[str]]:
    """The split of each listed clip, and the errors of the lists."""
    absent = [name for name in LISTS.values() if not (root / name).is_file()]
    if absent:
        raise MotionBeatError(f"{root} has no {', '.join(absent)}: {_LISTS_FROM}")
    splits: dict[str, str] = {}
    errors = []
    for split, name in LISTS.items():
        for number, line in enumerate(text_of(root / name, _LISTS_FROM).splitlines(), 1):
            if not line.strip():
                continue
            where, match = f"{root / name} line {number}", _LISTED.fullmatch(line.strip())
            if match is None or match[3] not in GENRES or match[1] not in (None, match[3]):
                errors.append(f"{where}: {line.strip()!r} is not a line like blues/blues.00029.wav: {_LISTS_FROM}")
            elif match[2] in splits:
                errors.append(f"{where}: {match[2]} is already on the list of {splits[match[2]]}: {_LISTS_FROM}")
            else:
                splits[match[2]] = split
    return splits, errors


CLIP_TASK = ClipTask(
    "genre",
    lambda root, folds: read(root, lists=not folds),
    columns={"accuracy": "Genre ACC"},
    headline=("accuracy",),
    of_paper={"accuracy": "genre"},
)
