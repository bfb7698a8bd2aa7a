"""NSynth: single notes of 4 s at 16 kHz (Engel et al., 2017); the task is the instrument's family.

Layout: `nsynth-train`, `nsynth-valid` and `nsynth-test` (289,205, 12,678 and 4,096 notes), each with
`examples.json` ({note: {"instrument_str", "instrument_family_str", ...}}) and `audio/<note>.wav`. No instrument of
train is in the other two. synth_lead is in train only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from motionbeat.errors import MotionBeatError
from motionbeat.files import read_json
from motionbeat.lab.labelled.labelled_set import ClipTask, Item, LabelledSet, assemble
from motionbeat.lab.tables import SPLITS

FAMILIES = (
    "bass",
    "brass",
    "flute",
    "guitar",
    "keyboard",
    "mallet",
    "organ",
    "reed",
    "string",
    "synth_lead",
    "vocal",
)
FOLDERS = {"train": "nsynth-train", "val": "nsynth-valid", "test": "nsynth-test"}
_FIX = "unpack the data set's own archive (json/wav) again"


def read(root: Path, splits: Sequence[str] = SPLITS) -> LabelledSet:
    """Notes and their instrument family (kind classes); the notes of one instrument are a group.

    splits: which of train, val and test to read. Raises one `MotionBeatError` for everything that is missing or wrong:
    examples.json, unknown families, notes twice, missing wav files.
    """
    items: list[Item] = []
    errors: list[str] = []
    for split in splits:
        folder = root / FOLDERS[split]
        try:
            notes = _notes(folder / "examples.json")
        except MotionBeatError as error:
            errors.append(str(error))
            continue
        for name, note in notes.items():
            wrong = _wrong_with(note)
            if wrong:
                errors.append(f"{folder / 'examples.json'}: note {name}: {wrong}: {_FIX}")
                continue
            label = FAMILIES.index(note["instrument_family_str"])
            items.append(Item(name, folder / "audio" / f"{name}.wav", split, note["instrument_str"], label))
    return assemble(
        root,
        "nsynth",
        "classes",
        FAMILIES,
        items,
        grouped_by="instrument",
        split_by="the data set's own",
        left_out={},
        errors=errors,
        splits=splits if not errors else (),
    )


def _notes(path: Path) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise MotionBeatError(f"{path} has {twice!r} twice: {_FIX}")
        return dict(pairs)

    notes = read_json(path, _FIX, object_pairs_hook=unique)
    if not isinstance(notes, dict) or not notes:
        raise MotionBeatError(f"{path} has no notes: {_FIX}")
    return notes


def _wrong_with(note: Any) -> str | None:
    if not isinstance(note, dict) or not all(
        isinstance(note.get(field), str) for field in ("instrument_str", "instrument_family_str")
    ):
        return "no instrument_str and instrument_family_str"
    family = note["instrument_family_str"]
    if family not in FAMILIES:
        return f"instrument_family_str {family!r} is not one of {', '.join(FAMILIES)}"
    # the number is redundant; reduced copies of the data set leave it out
    number = note.get("instrument_family", FAMILIES.index(family))
    if number != FAMILIES.index(family):
        return f"instrument_family is {number!r}, but {family} is number {FAMILIES.index(family)}"
    return None


def _read_part(root: Path, folds: bool) -> LabelledSet:
    """Read all splits, or for cross-validation the folders that exist."""
    there = [split for split, name in FOLDERS.items() if (root / name).is_dir()]
    return read(root, there) if folds and there else read(root)


CLIP_TASK = ClipTask(
    "instrument",
    _read_part,
    columns={"accuracy": "Instr. ACC"},
    headline=("accuracy",),
    of_paper={"accuracy": "instrument"},
)
