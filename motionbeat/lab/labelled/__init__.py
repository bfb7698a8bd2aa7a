"""Labelled music for the recognition tasks, each data set in its official layout."""

from pathlib import Path
from typing import TYPE_CHECKING

from motionbeat.lab import registry

if TYPE_CHECKING:
    from motionbeat.lab.labelled.labelled_set import ClipTask, LabelledSet


def clip_task(data_set: str) -> "ClipTask":
    """The task of a data set's module; `MotionBeatError` for an unknown name."""
    task: ClipTask = registry.module_of("data set", data_set).CLIP_TASK
    return task


def read(data_set: str, root: Path, folds: bool = False) -> "LabelledSet":
    """Read the data set in the folder `root`, with labels for its task.

    folds: read all existing items, for cross-validation. Raises `MotionBeatError` for an unknown name, and one for
    everything that is missing or wrong in the folder.
    """
    return clip_task(data_set).read(root, folds)
