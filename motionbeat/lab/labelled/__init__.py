"""Labelled music for the recognition tasks, each data set in its official layout."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from motionbeat.lab.labelled.labelled_set import LabelledSet

DATA_SETS = ("gtzan", "magnatagatune", "nsynth", "emomusic")


def read(name: str, root: Path) -> "LabelledSet":
    """The data set `name` (one of DATA_SETS) in the folder `root`, labels for its task.

    GTZAN's beats come from `gtzan.read_beats`. Raises `MotionBeatError` for an unknown name, and for all that
    is missing or wrong in the folder, together.
    """
    from motionbeat.errors import MotionBeatError
    from motionbeat.lab.labelled import emomusic, gtzan, magnatagatune, nsynth

    readers: dict[str, Callable[[Path], LabelledSet]] = {
        "gtzan": gtzan.read,
        "magnatagatune": magnatagatune.read,
        "nsynth": nsynth.read,
        "emomusic": emomusic.read,
    }
    if name not in readers:
        raise MotionBeatError(f"data set {name!r} is unknown; expected one of {', '.join(DATA_SETS)}")
    return readers[name](root)
