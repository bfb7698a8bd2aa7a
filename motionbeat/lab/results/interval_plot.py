"""A dot plot of an ablation: a panel a measure, a row a variant, the mean with its interval and each seed."""

from typing import TYPE_CHECKING

from motionbeat.lab.render.stick_figure import INK, LEFT, RIGHT
from motionbeat.lab.results.ablation_results import Ablation
from motionbeat.lab.results.ablation_tables import heading_of
from motionbeat.lab.results.measures import Measure
from motionbeat.lab.results.variants import FULL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS = 4
_GREY = "#7a8794"


def drawn(ablation: Ablation) -> list[Measure]:
    """The measures with a figure of ours."""
    return [m for m in ablation.measures if any(line.figures[m.name].by_seed for line in ablation.lines)]


def dot_plot(ablation: Ablation) -> "Figure":
    """Means as dots with their 95 % intervals, seeds as small rings; the full model in another colour.

    Only ours: the paper's figures are of other data. Measures without a figure have no panel; there must be one.
    """
    from matplotlib.figure import Figure

    shown = drawn(ablation)
    across = min(_ACROSS, len(shown))
    down = -(-len(shown) // across)
    size = (3.2 + 2.3 * across, down * (0.9 + 0.34 * len(ablation.lines)))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharey=True)
    for place, axes in enumerate(panels.flat):
        if place < len(shown):
            _panel(axes, ablation, shown[place])
        else:
            axes.set_visible(False)
    return figure


def _panel(axes: "Axes", ablation: Ablation, measure: Measure) -> None:
    for row, line in enumerate(ablation.lines):
        figure = line.figures[measure.name]
        colour = LEFT if line.variant.name == FULL else RIGHT
        values = list(figure.by_seed.values())
        axes.plot(values, [row + 0.22] * len(values), "o", ms=3, mfc="none", mec=_GREY, mew=0.8)
        if figure.over_seeds is None:
            continue
        mean, low, high = figure.over_seeds.mean, figure.over_seeds.low, figure.over_seeds.high
        if low is not None and high is not None:
            axes.plot([low, high], [row, row], color=colour, lw=1.6, solid_capstyle="butt")
        axes.plot([mean], [row], "o", ms=5.5, color=colour)
    axes.set_yticks(range(len(ablation.lines)), [line.variant.label for line in ablation.lines])
    axes.set_ylim(len(ablation.lines) - 0.4, -0.6)
    axes.set_title(heading_of(measure), fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=INK)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.12)
    axes.grid(axis="x", color=_GREY, alpha=0.25, lw=0.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(INK)
