"""The training curves: metrics/train_history.csv, and its losses, recalls and accuracies over the epochs."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded, read_text
from motionbeat.lab.render.stick_figure import INK, LEFT, RIGHT
from motionbeat.lab.results.figures import SERIES, label, legend, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOSSES = ("loss", "ecl", "sral", "sral_beat", "sral_bar", "rhythm", "contact")
RECALLS = ("val_r10_music_to_motion", "val_r10_motion_to_music")
ACCURACIES = ("jitter_accuracy", "tempo_accuracy")
COLUMNS = ("epoch", *LOSSES, "learning_rate", *RECALLS, *ACCURACIES, "score")
COIN = 0.5
_NAMES = {
    "loss": "total",
    "ecl": "ECL",
    "sral": "SRAL",
    "sral_beat": "SRAL, beats",
    "sral_bar": "SRAL, bars",
    "rhythm": "rhythm heads",
    "contact": "contact head",
    "val_r10_music_to_motion": "music to motion",
    "val_r10_motion_to_music": "motion to music",
    "jitter_accuracy": "against the same dance a beat off",
    "tempo_accuracy": "against another song at this tempo",
}

History = Mapping[str, NDArray[np.float64]]


def read_history(path: Path) -> dict[str, NDArray[np.float64]]:
    """metrics/train_history.csv as one array per column, NaN for empty cells.

    The column of an accuracy may be missing, if a small validation split has no pair for it.
    """
    text = read_text(path, "run `dvc repro` to make it")
    with guarded(path, "is not a CSV table", "run `dvc repro` to make it"):
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    missing = set(COLUMNS) - (set(rows[0]) | set(ACCURACIES) if rows else set())
    if missing:
        raise MotionBeatError(f"{path} lacks the columns {sorted(missing)} or has no rows: run `dvc repro`")
    try:
        return {name: np.array([float(row.get(name) or "nan") for row in rows]) for name in COLUMNS}
    except (TypeError, ValueError) as error:
        raise MotionBeatError(f"{path} has a cell that is not a number ({error}): run `dvc repro`") from None


def training_curves(history: History, best_epoch: int) -> "dict[str, Figure]":
    """Loss terms, validation R@10 of both directions, jitter and tempo accuracy, each over the epochs.

    history: columns from `read_history`. A dotted line marks the kept epoch, a dashed one the accuracy of chance.
    """
    losses = _panel(history, best_epoch, LOSSES, SERIES, "Training loss", "loss (nats; SRAL unitless)")
    losses.axes[0].set_yscale("symlog", linthresh=0.1, linscale=0.4)
    losses.axes[0].yaxis.set_major_formatter("{x:g}")
    losses.axes[0].set_ylim(bottom=0.02)
    recalls = _panel(history, best_epoch, RECALLS, (RIGHT, LEFT), "Validation windows", "R@10 (% of queries)")
    recalls.axes[0].set_ylim(0, 103)
    accuracies = _panel(history, best_epoch, ACCURACIES, (RIGHT, LEFT), "The true pair wins", "accuracy (of pairs)")
    accuracies.axes[0].axhline(COIN, color=INK, lw=0.9, ls="--", alpha=0.6, label="chance (0.5)")
    accuracies.axes[0].set_ylim(0, 1.03)
    figures = {"loss": losses, "recall": recalls, "accuracy": accuracies}
    for name, figure in figures.items():
        legend(figure.axes[0], 2 if name == "loss" else 1)
    return figures


def _panel(
    history: History, best_epoch: int, names: Sequence[str], colours: Sequence[str], title: str, y: str
) -> "Figure":
    figure, axes = picture()
    for name, colour in zip(names, colours, strict=False):
        known = np.isfinite(history[name])
        if known.any():
            marker = "" if names is LOSSES else "o"
            x = history["epoch"][known]
            axes.plot(x, history[name][known], color=colour, lw=1.3, marker=marker, ms=2.5, label=_NAMES[name])
    axes.axvline(best_epoch, color=INK, lw=0.9, ls=":", alpha=0.7)
    label(axes, "epoch", y, title)
    return figure
