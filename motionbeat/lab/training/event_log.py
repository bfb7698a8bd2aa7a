"""Write a training history as TensorBoard events, to watch a run."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from motionbeat.errors import MotionBeatError

Observe = Callable[[Mapping[str, Any]], None]


def tensorboard(folder: Path) -> Observe:
    """Write each row's numbers as scalars into a new `folder`, at the row's epoch; earlier events there are deleted.

    Raises `MotionBeatError` if the package tensorboard is missing.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MotionBeatError(
            "train.log = tensorboard: the package tensorboard is not installed; "
            "pip install 'motionbeat[tensorboard]', or set train.log=csv"
        ) from None
    shutil.rmtree(folder, ignore_errors=True)
    writer = SummaryWriter(str(folder))

    def observe(row: Mapping[str, Any]) -> None:
        for name, value in row.items():
            if name != "epoch":
                writer.add_scalar(name, value, int(row["epoch"]))
        writer.flush()

    return observe
