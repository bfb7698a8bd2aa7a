"""The recognition tasks: their data sets, and the clips for training, validation and test of a probe.

Splits and metrics are those of the benchmarks jukemir (Castellon, Donahue & Liang, 2021) and MARBLE (Yuan et al.,
2023). If only a part of a data set is available, `split: folds` tests every clip once by cross-validation.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab import labelled, registry
from motionbeat.lab.labelled import clip_task, gtzan
from motionbeat.lab.labelled.labelled_set import OURS, ClipTask, LabelledSet
from motionbeat.lab.params import DataSet, Tasks

STANDINS = Path("data/standins")
"""Folder of the synthetic stand-ins; a data set with its root here is not real."""
BEAT_TASK = "beat_tracking"
BEAT_HEADLINE = {"beat_f1": (BEAT_TASK, OURS, "f1")}


@frozen(eq=False)
class Fold:
    """One round of training, validation and test: indices into `LabelledSet.items`."""

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    test: NDArray[np.int64]


def declared_tasks() -> dict[str, ClipTask]:
    """{data set: its task}."""
    return {name: clip_task(name) for name in registry.names("data set")}


def settings_of(data_set: str, tasks: Tasks) -> DataSet:
    """Root and split of a data set (a name of the registry)."""
    return getattr(tasks, data_set)


def is_standin(data_set: str, tasks: Tasks) -> bool:
    """Whether the data set is the synthetic stand-in; spellings of its root do not matter."""
    return Path(settings_of(data_set, tasks).root).resolve() == (STANDINS / data_set).resolve()


def open_set(data_set: str, tasks: Tasks, beats: bool = False) -> LabelledSet:
    """Open the data set that params.yaml names: its official split, or with `split: folds` all items that exist.

    beats: GTZAN's beats instead of its genres. Raises `MotionBeatError` for missing or wrong files.
    """
    chosen = settings_of(data_set, tasks)
    root, folds = Path(chosen.root), chosen.split == "folds"
    if not root.is_dir():
        raise MotionBeatError(
            f"tasks.{data_set}.root = {chosen.root}: no such folder; unpack the data set there, or set it to "
            f"{STANDINS / data_set} for the synthetic stand-in"
        )
    return gtzan.read_beats(root, lists=not folds) if beats else labelled.read(data_set, root, folds)


def parts(labelled: LabelledSet, split: str, folds: int, seed: int) -> list[Fold]:
    """The rounds of training and testing: one for the official split, `folds` for cross-validation.

    In round k, fold k is for test, the next one for validation, the others for training. Raises `MotionBeatError` if
    there are fewer groups than folds.
    """
    if split == "official":
        of = {name: [i for i, item in enumerate(labelled.items) if item.split == name] for name in ("train", "val")}
        test = [i for i, item in enumerate(labelled.items) if item.split == "test"]
        return [Fold(np.array(of["train"]), np.array(of["val"]), np.array(test))]
    fold = folds_of([item.group for item in labelled.items], _strata(labelled), folds, seed)
    return [
        Fold(
            np.flatnonzero((fold != test) & (fold != (test + 1) % folds)),
            np.flatnonzero(fold == (test + 1) % folds),
            np.flatnonzero(fold == test),
        )
        for test in range(folds)
    ]


def folds_of(groups: Sequence[str], strata: Sequence[Any], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold (n,) of each clip: the groups of each stratum are shuffled and assigned to the folds in turn. A group is
    never divided. The next stratum continues after the last fold, so that folds differ by at most one group. Raises
    `MotionBeatError` for fewer than 3 folds or fewer groups than folds.
    """
    if folds < 3:
        raise MotionBeatError(f"tasks.folds = {folds}; expected at least 3: for training, validation and test")
    stratum_of = dict(zip(groups, strata, strict=True))
    if len(stratum_of) < folds:
        raise MotionBeatError(f"{len(stratum_of)} groups of clips for {folds} folds: lower tasks.folds, or add data")
    generator = np.random.default_rng(np.random.SeedSequence([seed, folds]))
    order: list[str] = []
    for stratum in sorted(set(stratum_of.values())):
        members = sorted(group for group, its_stratum in stratum_of.items() if its_stratum == stratum)
        order += [members[i] for i in generator.permutation(len(members))]
    fold_of_group = {group: place % folds for place, group in enumerate(order)}
    return np.array([fold_of_group[group] for group in groups])


def about(labelled: LabelledSet, rounds: Sequence[Fold], tasks: Tasks) -> dict[str, Any]:
    """The settings of a task: data set, split, numbers of clips and groups, and what was left out.

    train, val: numbers of clips; in cross-validation, the means over `rounds` rounds. test: clips of all rounds.
    """
    tested = [labelled.items[i] for part in rounds for i in part.test]
    settings = settings_of(labelled.name, tasks)
    folds = f"{len(rounds)}-fold cross-validation over {labelled.grouped_by}s"
    return {
        "data_set": labelled.name,
        "standin": is_standin(labelled.name, tasks),
        "split": labelled.split_by if settings.split == "official" else folds,
        "train": round(float(np.mean([len(part.train) for part in rounds]))),
        "val": round(float(np.mean([len(part.val) for part in rounds]))),
        "test": len(tested),
        "groups": len({item.group for item in tested}),
        "grouped_by": labelled.grouped_by,
        "left_out": {reason: len(names) for reason, names in labelled.left_out.items()},
        "seed": tasks.seed,
        "resamplings": tasks.bootstrap,
    } | ({"rounds": len(rounds)} if len(rounds) > 1 else {})


def _strata(labelled: LabelledSet) -> list[Any]:
    if labelled.kind == "classes":
        return [item.label for item in labelled.items]
    if labelled.name == "gtzan":  # its beats: the genre is in the name
        return [item.name.split(".")[0] for item in labelled.items]
    return [0] * len(labelled.items)
