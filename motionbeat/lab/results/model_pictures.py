"""Pictures of a `portrait`: the bar circle, the map of the test clips, alignment, transport and attention."""

from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from motionbeat.lab.render.stick_figure import INK, LEFT, RIGHT
from motionbeat.lab.results.figures import GREY, MANY, cells, label, legend, picture
from motionbeat.lab.results.portrait import Attention, Circle, Places, Portrait, Rhythms
from motionbeat.lab.results.result_pictures import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.projections.polar import PolarAxes

Array = NDArray[np.floating]
_HALF_GAP = 0.08  # rad between a bin's two bars


def embedding_pictures(portrait: Portrait) -> list[Picture]:
    """Pictures of windows and clips in the embedding space."""
    genres = len(set(portrait.places.genre.tolist()))
    return [
        Picture.of(
            circle(portrait.circle),
            "circle",
            f"Bar circle: the music of clip {portrait.clip} in windows that begin at each of its beats, in the plane "
            f"that turns once per bar, which has {100 * bar_plane(portrait.circle)[1]:.0f} % of their variance. The "
            "next window, one beat later, is the next point around the circle; numbers are positions in the bar.",
        ),
        Picture.of(
            places(portrait.places),
            "map",
            f"Map of the {len(portrait.places.genre)} test clips in the two directions of most variance: discs are "
            f"music, triangles are dances, a line connects a dance with its music; {genres} genres by colour. These "
            "are two directions of many: clips that are close here may be far apart in the space.",
        ),
    ]


def rhythm_pictures(portrait: Portrait) -> list[Picture]:
    """Pictures of SRAL and contact-guided attention in the first window of the clip."""
    shown = [
        Picture.of(
            attention(portrait.attention),
            "attention",
            f"Contact-guided attention in the first window of clip {portrait.clip}: the weight of each other beat "
            "(column) for each beat of the dance (row), by layer, mean over heads. Below: the probability that a "
            "contact begins, which guides the attention.",
        )
    ]
    rhythms = portrait.rhythms
    if rhythms is None:
        return shown
    cost = float((rhythms.plan * _around(len(rhythms.accent))).sum())
    return [
        Picture.of(
            alignment(rhythms),
            "alignment",
            "Soft alignment of SRAL in the same window: the onset curve predicted from the music against the contacts "
            "of the dance; the darker a cell, the larger the share of alignments through this pair of beats.",
        ),
        Picture.of(
            transport(rhythms),
            "transport",
            "Transport in its first bar: accents predicted from the music (outside) to energy of the dance (inside), "
            "each to its largest; wider lines move more. Earth mover's distance around the bar: "
            f"{cost:.2f} bins of {len(rhythms.accent)}.",
        ),
        *shown,
    ]


def plane(vectors: Array) -> Array:
    """(n, e) -> (n, 2): the two directions of most variance, each with the sign that makes its largest value > 0."""
    centred = vectors - vectors.mean(axis=0)
    left, size, _ = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
    flat = (left * size)[:, :2]
    return flat * np.where(flat[np.abs(flat).argmax(axis=0), [0, 1]] < 0, -1, 1)


def bar_plane(of_clip: Circle) -> tuple[Array, float]:
    """(n, 2): the embeddings in the plane of the bar, and its share of their variance.

    The plane of the Fourier component that turns once per bar: sum over windows of embedding times exp(-i phase).
    """
    centred = (of_clip.embeddings - of_clip.embeddings.mean(axis=0)).astype(np.float64)
    component = np.exp(-2j * np.pi * of_clip.phase) @ centred
    basis, scale = np.linalg.qr(np.stack([component.real, component.imag], axis=1))
    flat = centred @ (basis * np.where(np.diag(scale) < 0, -1, 1))
    return flat, float((flat**2).sum() / max(float((centred**2).sum()), 1e-12))


def circle(of_clip: Circle) -> "Figure":
    """Windows by their position in the bar, in the order of the song."""
    figure, axes = picture(height=3.8)
    flat, _ = bar_plane(of_clip)
    axes.plot(*flat.T, color=GREY, lw=0.6, alpha=0.4)
    for number, phase in enumerate(np.unique(of_clip.phase)):
        x, y = flat[of_clip.phase == phase].T
        axes.plot(x, y, "o", color=MANY[number % len(MANY)], ms=11, alpha=0.75, mew=0)
        for place in zip(x, y, strict=True):
            axes.annotate(str(number + 1), place, ha="center", va="center", fontsize=7.5, color=INK)
    axes.set_aspect("equal", "datalim")
    label(axes, "once per bar,  cosine", "once per bar,  sine")
    return figure


