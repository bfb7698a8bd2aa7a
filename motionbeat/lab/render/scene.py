"""Dance2Pictures: a stick figure on a floor, one picture per frame, with beats and contacts.

What is marked, and how:

- a beat lights the frame around the dancer and the disc with its position in the bar; both fade within a third
  of a second; a downbeat lights more and in another colour;
- a foot in contact has a disc of its side's colour below its ankle or toes, and its path during contact stays on the
floor for two seconds: a dot if the foot stood still, a line if it slid;
- the floor has a line every half metre, so that movement is visible although the camera follows, and the dancer's
shadow is straight below;
- nearer bones are thicker and hide farther ones, which are paler.
"""

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.render.camera import follow
from motionbeat.lab.render.canvas import Canvas, Colour, mix, rgb
from motionbeat.lab.render.drawn_clip import DrawnDance
from motionbeat.lab.render.stick_figure import BONES, INK, LEFT, RIGHT, check_dance, colour_of, floor_height, runs
from motionbeat.lab.render.strip import Strip
from motionbeat.motion.skeleton import FEET, INDEX

GROUND = rgb("#f4f5f7")
BEAT, DOWNBEAT = rgb("#3a9fb0"), rgb("#e0a100")
HEADER, STRIP = 0.085, 0.815
"""Begin and end of the dancer's area, as shares of the picture's height."""
RING = 0.014
"""Width of the frame that flashes, as a share of the picture's width."""
_INK, _FLOOR, _SHADOW = rgb(INK), rgb("#d3d7dd"), rgb("#dcdfe4")
_FADED = [mix(_FLOOR, GROUND, step / 31) for step in range(32)]
_FADE_S = 0.12  # s in which a flash falls to 1/e
_PRINT_S = 2.0  # s for which a foot print is visible
_TILE, _FLOOR_RADIUS = 0.5, 4.0  # m
_HEAD_RADIUS, _FOOT_RADIUS = 0.105, 0.08  # m
_THICK = {"trunk": 0.064, "limb": 0.052, "end": 0.036}  # m
_ENDS = {INDEX[name] for name in ("ltoes", "rtoes", "lhand", "rhand")}
# share of the background's colour in a bone this far (m) behind the root; none as far in front
_PALEST, _DEPTH = 0.45, 0.45


def flash(beat_times: NDArray[np.float64], time: float, tolerance: float = 0.0) -> tuple[int, float]:
    """Index of the last beat at `time` (s), -1 before the first, and its strength: 1 at the beat, fading to 0.

    A beat within the next `tolerance` s (half a frame) counts as begun, so that the picture nearest to the beat is lit
    first.
    """
    beat = int(np.searchsorted(beat_times, time + tolerance, side="right")) - 1
    if beat < 0:
        return -1, 0.0
    strength = float(np.exp(-max(0.0, time - float(beat_times[beat])) / _FADE_S))
    return beat, strength if strength > 0.05 else 0.0


