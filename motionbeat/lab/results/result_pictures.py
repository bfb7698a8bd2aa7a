"""Pictures of results: the shift curve, retrieval by genre, the confusion of the genre probe."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from motionbeat.lab.render.stick_figure import INK, LEFT, RIGHT
from motionbeat.lab.results.figures import cells, inline_svg, label, legend, picture, ticks
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.tasks import shift_curve
from motionbeat.lab.tasks.retrieval_rows import BY_GENRE, CHANCE, DIRECTIONS, MODEL

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@frozen
class Picture:
    """A picture of the page: an <svg> element and its caption."""

    svg: str
    caption: str

    @classmethod
    def of(cls, figure: "Figure", name: str, caption: str) -> "Picture":
        """A figure whose caption is also its text for readers who cannot see it. name: unique on the page."""
        return cls(inline_svg(figure, name, caption), caption)


def shift_picture(results: ResultsTable) -> Picture | None:
    """Accuracy by shift with its interval; None for a run without the shift curve."""
    rows = results.rows(shift_curve.TASK)
    if not rows:
        return None
    figure, axes = picture()
    for metric, title, colour in (
        ("accuracy_where_music_differs", "music differs there", RIGHT),
        ("accuracy", "all windows", LEFT),
    ):
        scores = [results.score(shift_curve.TASK, row, metric) for row in rows]
        curve, low, high = (
            np.array([getattr(score, name, None) for score in scores], float) for name in ("value", "low", "high")
        )
        axes.fill_between(range(len(rows)), low, high, color=colour, alpha=0.2, lw=0)
        axes.plot(range(len(rows)), curve, "o-", color=colour, lw=1.5, ms=4, label=title)
    axes.axhline(0.5, color=INK, lw=0.9, ls="--", alpha=0.6, label="chance (0.5)")
    ticks(axes, [row.removesuffix(" beats") for row in rows], "x")
    axes.set_ylim(0.4, 1.02)
    label(axes, "shift (beats, either way)", "accuracy (of pairs)", "The dance in time beats itself shifted")
    legend(axes, 3)
    return Picture.of(
        figure,
        "shift",
        "Shift curve: how often a window's dance is nearer to its music than the same dance moved by some beats. "
        "Bands: 95 % intervals by song. If the music repeats after the shift, the two cannot be distinguished.",
    )


def genre_picture(results: ResultsTable) -> Picture | None:
    """R@1 in both directions by genre, with intervals; None for a run of one genre."""
    genres = results.rows(f"{BY_GENRE}.{DIRECTIONS[0]}")
    if len(genres) < 2:
        return None
    figure, axes = picture(height=1.3 + 0.26 * len(genres))
    for place, (direction, colour) in enumerate(zip(DIRECTIONS, (RIGHT, LEFT), strict=True)):
        for row, genre in enumerate(genres):
            score = results.score(f"{BY_GENRE}.{direction}", genre, "r1")
            if score is None or score.value is None:
                continue
            y = row + 0.3 * place - 0.15
            if score.low is not None and score.high is not None:
                axes.plot([score.low, score.high], [y, y], color=colour, lw=2, alpha=0.5, solid_capstyle="butt")
            name = None if row else direction.replace("_", " ")
            axes.plot([score.value], [y], "o", color=colour, ms=5, label=name)
        whole = results.value(f"win.{direction}", MODEL, "r1")
        if whole is not None:
            axes.axvline(whole, color=colour, lw=0.9, ls="--", alpha=0.7)
    ticks(axes, genres, "y")
    axes.set_xlim(0, 102)
    axes.set_ylim(len(genres) - 0.5, -0.5)
    label(axes, "R@1 (%)", "", "By genre of the query")
    legend(axes)
    chance = results.value(f"win.{DIRECTIONS[0]}", CHANCE, "r1")
    beside = "" if chance is None else f" Chance is {chance:.1f} %."
    return Picture.of(
        figure,
        "genres",
        "WIN by the genre of the query, in the whole gallery. Lines: 95 % intervals by song, wide where a genre has "
        f"few songs; dashed: all genres.{beside}",
    )


def confusion_picture(results: ResultsTable, task: str, who: str) -> Picture | None:
    """Confusion matrix of the probe on the features of `who`; None if the task has not been run."""
    about = results.about.get(task, {}).get("confusion")
    if about is None:
        return None
    classes: Sequence[str] = about["classes"]
    counts = np.array(about["counts"], float)
    share = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    figure, axes = picture(height=4.2)
    cells(axes, share)
    for row, column in zip(*np.nonzero(counts), strict=True):
        axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", fontsize=8, color=INK)
    ticks(axes, classes)
    label(axes, f"answer of the probe on {who}", "class of the clip", "")
    axes.tick_params(axis="x", rotation=90)
    axes.grid(visible=False)
    right = 100 * np.trace(counts) / counts.sum()
    standin = " The recordings are stand-ins, made by the project." * bool(results.about[task]["standin"])
    return Picture.of(
        figure,
        f"confusion-{task}",
        f"Confusion of the {task} task: test clips by class and answer, {right:.0f} % on the diagonal.{standin}",
    )
