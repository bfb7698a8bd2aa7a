"""A dance as stick figures: one frame, or a film strip of one figure a beat.

The view is orthographic. Left limbs have one colour and right limbs another, so that front and back views of a
figure are not confused. Colours are readable on light and on dark ground; what stands
in `INK` is meant to take the colour of the page's text.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.motion.skeleton import INDEX, PARENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#101418"
LEFT, RIGHT = "#d9622b", "#2b83c9"
ONSET = "#7a8794"
THREE_QUARTER = -0.45
BARS = 8
"""Bars of a dance that a film strip shows."""
_HEAD_RADIUS = 0.095  # m
_BEAT_WIDTH = 1.3  # m of paper a median beat takes, about the reach of a dancer
_LANE = 0.16  # m of paper, height of one foot's contact lane
_INCH = 0.6  # inch of paper a metre of dancer
_SIDES = {"l": LEFT, "r": RIGHT}
_TRUNK = {"root", "belly", "spine", "chest", "neck", "head", "linshoulder", "rinshoulder", "lhip", "rhip"}
BONES = tuple((child, parent) for child, parent in enumerate(PARENTS) if parent >= 0 and child != INDEX["head"])
"""Joint and parent of each bone that is drawn as a line; the head is a circle."""


def project(joints: NDArray[np.floating], angle: float = THREE_QUARTER) -> NDArray[np.float64]:
    """Orthographic view of (..., 24, 3) m, y up, turned by `angle` radians about the vertical: (..., 24, 2) m.

    With angle 0 the viewer looks along -z, so that a dancer who faces +z is shown from the front.
    """
    joints = np.asarray(joints, float)
    across = np.cos(angle) * joints[..., 0] + np.sin(angle) * joints[..., 2]
    return np.stack([across, joints[..., 1]], axis=-1)


def facing(joints: NDArray[np.floating]) -> float:
    """Angle in radians about the vertical, to give to `project`, at which a dance (T, 24, 3) is shown from the front.

    From the mean line between the hips, left = +x for a dancer who faces the viewer.
    """
    hips = np.asarray(joints, float)[:, INDEX["lhip"]] - np.asarray(joints, float)[:, INDEX["rhip"]]
    x, _, z = hips.mean(axis=0)
    return float(np.arctan2(z, x))


def draw(axes: "Axes", joints: NDArray[np.floating], at: float = 0.0, angle: float = THREE_QUARTER) -> None:
    """Draw one frame (24, 3) m as a stick figure, its root at `at` on the horizontal axis, heights as they are."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Circle

    _validate(np.asarray(joints)[None])
    points = project(joints, angle)
    points[:, 0] += at - points[0, 0]
    lines = LineCollection(
        [[tuple(points[child].round(3)), tuple(points[parent].round(3))] for child, parent in BONES],
        colors=[colour_of(child) for child, _ in BONES],
        linewidths=[1.6 if colour_of(child) == INK else 1.9 for child, _ in BONES],
        capstyle="round",
    )
    axes.add_collection(lines)
    neck, head = points[INDEX["neck"]], points[INDEX["head"]]
    up = (head - neck) / max(float(np.linalg.norm(head - neck)), 1e-6)
    axes.add_patch(Circle(tuple((head + 0.03 * up).round(3)), _HEAD_RADIUS, facecolor="none", edgecolor=INK, lw=1.6))


def colour_of(joint: int) -> str:
    """Colour of the bone that ends in a joint: `LEFT` or `RIGHT` of the limbs, `INK` of the trunk."""
    name = next(name for name, index in INDEX.items() if index == joint)
    return INK if name in _TRUNK else _SIDES[name[0]]


def _validate(joints: NDArray[np.floating]) -> None:
    if joints.ndim != 3 or joints.shape[1:] != (24, 3) or not np.all(np.isfinite(joints)):
        raise MotionBeatError(f"joints are {joints.shape}: expected finite (frames, 24, 3) in metres")


