"""Differences from the default as dots with intervals: one panel per measure, one row per variant."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from motionbeat.files import guarded, read_text
from motionbeat.lab.experiments import paired
from motionbeat.lab.experiments.ablation_report import RETRIEVAL, Estimates, Measure
from motionbeat.lab.experiments.paired import COLUMNS, Estimate
from motionbeat.lab.experiments.variants import DEFAULT
from motionbeat.lab.render.stick_figure import INK, RIGHT
from motionbeat.lab.results.figures import GREY
from motionbeat.lab.results.result_pictures import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS = 4
_RESAMPLINGS = 2000


def interval_plot(estimates: Estimates, measures: Sequence[Measure], width: float | None = None) -> "Figure":
    """Dots with 95 % intervals over songs; seeds are small rings.

    At least one variant besides the default is needed.
    """
    from matplotlib.figure import Figure

    shown = [measure for measure in measures if any(name == measure.name for _, name in estimates)]
    names = list(dict.fromkeys(variant for variant, _ in estimates if variant != DEFAULT))
    across = min(_ACROSS, len(shown))
    down = -(-len(shown) // across)
    figure = Figure(figsize=(width or 3.2 + 2.3 * across, down * (0.9 + 0.3 * len(names))), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharey=True)
    for place, axes in enumerate(panels.flat):
        if place < len(shown):
            measure = shown[place]
            pairs = [estimates.get((name, measure.name)) for name in names]
            _panel(axes, [pair[1] if pair else None for pair in pairs], names, measure.title)
        else:
            axes.set_visible(False)
    return figure


def _panel(axes: "Axes", differences: Sequence[Estimate | None], names: Sequence[str], title: str) -> None:
    axes.axvline(0, color=INK, lw=0.8)
    for row, value in enumerate(differences):
        if value is None:
            continue
        axes.plot(value.by_seed, [row + 0.22] * len(value.by_seed), "o", ms=3, mfc="none", mec=GREY, mew=0.8)
        if value.low is not None and value.high is not None:
            axes.plot([value.low, value.high], [row, row], color=RIGHT, lw=1.6, solid_capstyle="butt")
        axes.plot([value.mean], [row], "o", ms=5, color=RIGHT)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_title(title, fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=INK)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.12)
    axes.grid(axis="x", color=GREY, alpha=0.25, lw=0.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(INK)


def ablation_pictures(path: Path) -> tuple[Picture, ...]:
    """Differences of the variants of an ablation, for the report. path: the .csv that `motionbeat ablate` writes."""
    import pandas as pd

    with guarded(path, "is not a table of `motionbeat ablate`", "name the .csv that it wrote in report.ablations"):
        rows = pd.read_csv(io.StringIO(read_text(path, "name the .csv of an ablation in report.ablations")))[[*COLUMNS]]
    found = paired.estimates(rows, _RESAMPLINGS, seed=0)
    if not any(difference for _, difference in found.values()):
        return ()
    trainings = len(rows[["corpus", "training"]].drop_duplicates())
    return tuple(
        Picture.of(
            interval_plot(found, [measure], 4.6),
            f"ablation-{measure.name}",
            f"{measure.heading}: each variant minus the default, {trainings} trainings of each, paired by song. Lines: "
            "95 % intervals over songs; rings: single trainings.",
        )
        for measure in RETRIEVAL[:2]
        if any(name == measure.name for _, name in found)
    )


def save(figure: "Figure", path: Path) -> None:
    """Write a PNG or SVG by the path's suffix, with the same bytes each time."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "motionbeat"}):
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
