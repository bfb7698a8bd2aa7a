"""Figures as inline SVG in the page's text colour: the style of axes, and the conversion to an element.

The same numbers give the same bytes: no date, ids from a fixed salt, text left as text.
"""

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motionbeat.lab.render.stick_figure import INK, LEFT, RIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#7a8794"
SERIES = (INK, RIGHT, LEFT, "#2f9e68", "#a667c7", "#c29a1f", GREY)
MANY = (*SERIES[1:6], "#d0568d", "#4bb3b8", "#8a6a4f", GREY, "#6f7fd6")
"""Colours of categories; they repeat after ten."""


def picture(width: float = 4.6, height: float = 3.3) -> "tuple[Figure, Axes]":
    """A figure with one panel, size in inches; narrow enough for a phone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def label(axes: "Axes", x: str, y: str, title: str = "") -> None:
    """Titles, ticks, grid and spines in the page's colours."""
    axes.set_title(title, fontsize=10, color=INK)
    axes.set_xlabel(x, fontsize=9, color=INK)
    axes.set_ylabel(y, fontsize=9, color=INK)
    axes.tick_params(labelsize=8.5, colors=INK)
    axes.grid(color=GREY, alpha=0.25, lw=0.5)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)


def legend(axes: "Axes", columns: int = 2) -> None:
    """The names of the lines below the panel."""
    axes.legend(
        fontsize=8.5, frameon=False, labelcolor=INK, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=columns
    )


def cells(axes: "Axes", values: NDArray[np.floating], colour: str = RIGHT) -> None:
    """A matrix as squares, row 0 at the top; greater values are more opaque, the greatest is full."""
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    top = max(float(np.max(values)), 1e-12)
    places = [(row, column) for row, column in np.ndindex(values.shape) if values[row, column] > 0.02 * top]
    squares = [Rectangle((column - 0.5, row - 0.5), 1, 1) for row, column in places]
    colours = [to_rgba(colour, float(values[place] / top)) for place in places]
    axes.add_collection(PatchCollection(squares, facecolors=colours, linewidths=0))
    axes.set_xlim(-0.5, values.shape[1] - 0.5)
    axes.set_ylim(values.shape[0] - 0.5, -0.5)


def ticks(axes: "Axes", names: Sequence[str], sides: str = "xy") -> None:
    """A name at each row or column of `cells`."""
    if "x" in sides:
        axes.set_xticks(range(len(names)), names)
    if "y" in sides:
        axes.set_yticks(range(len(names)), names)


def inline_svg(figure: "Figure", name: str, title: str) -> str:
    """The figure as an <svg> element: transparent, `INK` replaced by the page's text colour, `title` as its text for
    readers who cannot see it. `name` makes its ids unique on the page.
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
    text = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'{opening} role="img" aria-label="{text}">{rest}'
