"""Dance2Strip: one stick figure per beat as SVG, with foot contacts and the music's onsets below."""

from html import escape

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.render.drawn_clip import DrawnDance
from motionbeat.lab.render.stick_figure import (
    BONES,
    INK,
    ONSET,
    SIDES,
    THREE_QUARTER,
    check_dance,
    colour_of,
    facing,
    floor_height,
    project,
    runs,
)
from motionbeat.motion.skeleton import INDEX

BEAT_WIDTH = 130.0
"""Width of a median beat in centimetres, the unit of the drawing: about the width of a dancer."""
_LANE, _ONSETS, _HEAD = 15.0, 26.0, 9.5
Floats = NDArray[np.floating]


def filmstrip(dance: DrawnDance, bars: int, description: str) -> str:
    """The first `bars` bars of a dance as an <svg> element in the page's text colour.

    The horizontal axis is time; a downbeat has a thick line and a bold number. description: for readers who cannot see
    it. Raises `MotionBeatError` for a dance with fewer than two beats in it.
    """
    check_dance(dance.joints, dance.contacts)
    times, positions, end = _beats(dance, bars)
    scale = BEAT_WIDTH / float(np.median(np.diff(times)))
    joints = dance.joints - np.array([0, floor_height(dance.joints), 0])
    top = 100 * float(joints[..., 1].max()) + 45
    lanes = top + 14
    low = lanes + 2 * _LANE + _ONSETS + 6
    parts = []
    for time, position in zip(times, positions, strict=True):
        x, thick = (time - times[0]) * scale, position == 0
        parts.append(
            f'<path d="M{x:.1f} 24V{low:.1f}" stroke="{ONSET}" stroke-width="{3 if thick else 1}" opacity="0.6"/>'
            f'<text x="{x:.1f}" y="18" font-weight="{700 if thick else 400}" text-anchor="middle">{position + 1}</text>'
        )
        frame = min(round(float(time) * dance.fps), len(joints) - 1)
        parts += _figure(100 * project(joints[frame], facing(joints) + THREE_QUARTER), x, top)
    frames = np.arange(max(0, round(float(times[0]) * dance.fps)), min(len(joints), round(end * dance.fps)))
    for lane, (name, colour, columns) in enumerate(SIDES):
        y = lanes + lane * _LANE
        parts.append(f'<text x="-72" y="{y + 11:.1f}" fill="{colour}" font-size="13" font-weight="700">{name}</text>')
        for start, stop in runs(np.any(dance.contacts[frames][:, columns], axis=1)):
            x, width = (frames[start] / dance.fps - times[0]) * scale, (stop - start) / dance.fps * scale
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_LANE - 2}" fill="{colour}"/>')
    moments, strengths = (np.asarray(values, float) for values in dance.onsets)
    inside = (moments >= times[0]) & (moments < end)
    points = np.stack([(moments[inside] - times[0]) * scale, low - _ONSETS * strengths[inside].clip(0, 1)], axis=1)
    outline = "".join(f"L{x:.1f} {y:.1f}" for x, y in points)
    width = (end - float(times[0])) * scale
    parts.append(f'<path d="M0 {low:.1f}{outline}L{width:.1f} {low:.1f}Z" fill="{ONSET}" opacity="0.7"/>')
    for second in np.arange(np.ceil(2 * times[0]) / 2, end + 1e-9, 0.5):
        x = (second - times[0]) * scale
        parts.append(f'<text x="{x:.1f}" y="{low + 18:.1f}" font-size="14" text-anchor="middle">{second:g} s</text>')
    box = f"-80 0 {width + 110:.1f} {low + 26:.1f}"
    return (
        f'<svg viewBox="{box}" role="img" aria-label="{escape(description)}" fill="currentColor" font-size="18" '
        f'font-family="system-ui, sans-serif">{"".join(parts)}</svg>'
    )


def _figure(points: Floats, x: float, floor: float) -> list[str]:
    """The figure of points (24, 2), cm above the floor, its root at `x`."""
    places = np.stack([x + points[:, 0] - points[0, 0], floor - points[:, 1]], axis=1)
    ends = [(colour_of(child), "M{:.1f} {:.1f}L{:.1f} {:.1f}".format(*places[[child, parent]].flat))
            for child, parent in BONES]  # fmt: skip
    drawn = []
    for colour in dict.fromkeys(colour for colour, _ in ends):
        lines, stroke = "".join(line for each, line in ends if each == colour), _stroke(colour)
        drawn.append(f'<path d="{lines}" fill="none" stroke="{stroke}" stroke-width="5" stroke-linecap="round"/>')
    across, up = places[INDEX["head"]]
    head = f'<circle cx="{across:.1f}" cy="{up - 3:.1f}" r="{_HEAD}" fill="none" stroke="currentColor" '
    return [*drawn, f'{head}stroke-width="4"/>']


def _stroke(colour: str) -> str:
    return "currentColor" if colour == INK else colour


def _beats(dance: DrawnDance, bars: int) -> tuple[Floats, NDArray[np.integer], float]:
    """Beats inside the motion until `bars` bars are full, their bar positions, and the time at which they end."""
    seconds = len(dance.joints) / dance.fps
    inside = (dance.beat_times >= 0) & (dance.beat_times < seconds)
    times, positions = dance.beat_times[inside], dance.bar_positions[inside]
    if len(times) < 2:
        raise MotionBeatError(f"{len(times)} beats are inside the {seconds:.1f} s of motion: expected at least 2")
    bar = np.cumsum(positions == 0) - int(positions[0] == 0)
    kept = int((bar < bars).sum())
    end = float(times[kept]) if kept < len(times) else min(seconds, float(times[-1] + np.median(np.diff(times))))
    return times[:kept], positions[:kept], end