class Scene:
    """A dance that can be drawn at every frame.

    size: pixels of the square picture. Raises `MotionBeatError` for arrays of different length or with NaN or infinity.
    """

    def __init__(self, dance: DrawnDance, size: int = 720) -> None:
        check_dance(dance.joints, dance.contacts)
        beats, positions = dance.beat_times, dance.bar_positions
        if beats.ndim != 1 or beats.shape != positions.shape or (np.diff(beats) <= 0).any():
            raise MotionBeatError(
                f"beat_times are {beats.shape} and bar_positions {positions.shape}: "
                "expected one time (s), increasing, and one position per beat"
            )
        self.size = size
        self._dance, self._joints, self._fps = dance, np.asarray(dance.joints, float), dance.fps
        self._ground = floor_height(self._joints)
        margin = 0.02 * size
        box = (margin, HEADER * size, size - margin, STRIP * size - margin)
        self._camera = follow(self._joints, self._fps, self._ground, box)
        self._strip = Strip(dance)
        self._stands = [(foot, *run) for foot in range(4) for run in runs(dance.contacts[:, foot])]

    def __len__(self) -> int:
        return len(self._joints)

    def picture(self, frame: int) -> NDArray[np.uint8]:
        """The picture (size, size, 3) of a frame."""
        canvas, time = Canvas(self.size, GROUND), frame / self._fps
        self._draw_floor(canvas, frame)
        self._draw_shadow(canvas, frame)
        self._draw_prints(canvas, frame)
        self._draw_body(canvas, frame)
        self._strip.draw(canvas, STRIP * self.size, time)
        self._draw_header(canvas, time)
        return canvas.pixels()

    def _on_floor(self, points: NDArray[np.float64], frame: int) -> NDArray[np.float64]:
        """Pixels and scale of the floor straight below points (..., 3)."""
        below = points.copy()
        below[..., 1] = self._ground
        return self._camera.project(below, frame)

    def _draw_floor(self, canvas: Canvas, frame: int) -> None:
        """Lines every half metre around the camera's target, paler with distance."""
        x, _, z = self._camera.targets[frame]
        count = int(_FLOOR_RADIUS / _TILE)
        steps = np.arange(-count, count + 1) * _TILE
        grid = np.zeros((len(steps), len(steps), 3))
        grid[..., 0] = np.round(x / _TILE) * _TILE + steps[:, None]
        grid[..., 2] = np.round(z / _TILE) * _TILE + steps[None]
        far = np.hypot(grid[..., 0] - x, grid[..., 2] - z) / _FLOOR_RADIUS
        pixels = self._on_floor(grid, frame)[..., :2]
        for lines, distances in ((pixels, far), (pixels.swapaxes(0, 1), far.T)):
            faint = (distances[:, :-1] + distances[:, 1:]) / 2
            ends = np.stack([lines[:, :-1], lines[:, 1:]], axis=2)[faint < 1]
            colours = [_FADED[step] for step in (faint[faint < 1] ** 2 * (len(_FADED) - 1)).round().astype(int)]
            canvas.segments(ends, self.size / 500, colours)

    def _draw_shadow(self, canvas: Canvas, frame: int) -> None:
        points = self._on_floor(self._joints[frame], frame)
        for child, parent in BONES:
            canvas.bone(
                points[child, :2].tolist(), points[parent, :2].tolist(), 0.06 * float(points[child, 2]), _SHADOW
            )
        x, y, scale = points[INDEX["head"]].tolist()
        canvas.disc(x, y, 0.1 * scale, 0.1 * scale * self._camera.flattening, _SHADOW)

    def _draw_prints(self, canvas: Canvas, frame: int) -> None:
        """Present and past foot contacts: the path of the foot on the floor, and a disc during a contact."""
        kept = round(_PRINT_S * self._fps)
        flat = self._camera.flattening
        for foot, start, stop in self._stands:
            if start > frame or stop + kept < frame:
                continue
            side = rgb(LEFT if foot % 2 == 0 else RIGHT)
            path = self._joints[max(start, frame - kept) : min(stop, frame + 1), FEET[foot]]
            if not len(path):
                continue
            points = self._on_floor(path, frame)
            x, y, scale = points[-1].tolist()
            radius = _FOOT_RADIUS * scale
            if frame < stop:
                canvas.disc(x, y, radius, radius * flat, mix(side, GROUND, 0.4), side, self.size / 400)
            colour = mix(side, GROUND, 0.3 + 0.65 * max(0, frame - stop) / kept)
            canvas.disc(x, y, radius / 2, radius / 2 * flat, colour)
            if np.ptp(points[:, :2], axis=0).max() > radius / 2:
                canvas.line(points[:, :2], radius * flat, colour)

    def _draw_body(self, canvas: Canvas, frame: int) -> None:
        """Bones from the farthest to the nearest, each with a rim in the background's colour that separates it from the
        others.
        """
        points = self._camera.project(self._joints[frame], frame)
        scales = points[:, 2]
        depth = self._camera.focal / scales
        parts: list[tuple[float, int, int]] = [
            (float(depth[child] + depth[parent]) / 2, child, parent) for child, parent in BONES
        ]
        parts.append((float(depth[INDEX["head"]]), INDEX["head"], INDEX["neck"]))
        rim = self.size / 300
        for away, child, parent in sorted(parts, reverse=True):
            behind = (away - float(depth[INDEX["root"]])) / _DEPTH
            pale = _PALEST * min(1.0, max(0.0, (behind + 1) / 2))
            colour = mix(rgb(colour_of(child)), GROUND, pale)
            if child == INDEX["head"]:
                self._draw_head(canvas, frame, colour, rim)
                continue
            kind = "end" if child in _ENDS else "trunk" if colour_of(child) == INK else "limb"
            width = _THICK[kind] * float(scales[child] + scales[parent]) / 2
            end, start = points[child, :2].tolist(), points[parent, :2].tolist()
            inner = [[a + part * (b - a) for a, b in zip(end, start, strict=True)] for part in (0.25, 0.75)]
            canvas.line(inner, width + 2 * rim, GROUND)  # shortened, so that the joints stay whole
            canvas.bone(end, start, width, colour)

    def _draw_head(self, canvas: Canvas, frame: int, colour: Colour, rim: float) -> None:
        neck, head = self._joints[frame, INDEX["neck"]], self._joints[frame, INDEX["head"]]
        up = (head - neck) / max(float(np.linalg.norm(head - neck)), 1e-6)
        low, (x, y, scale) = self._camera.project(np.stack([neck, head + 0.05 * up]), frame).tolist()
        radius = _HEAD_RADIUS * scale
        canvas.disc(x, y, radius + rim, radius + rim, GROUND)
        canvas.bone(low[:2], (x, y), _THICK["limb"] * scale, colour)
        canvas.disc(x, y, radius, radius, mix(colour, GROUND, 0.8), colour, 0.028 * scale)

    def _draw_header(self, canvas: Canvas, time: float) -> None:
        size, beat, strength = self.size, *flash(self._dance.beat_times, time, 0.5 / self._fps)
        unit = size / 100
        canvas.text(3 * unit, 5.2 * unit, self._dance.title, 3 * unit, _INK, "ls", True, 75 * unit)
        canvas.text(
            3 * unit, 8.6 * unit, self._dance.caption, 2.5 * unit, mix(_INK, GROUND, 0.35), "ls", False, 75 * unit
        )
        canvas.text(97 * unit, 5.2 * unit, f"{time:.2f} s", 2.8 * unit, _INK, "rs")
        if beat < 0:
            return
        first = int(self._dance.bar_positions[beat]) == 0
        colour = mix(GROUND, DOWNBEAT if first else BEAT, strength)
        width = RING * size * (1.0 if first else 0.6)
        if strength:
            canvas.box(0, 0, size, STRIP * size, None, colour, width)
        radius = unit * (3.4 + (1.4 if first else 0.7) * strength)
        x, y = 91.5 * unit, 12.5 * unit
        canvas.disc(x, y, radius, radius, colour, mix(_INK, GROUND, 0.5), 0.25 * unit)
        canvas.text(x, y, str(int(self._dance.bar_positions[beat]) + 1), 3.6 * unit, _INK, "mm", True)
