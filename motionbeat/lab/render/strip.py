"""The strip below a dancer: beats, onsets and foot contacts that move past a playhead."""

import numpy as np
from attrs import frozen

from motionbeat.lab.render.canvas import Canvas, mix, rgb
from motionbeat.lab.render.drawn_clip import DrawnDance
from motionbeat.lab.render.stick_figure import INK, ONSET, SIDES, runs

GROUND = rgb("#ffffff")
PLAYHEAD = rgb("#c8362b")
SHOWN_S = 6.0
"""Seconds of music that the strip shows."""
_BEFORE = 0.35  # share of the strip before the playhead
_INK, _ONSET = rgb(INK), rgb(ONSET)


@frozen(eq=False)
class Strip:
    """The content of the strip of a dance."""

    dance: DrawnDance

    def draw(self, canvas: Canvas, top: float, time: float) -> None:
        """Draw the strip from `top` to the lower edge, the playhead at `time`."""
        size, unit = canvas.size, canvas.size / 100
        per_s, now = size / SHOWN_S, size * _BEFORE
        begin, end = time - now / per_s, time + (size - now) / per_s
        numbers, onsets_low, lanes = top + 3.4 * unit, top + 11.4 * unit, top + 12.4 * unit
        canvas.box(0, top, size, size, GROUND)
        self._onsets(canvas, begin, end, numbers + 0.8 * unit, onsets_low)
        lane = (size - 0.8 * unit - lanes) / 2
        self._contacts(canvas, begin, end, lanes, lane)
        for beat in np.flatnonzero((self.dance.beat_times > begin - 0.1) & (self.dance.beat_times < end + 0.1)):
            x, position = (float(self.dance.beat_times[beat]) - begin) * per_s, int(self.dance.bar_positions[beat])
            first = position == 0
            colour = _INK if first else mix(_ONSET, GROUND, 0.3)
            canvas.box(x - (0.2 if first else 0.09) * unit, numbers, x + (0.2 if first else 0.09) * unit, size, colour)
            canvas.text(x, numbers - 0.5 * unit, str(position + 1), 2.5 * unit, _INK, "ms", first)
        for row, (name, side, _) in enumerate(SIDES):
            middle = lanes + (row + 0.5) * lane
            canvas.box(0, middle - 0.5 * lane, 2.6 * unit, middle + 0.5 * lane, GROUND)
            canvas.text(1.3 * unit, middle, name, 2.2 * unit, rgb(side), "mm", True)
        canvas.box(0, top, size, top + 0.15 * unit, _ONSET)
        canvas.box(now - 0.2 * unit, top, now + 0.2 * unit, size, PLAYHEAD)
        canvas.area([(now - unit, top), (now + unit, top), (now, top + 1.4 * unit)], PLAYHEAD)

    def _onsets(self, canvas: Canvas, begin: float, end: float, top: float, low: float) -> None:
        times, strengths = self.dance.onsets
        first, last = np.searchsorted(times, [begin - 0.1, end + 0.1])
        if last - first < 2:
            return
        x = (times[first:last] - begin) * canvas.size / SHOWN_S
        curve = np.stack([x, low - (low - top) * strengths[first:last]], axis=-1)
        outline = np.concatenate([[[x[0], low]], curve, [[x[-1], low]]])
        canvas.area(outline, mix(_ONSET, GROUND, 0.45))

    def _contacts(self, canvas: Canvas, begin: float, end: float, top: float, lane: float) -> None:
        first = max(0, int(np.floor(begin * self.dance.fps)))
        last = min(len(self.dance.contacts), int(np.ceil(end * self.dance.fps)) + 1)
        for row, (_, colour, columns) in enumerate(SIDES):
            for start, stop in runs(np.any(self.dance.contacts[first:last][:, columns], axis=1)):
                left, right = ((first + frame - 0.5) / self.dance.fps - begin for frame in (start, stop))
                edge = top + row * lane
                canvas.box(
                    left * canvas.size / SHOWN_S,
                    edge + 0.1 * lane,
                    right * canvas.size / SHOWN_S,
                    edge + 0.9 * lane,
                    rgb(colour),
                )
