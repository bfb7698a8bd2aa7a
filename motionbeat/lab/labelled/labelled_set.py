"""Files2LabelledSet: audio files with labels and a split, in the same form for all data sets.

A reader collects items and errors; `assemble` checks everything and reports all errors in one message.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError, refuse
from motionbeat.files import read_text, size_of
from motionbeat.lab.tables import SPLITS

Kind = Literal["classes", "tags", "regression", "beats"]
OURS = "motionbeat"
"""The row of the trained model in tables."""
UNSPLIT = ""
"""The split of every item if a set was read without its splits, for cross-validation."""
_NAMED = 3  # number of examples in a message about many files


@frozen(eq=False)
class BeatLabels:
    """Annotated beats: times (N,) s, increasing; positions (N,) in the bar, from 1, or None without annotation."""

    times: NDArray[np.float64]
    positions: NDArray[np.int64] | None


Label = int | tuple[float, ...] | BeatLabels


@frozen
class Item:
    """One recording. Items of one `group` (track, artist, instrument) are not independent of each other.

    label, by the set's kind: classes - index into `LabelledSet.classes`; tags - one 0 or 1 per class; regression - one
    number per class; beats - `BeatLabels`.
    """

    name: str
    audio: Path
    split: str
    group: str
    label: Label


@frozen
class LabelledSet:
    """The items of one task of a data set, sorted by name.

    classes: names of the classes, tags or regressed quantities (none for beats). grouped_by: the kind of group;
    intervals resample groups. split_by: the source of the split, printed with a score. left_out: for each reason, the
    names of unused items.
    """

    name: str
    kind: Kind
    classes: tuple[str, ...]
    items: tuple[Item, ...]
    grouped_by: str
    split_by: str
    left_out: Mapping[str, list[str]] = field(factory=dict)

    def of(self, split: str) -> list[Item]:
        """The items of one split: train, val or test (or UNSPLIT)."""
        return [item for item in self.items if item.split == split]

    def targets(self, split: str) -> NDArray[Any]:
        """Labels of a split as an array: classes (n,) int64; tags and regression (n, classes) float64.

        Raises `MotionBeatError` for beats, whose number differs: take them from the items.
        """
        if self.kind == "beats":
            raise MotionBeatError(f"{self.name}: beats differ in number from clip to clip; read item.label of each")
        labels = [item.label for item in self.of(split)]
        if self.kind == "classes":
            return np.array(labels, np.int64)
        return np.array(labels, np.float64).reshape(len(labels), len(self.classes))


@frozen
class ClipTask:
    """A task with one label per clip, declared by the module of its data set (`CLIP_TASK`).

    read: a function of the root, and of whether it is for cross-validation, that returns the clips. columns: {metric:
    title} of its tables. headline: the metrics that DVC shows. of_paper: {metric: column of the paper's Table 1}, if
    its name differs.
    """

    name: str
    read: Callable[[Path, bool], LabelledSet]
    columns: Mapping[str, str]
    headline: tuple[str, ...]
    of_paper: Mapping[str, str] = field(factory=dict)

    @property
    def shown(self) -> dict[str, tuple[str, str, str]]:
        """{name for DVC: task, row and metric} of our headline figures."""
        return {f"{self.name}_{metric}": (self.name, OURS, metric) for metric in self.headline}


def assemble(
    root: Path,
    name: str,
    kind: Kind,
    classes: Sequence[str],
    items: Iterable[Item],
    *,
    grouped_by: str,
    split_by: str,
    left_out: Mapping[str, list[str]],
    errors: Iterable[str],
    splits: Sequence[str] = SPLITS,
) -> LabelledSet:
    """Sort and check the items of a reader; raises one error for wrong items and the reader's `errors`.

    Refused: a name twice, audio that is missing or empty (with counts), a split of `splits` without items.
    """
    ordered = sorted(items, key=lambda item: item.name)
    found = list(errors)
    found += [f"{root}: clip {clip} occurs twice: keep one" for clip in _repeated(item.name for item in ordered)]
    found += _wrong_audio(root, ordered)
    present = {item.split for item in ordered}
    found += [
        f"{root}: no clip is in split {split!r} of {name} ({split_by}): put the whole data set there"
        for split in splits
        if split not in present
    ]
    refuse(found)
    used = {reason: sorted(names) for reason, names in left_out.items() if names}
    return LabelledSet(name, kind, tuple(classes), tuple(ordered), grouped_by, split_by, used)


def _repeated(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _wrong_audio(root: Path, items: Sequence[Item]) -> list[str]:
    sizes = {item.audio: size_of(item.audio) for item in items}
    missing = [path for path, size in sizes.items() if size is None]
    empty = [path for path, size in sizes.items() if size == 0]
    wrong = (
        (missing, "is missing", "are missing", "put"),
        (empty, "is empty (0 bytes)", "are empty (0 bytes)", "copy"),
    )
    return [
        f"{root}: the audio of {len(paths)} of {len(items)} clips {one if len(paths) == 1 else many}: "
        f"{fix} it there again: {shortened(str(path)[:300] for path in paths)}"
        for paths, one, many, fix in wrong
        if paths
    ]


def shortened(names: Iterable[str]) -> str:
    """The first names, and the number of the others."""
    listed = list(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more


def text_of(path: Path, fix: str) -> str:
    """The text of a file; raises `MotionBeatError` naming it and `fix` if it is missing or not text."""
    return read_text(path, fix)


def table(path: Path, needed: Sequence[str], fix: str, delimiter: str = ",") -> list[tuple[int, dict[str, str]]]:
    """Rows of a csv file as (line number, column -> stripped value).

    Raises `MotionBeatError` listing missing columns, columns twice, rows of another width and a table without rows.
    """
    reader = csv.reader(io.StringIO(text_of(path, fix), newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [(reader.line_num, [value.strip() for value in row]) for row in reader if any(row)]
    except csv.Error as error:
        raise MotionBeatError(f"{path} line {reader.line_num}: {error}: {fix}") from None
    if len(rows) < 2:
        raise MotionBeatError(f"{path} has no rows below its header: {fix}")
    (_, header), body = rows[0], rows[1:]
    errors = [
        f"{path} has no column {column!r}, only {shortened(header)}: {fix}" for column in needed if column not in header
    ]
    errors += [f"{path} has column {column!r} twice: {fix}" for column in _repeated(header)]
    errors += [
        f"{path} line {line}: {len(row)} values for {len(header)} columns: {fix}"
        for line, row in body
        if len(row) != len(header)
    ]
    refuse(errors)
    return [(line, dict(zip(header, row, strict=True))) for line, row in body]
