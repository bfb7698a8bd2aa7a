"""Figures as inline SVG that takes the page's text colour, and the training curves.

The same numbers give the same bytes: no date, ids from a fixed salt, text left as text.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded, read_text
from motionbeat.lab.render.stick_figure import INK, LEFT, RIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSSES = ("loss", "ecl", "sral", "sral_beat", "sral_bar", "rhythm", "contact")
RECALLS = ("val_r10_music_to_motion", "val_r10_motion_to_music")
ACCURACIES = ("jitter_accuracy", "tempo_accuracy")
COLUMNS = ("epoch", *LOSSES, "learning_rate", *RECALLS, *ACCURACIES, "score")
COIN = 0.5
_SERIES = (INK, RIGHT, LEFT, "#2f9e68", "#a667c7", "#c29a1f", "#7a8794")
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
    """metrics/train_history.csv as one array a column, NaN where a cell is empty.

    An accuracy may have no column at all: a small validation split can be without a pair to measure it on.
    """
    text = read_text(path, "run `dvc repro` to make it")
    with guarded(path, "is no csv table", "run `dvc repro` to make it"):
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    missing = set(COLUMNS) - (set(rows[0]) | set(ACCURACIES) if rows else set())
    if missing:
        raise MotionBeatError(f"{path} lacks the columns {sorted(missing)} or has no rows: run `dvc repro`")
    try:
        return {name: np.array([float(row.get(name) or "nan") for row in rows]) for name in COLUMNS}
    except (TypeError, ValueError) as error:
        raise MotionBeatError(f"{path} holds a cell that is no number ({error}): run `dvc repro`") from None


def training_curves(history: History, best_epoch: int) -> "Figure":
    """Loss terms, validation R@10 of both directions, jitter and tempo accuracy, each over the epochs.

    history: columns as `read_history` gives them. The kept epoch is a dotted line; a coin's accuracy a dashed one.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    losses, recalls, accuracies = figure.subplots(1, 3)
    _plot(losses, history, LOSSES)
    losses.set_yscale("symlog", linthresh=0.1, linscale=0.4)
    losses.yaxis.set_major_formatter("{x:g}")
    _label(losses, "Training loss", "loss (nats; SRAL unitless)")
    _plot(recalls, history, RECALLS, marker="o")
    recalls.set_ylim(0, 100)
    _label(recalls, "Validation windows", "R@10 (% of queries)")
    _plot(accuracies, history, ACCURACIES, marker="o")
    accuracies.axhline(COIN, color=INK, lw=0.9, ls="--", alpha=0.6, label="chance (0.5)")
    accuracies.set_ylim(0, 1.03)
    _label(accuracies, "The true pair wins", "accuracy (fraction of pairs)")
    for axes in (losses, recalls, accuracies):
        axes.axvline(best_epoch, color=INK, lw=0.9, ls=":", alpha=0.7)
        axes.legend(fontsize=7, frameon=False, labelcolor=INK, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
    return figure


def _plot(axes: "Axes", history: History, names: Sequence[str], marker: str = "") -> None:
    for name, colour in zip(names, _SERIES if len(names) > 2 else (RIGHT, LEFT), strict=False):
        known = np.isfinite(history[name])
        if known.any():
            x, y = history["epoch"][known], history[name][known]
            axes.plot(x, y, color=colour, lw=1.3, marker=marker, ms=2.5, label=_NAMES[name])


def _label(axes: "Axes", title: str, y: str) -> None:
    axes.set_title(title, fontsize=9, color=INK)
    axes.set_xlabel("epoch", fontsize=8, color=INK)
    axes.set_ylabel(y, fontsize=8, color=INK)
    axes.tick_params(labelsize=7.5, colors=INK)
    axes.grid(color="#7a8794", alpha=0.25, lw=0.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)


def inline_svg(figure: "Figure", name: str, title: str) -> str:
    """The figure as an <svg> element: transparent, `INK` turned to the page's text colour, `title` as its text for
    readers who do not see it. `name` keeps its ids apart from other figures' on the page.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set_visible(False)
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": ["sans-serif"]}):
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].rstrip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", svg)
    svg = re.sub(r'font-family: [^;"]*', "font-family: system-ui, sans-serif", svg)
    svg = svg.replace(INK, "currentColor")
    opening, rest = svg.split(">", 1)
    label = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'{opening} role="img" aria-label="{label}">{rest}'