def places(clips: Places) -> "Figure":
    """Music and dance of each clip."""
    figure, axes = picture(height=3.8)
    flat = plane(np.concatenate([clips.music, clips.motion]))
    music, motion = np.split(flat, 2)
    for number, genre in enumerate(np.unique(clips.genre.astype(str))):
        chosen, colour = clips.genre == genre, MANY[number % len(MANY)]
        for a, b in zip(music[chosen], motion[chosen], strict=True):
            axes.plot(*np.stack([a, b]).T, color=colour, lw=0.5, alpha=0.5)
        axes.plot(*motion[chosen].T, "^", color=colour, ms=4, alpha=0.8, mew=0)
        axes.plot(*music[chosen].T, "o", color=colour, ms=6, mew=0, label=genre)
    label(axes, "first component", "second component")
    legend(axes, 5)
    return figure


def alignment(rhythms: Rhythms) -> "Figure":
    """The expected alignment, with both curves at its sides."""
    figure, axes = picture(height=3.8)
    beats = len(rhythms.onset)
    cells(axes, rhythms.alignment)
    steps = np.arange(beats)
    axes.bar(steps, -2.2 * rhythms.contact, bottom=-0.8, width=0.8, color=LEFT)
    onset = (rhythms.onset - rhythms.onset.min()) / max(float(np.ptp(rhythms.onset)), 1e-9)
    axes.barh(steps, -0.2 - 2 * onset, left=-0.8, height=0.8, color=RIGHT)
    axes.set_xlim(-3.1, beats - 0.5)
    axes.set_ylim(beats - 0.5, -3.1)
    axes.set_aspect("equal")
    every = np.arange(0, beats, 4)
    axes.set_xticks(every, every + 1)
    axes.set_yticks(every, every + 1)
    label(axes, "beat of the dance (orange: a contact begins)", "beat of the music (blue: onsets)")
    return figure


def transport(rhythms: Rhythms) -> "Figure":
    """A bar as a circle that begins at the top and runs clockwise."""
    from matplotlib.figure import Figure

    bins = len(rhythms.accent)
    figure = Figure(figsize=(4.6, 3.8), layout="constrained")
    axes = cast("PolarAxes", figure.add_subplot(projection="polar"))
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    angles, width = 2 * np.pi * np.arange(bins) / bins, 2 * np.pi / bins - _HALF_GAP
    axes.bar(
        angles,
        0.6 * rhythms.accent / rhythms.accent.max(),
        width,
        bottom=1.15,
        color=RIGHT,
        label="accents, from the music",
    )
    axes.bar(
        angles,
        -0.6 * rhythms.energy / rhythms.energy.max(),
        width,
        bottom=0.75,
        color=LEFT,
        label="energy of the dance",
    )
    for start, end in zip(*np.nonzero(rhythms.plan > 1e-4), strict=True):
        mass = float(rhythms.plan[start, end])
        turn = (angles[end] - angles[start] + np.pi) % (2 * np.pi) - np.pi
        along = np.linspace(0, 1, 12)
        colour = GREY if start == end else INK
        axes.plot(angles[start] + along * turn, 1.13 - 0.36 * along, color=colour, lw=0.4 + 30 * mass, alpha=0.6)
    axes.set_ylim(0, 1.8)
    axes.set_yticks([])
    beats = np.arange(rhythms.beats_per_bar)
    axes.set_xticks(2 * np.pi * beats / rhythms.beats_per_bar, [str(beat + 1) for beat in beats])
    axes.tick_params(labelsize=9, colors=INK, pad=-2)
    axes.grid(visible=False)
    axes.spines["polar"].set_visible(False)
    axes.legend(fontsize=8.5, frameon=False, labelcolor=INK, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=2)
    return figure


def attention(window: Attention) -> "Figure":
    """One matrix per layer, and the contacts below the last."""
    from matplotlib.figure import Figure

    layers, beats, _ = window.weights.shape
    across = min(layers, 3)
    figure = Figure(figsize=(4.6, 3.6), layout="constrained")
    grid = figure.add_gridspec(2, across, height_ratios=(4, 1))
    every = np.arange(0, beats, 4)
    for place, layer in enumerate(range(layers - across, layers)):
        axes = figure.add_subplot(grid[0, place])
        cells(axes, window.weights[layer])
        axes.set_xticks(every, every + 1)
        axes.set_yticks(every, every + 1)
        label(axes, "", "beat" if not place else "", f"layer {layer + 1}")
        axes.grid(visible=False)
        below = figure.add_subplot(grid[1, place], sharex=axes)
        below.bar(np.arange(beats), window.contact, 0.8, color=LEFT)
        label(below, "beat attended to", "contact" if not place else "")
    return figure


def _around(bins: int) -> Array:
    """(n, n): steps from bin to bin around the circle."""
    apart = np.abs(np.subtract.outer(np.arange(bins), np.arange(bins)))
    return np.minimum(apart, bins - apart).astype(float)