def filmstrip(
    joints: NDArray[np.floating],
    fps: float,
    beat_times: NDArray[np.floating],
    bar_positions: NDArray[np.integer],
    contacts: NDArray[np.bool_],
    onsets: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
    bars_per_row: int = 2,
    bars: int = BARS,
) -> "Figure":
    """One dance as stick figures at its beats, foot contacts and the music's onsets on a strip below.

    joints: (T, 24, 3) m, y up, first frame at 0 s. beat_times: (N,) s in the clip's time; those outside the motion
    are left out. bar_positions: (N,), 0 = downbeat, drawn as a thick line. contacts: (T, 4) bool, in the order of
    `skeleton.FEET`: a foot's lane is filled while its ankle or its toes stand. onsets: times (M,) s and
    strengths (M,) in 0..1. A row holds `bars_per_row` bars; at most `bars` bars are drawn. The horizontal axis is time.
    """
    from matplotlib.figure import Figure

    joints, contacts = np.asarray(joints), np.asarray(contacts, bool)
    _validate(joints)
    if contacts.shape != (len(joints), 4):
        raise MotionBeatError(f"contacts are {contacts.shape}: expected {(len(joints), 4)}, one column a foot joint")
    rows = _rows(np.asarray(beat_times, float), np.asarray(bar_positions), len(joints) / fps, bars_per_row, bars)
    scale = _BEAT_WIDTH / float(np.median(np.diff(np.concatenate([times for times, _, _ in rows]))))
    angle = facing(joints) + THREE_QUARTER
    ground = float(np.percentile(joints[:, INDEX["ltoes"], 1], 5))
    height = float(joints[..., 1].max()) - ground + 0.45
    below = -(2 * _LANE + 0.18 + (0.3 if onsets is not None else 0))
    longest = max(end - times[0] for times, _, end in rows)
    width = longest * scale + _BEAT_WIDTH
    figure = Figure(
        figsize=(width * _INCH, (height - below) * _INCH * len(rows) + 0.3 * len(rows)), layout="constrained"
    )
    for axes, (times, positions, end) in zip(figure.subplots(len(rows), squeeze=False)[:, 0], rows, strict=True):
        begin = times[0]
        for time, position in zip(times, positions, strict=True):
            frame = min(round(time * fps), len(joints) - 1)
            _mark_beat(axes, (time - begin) * scale, int(position), below, height)
            draw(axes, joints[frame] - np.array([0, ground, 0]), (time - begin) * scale, angle)
        frames = np.arange(max(0, round(begin * fps)), min(len(joints), round(end * fps)))
        _draw_contacts(axes, contacts[frames], (frames / fps - begin) * scale, scale / fps)
        if onsets is not None:
            _draw_onsets(axes, onsets, begin, end, scale, below)
        axes.set_xlim(-_BEAT_WIDTH * 0.6, longest * scale + 0.4 * _BEAT_WIDTH)
        axes.set_ylim(below, height)
        axes.set_aspect("equal")
        axes.set_yticks([])
        seconds = np.arange(np.ceil(begin * 2) / 2, end + 1e-9, 0.5)
        axes.set_xticks((seconds - begin) * scale, [f"{second:g} s" for second in seconds], fontsize=8, color=INK)
        axes.tick_params(length=3, color=INK)
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(INK)
    return figure


def _rows(
    beat_times: NDArray[np.float64], bar_positions: NDArray[np.integer], duration: float, bars_per_row: int, bars: int
) -> Sequence[tuple[NDArray[np.float64], NDArray[Any], float]]:
    """Beats of each row with their bar positions, and the time at which the row ends."""
    inside = (beat_times >= 0) & (beat_times < duration)
    times, positions = beat_times[inside], bar_positions[inside]
    if len(times) < 2:
        raise MotionBeatError(f"{len(times)} beats lie inside the {duration:.1f} s of motion: expected at least 2")
    bar = np.cumsum(positions == 0) - int(positions[0] == 0)
    cut = [np.flatnonzero(bar // bars_per_row == row) for row in range(-(-bars // bars_per_row))]
    last_end = min(duration, float(times[-1] + np.median(np.diff(times))))
    return [
        (times[row], positions[row], float(times[row[-1] + 1]) if row[-1] + 1 < len(times) else last_end)
        for row in cut
        if len(row)
    ]


def _mark_beat(axes: "Axes", x: float, position: int, below: float, height: float) -> None:
    downbeat = position == 0
    axes.plot([x, x], [below, height - 0.2], color=ONSET, lw=1.4 if downbeat else 0.5, alpha=0.75, zorder=0)
    weight = "bold" if downbeat else "normal"
    axes.text(x, height - 0.17, str(position + 1), ha="center", va="bottom", fontsize=9, weight=weight, color=INK)


def _draw_contacts(axes: "Axes", contacts: NDArray[np.bool_], x: NDArray[np.float64], width: float) -> None:
    for lane, (name, colour, columns) in enumerate((("L", LEFT, (0, 2)), ("R", RIGHT, (1, 3)))):
        stands = contacts[:, columns].any(axis=1).astype(int)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], stands, [0]]))).reshape(-1, 2)
        low = -0.14 - (lane + 1) * _LANE
        spans = [(float(x[start]), float((stop - start) * width)) for start, stop in edges]
        axes.broken_barh(spans, (low + 0.01, _LANE - 0.02), facecolors=colour, lw=0)
        axes.text(-0.55 * _BEAT_WIDTH, low + _LANE / 2, name, va="center", fontsize=6.5, color=colour, weight="bold")


def _draw_onsets(
    axes: "Axes",
    onsets: tuple[NDArray[np.floating], NDArray[np.floating]],
    begin: float,
    end: float,
    scale: float,
    below: float,
) -> None:
    times, strengths = (np.asarray(values, float) for values in onsets)
    inside = (times >= begin) & (times < end)
    x, top = (times[inside] - begin) * scale, below + 0.02 + 0.26 * np.clip(strengths[inside], 0, 1)
    axes.fill_between(x, below + 0.02, top, color=ONSET, alpha=0.6, lw=0)
