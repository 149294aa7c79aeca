"""A drawing surface that paints a picture and, beside it, a map of which part is where.

The part map is the renderer's own knowledge of its picture. The training uses it as an extra
target (see `train.py`), which teaches the model where an ear belongs far sooner than noise
prediction alone would.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

SIZE = 128
OVER = 2  # pictures are drawn this many times larger and reduced: smooth edges at little cost
CELLS = 16  # the part map has one entry for each 8 x 8 pixels
MAP = 64  # resolution at which part shapes are painted before they are sampled into cells

Colour = tuple[int, int, int]
Point = tuple[float, float]

PARTS = (
    "sky", "ground", "scenery", "body", "ear", "limb", "eye", "pupil", "mouth", "light part",
    "dark part",
)  # fmt: skip
PART = {name: index for index, name in enumerate(PARTS)}


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour `share` of the way from `a` to `b`."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


class Canvas:
    """Paints shapes given in picture pixels, onto a picture and its part map together."""

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self.image = Image.new("RGB", (size * OVER, size * OVER))
        self.parts = Image.new("L", (MAP, MAP), PART["sky"])
        self.ink = ImageDraw.Draw(self.image)
        self.part_ink = ImageDraw.Draw(self.parts)
        self._scales = ((self.ink, float(OVER)), (self.part_ink, MAP / size))

    def _each(self, fill: Colour, part: str | None) -> Iterator[tuple[ImageDraw.ImageDraw, float, Any]]:
        yield self.ink, float(OVER), fill
        if part is not None:
            yield self.part_ink, MAP / self.size, PART[part]

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Colour,
            part: str | None = None, radius: float = 0) -> None:  # fmt: skip
        """A rectangle, with round corners when `radius` is given."""
        for ink, k, value in self._each(fill, part):
            xy = (x0 * k, y0 * k, x1 * k, y1 * k)
            if radius:
                ink.rounded_rectangle(xy, radius=radius * k, fill=value)
            else:
                ink.rectangle(xy, fill=value)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Colour,
                part: str | None = None) -> None:  # fmt: skip
        """A filled ellipse around a centre."""
        for ink, k, value in self._each(fill, part):
            ink.ellipse(((x - rx) * k, (y - ry) * k, (x + rx) * k, (y + ry) * k), fill=value)

    def polygon(self, points: Sequence[Point], fill: Colour, part: str | None = None) -> None:
        """A filled polygon."""
        for ink, k, value in self._each(fill, part):
            ink.polygon([(x * k, y * k) for x, y in points], fill=value)

    def line(self, points: Sequence[Point], width: float, fill: Colour,
             part: str | None = None) -> None:  # fmt: skip
        """A thick line with round joints and ends."""
        for ink, k, value in self._each(fill, part):
            scaled = [(x * k, y * k) for x, y in points]
            thick = max(1, round(width * k))
            ink.line(scaled, fill=value, width=thick, joint="curve")
            if thick > 2:
                half = thick / 2
                for x, y in (scaled[0], scaled[-1]):
                    ink.ellipse((x - half, y - half, x + half, y + half), fill=value)

    def arc(self, x: float, y: float, rx: float, ry: float, start: float, end: float,
            width: float, fill: Colour, part: str | None = None) -> None:  # fmt: skip
        """A piece of an ellipse's rim; angles in degrees, clockwise from the right."""
        for ink, k, value in self._each(fill, part):
            xy = ((x - rx) * k, (y - ry) * k, (x + rx) * k, (y + ry) * k)
            ink.arc(xy, start, end, fill=value, width=max(1, round(width * k)))

    def gradient(self, y0: float, y1: float, top: Colour, bottom: Colour,
                 part: str | None = None) -> None:  # fmt: skip
        """A full-width band that changes from one colour to another."""
        height = round((y1 - y0) * OVER)
        steps = np.linspace(0, 1, height)[:, None]
        column = np.asarray(top) * (1 - steps) + np.asarray(bottom) * steps
        band = np.repeat(column[:, None, :], self.size * OVER, axis=1).astype(np.uint8)
        self.image.paste(Image.fromarray(band), (0, round(y0 * OVER)))
        if part is not None:
            k = MAP / self.size
            self.part_ink.rectangle((0, y0 * k, MAP, y1 * k), fill=PART[part])

    def picture(self) -> np.ndarray:
        """The finished picture, `(size, size, 3)` bytes."""
        return np.asarray(self.image.reduce(OVER))

    def part_map(self) -> np.ndarray:
        """Part numbers per 8 x 8 pixels; eyes and mouths win their cell, being small."""
        step = MAP // CELLS
        fine = np.asarray(self.parts).reshape(CELLS, step, CELLS, step)
        cells = fine.transpose(0, 2, 1, 3).reshape(CELLS, CELLS, -1)
        result = cells[..., step * (step // 2) + step // 2].copy()
        for name, least in (("mouth", 4), ("eye", 5), ("pupil", 5)):
            result[(cells == PART[name]).sum(-1) >= least] = PART[name]
        return result
