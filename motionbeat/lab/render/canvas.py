"""Shapes2Pixels: filled shapes and text on an RGB picture, drawn at twice the size for smooth edges.

Coordinates and widths are in pixels of the finished picture, from its top left corner; fractions count.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Colour = tuple[int, int, int]
Point = Sequence[float]

Points = Sequence[Point] | NDArray[np.floating]

_FINER = 2


def rgb(colour: str) -> Colour:
    """'#rrggbb' as three numbers of 0-255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(colour: Colour, other: Colour, part: float) -> Colour:
    """`colour` blended with the share `part` (0 to 1) of `other`."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(colour, other, strict=True))
    return red, green, blue


class Canvas:
    """A square picture to draw on."""

    def __init__(self, size: int, ground: Colour) -> None:
        from PIL import Image, ImageDraw

        self.size = size
        self._image = Image.new("RGB", (size * _FINER, size * _FINER), ground)
        self._draw = ImageDraw.Draw(self._image)

    def pixels(self) -> NDArray[np.uint8]:
        """The picture, (size, size, 3)."""
        return np.asarray(self._image.reduce(_FINER))

    def line(self, points: Points, width: float, colour: Colour) -> None:
        """A line through `points` with round joints."""
        self._draw.line(_finer(points), colour, max(1, round(width * _FINER)), joint="curve")

    def segments(self, ends: NDArray[np.floating], width: float, colours: Sequence[Colour]) -> None:
        """Many straight lines at once: ends (n, 2, 2), one colour each."""
        thick = max(1, round(width * _FINER))
        for line, colour in zip((ends.reshape(-1, 4) * _FINER).tolist(), colours, strict=True):
            self._draw.line(line, colour, thick)

    def bone(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        """A straight line with round ends."""
        (x, y), (other_x, other_y) = start, end
        along = [x * _FINER, y * _FINER, other_x * _FINER, other_y * _FINER]
        self._draw.line(along, colour, max(1, round(width * _FINER)))
        for x, y in (start, end):
            self.disc(x, y, width / 2, width / 2, colour)

    def disc(
        self,
        x: float,
        y: float,
        across: float,
        up: float,
        fill: Colour | None,
        rim: Colour | None = None,
        width: float = 0.0,
    ) -> None:
        """An ellipse of half-axes `across` and `up`, filled, with a rim inside it."""
        box = [(x - across) * _FINER, (y - up) * _FINER, (x + across) * _FINER, (y + up) * _FINER]
        self._draw.ellipse(box, fill, rim, max(1, round(width * _FINER)) if rim else 0)

    def area(self, points: Points, colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon(_finer(points), colour)

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        fill: Colour | None,
        rim: Colour | None = None,
        width: float = 0.0,
    ) -> None:
        """A rectangle, filled, with a rim inside it."""
        corners = [left * _FINER, top * _FINER, right * _FINER - 1, bottom * _FINER - 1]
        if corners[2] >= corners[0] and corners[3] >= corners[1]:
            self._draw.rectangle(corners, fill, rim, max(1, round(width * _FINER)) if rim else 0)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        height: float,
        colour: Colour,
        anchor: str = "ls",
        bold: bool = False,
        room: float | None = None,
    ) -> None:
        """A line of text of `height` pixels per em; text wider than `room` pixels is cut and ends in an ellipsis.

        anchor: horizontally l, m or r, vertically s (baseline) or m (middle); it is placed at x, y.
        """
        font = _font(round(height * _FINER), bold)
        if room is not None and font.getlength(text) > room * _FINER:
            while text and font.getlength(text + "\u2026") > room * _FINER:
                text = text[:-1]
            text += "\u2026"
        self._draw.text((x * _FINER, y * _FINER), text, colour, font, anchor)


def _finer(points: Points) -> list[float]:
    return [float(value) for value in (np.asarray(points, float) * _FINER).ravel()]


@cache
def _font(height: int, bold: bool) -> "FreeTypeFont":
    """DejaVu Sans, which comes with matplotlib: the same letters on every machine."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{name}", height)
