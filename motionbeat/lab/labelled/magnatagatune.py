"""MagnaTagATune: 25,863 clips of 29 s with 188 tags (Law et al., 2009); the task is its 50 most frequent tags.

Layout: `annotations_final.csv` (tab-separated: clip_id, one column of 0 and 1 per tag, mp3_path) and the mp3 files
under their mp3_path, in folders 0 to f (unpacked from the three parts of mp3.zip).

Split by folder, as usual since Dieleman & Schrauwen (2014): 0-b train, c validation, d-f test. The benchmarks
MARBLE and jukemir keep the clips that have none of the 50 tags, others drop them (21,105 are left): `untagged`.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import refuse
from motionbeat.lab.labelled.labelled_set import ClipTask, Item, LabelledSet, assemble, table

TAGS = 50
CORRUPT = ("35644", "55753", "57881")
"""Clip ids whose mp3 files are empty in the published archive."""
_PATH = re.compile(r"([0-9a-f])/[^/\\]+\.mp3")
_SEGMENT = re.compile(r"-\d+-\d+\.mp3$")
_FIX = "download the file of the data set again"


def read(root: Path, untagged: bool = True) -> LabelledSet:
    """Clips and their tags (kind tags), classes in order of frequency; clips of one track are a group.

    untagged: keep clips that have none of the 50 tags. Raises one `MotionBeatError` for everything that is missing or
    wrong: columns, values other than 0 and 1, paths outside folders 0 to f, clips twice, missing mp3 files.
    """
    path = root / "annotations_final.csv"
    rows = table(path, ("clip_id", "mp3_path"), _FIX, delimiter="\t")
    names = [column for column in rows[0][1] if column not in ("clip_id", "mp3_path")]
    marks, errors = _marks(path, rows, names)
    refuse(errors)
    top = top_tags(marks)
    if len(top) < TAGS:
        refuse([f"{path}: only {len(top)} tags are given to any clip; the task needs {TAGS}: {_FIX}"])

    items, broken, without = [], [], []
    for (_, row), tags in zip(rows, marks[:, top], strict=True):
        name = row["mp3_path"].removesuffix(".mp3")
        if row["clip_id"] in CORRUPT:
            broken.append(name)
        elif not untagged and not tags.any():
            without.append(name)
        else:
            split = split_of(name[0])
            track = _SEGMENT.sub("", row["mp3_path"])
            items.append(Item(name, root / row["mp3_path"], split, track, tuple(map(float, tags))))
    return assemble(
        root,
        "magnatagatune",
        "tags",
        [names[column] for column in top],
        items,
        grouped_by="track",
        split_by="folders 0-b, c and d-f",
        left_out={"broken audio": broken, "none of the 50 tags": without},
        errors=[],
    )


def top_tags(marks: NDArray[np.bool_]) -> list[int]:
    """Columns of the TAGS most frequent tags of (clips, tags), the most frequent first, ties in the given order.

    The result is shorter if fewer tags occur.
    """
    counts = marks.sum(axis=0)
    return [int(column) for column in np.argsort(-counts, kind="stable")[:TAGS] if counts[column]]


def split_of(folder: str) -> str:
    """The split of a folder 0 to f."""
    return "train" if folder < "c" else "val" if folder == "c" else "test"


def _marks(path: Path, rows: list[tuple[int, dict[str, str]]], names: list[str]) -> tuple[NDArray[np.bool_], list[str]]:
    """(clips, tags), and the errors of the lines."""
    marks = np.zeros((len(rows), len(names)), bool)
    errors = []
    for index, (line, row) in enumerate(rows):
        wrong = [name for name in names if row[name] not in ("0", "1")]
        if wrong:
            errors.append(f"{path} line {line}: tag {wrong[0]!r} is {row[wrong[0]]!r}; expected 0 or 1: {_FIX}")
        if not _PATH.fullmatch(row["mp3_path"]):
            errors.append(f"{path} line {line}: mp3_path {row['mp3_path']!r} is not in a folder 0 to f: {_FIX}")
        marks[index] = [row[name] == "1" for name in names]
    return marks, errors


CLIP_TASK = ClipTask(
    "tagging",
    lambda root, folds: read(root),
    columns={"roc_auc": "Tag ROC", "average_precision": "Tag AP"},
    headline=("roc_auc",),
)
