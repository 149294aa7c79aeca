"""The ten subjects of the training world, drawn from a few round and pointed shapes.

Every subject faces the viewer, stands on the same foot line and has a silhouette of its own:
a small model can tell and draw them, and so can a person at thumbnail size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from tools.pocket.canvas import OVER, PART, Canvas, Colour, Point, mix

COLOURS: dict[str, Colour] = {
    "red": (220, 45, 45), "orange": (245, 135, 35), "yellow": (250, 210, 50),
    "green": (60, 165, 70), "teal": (35, 165, 165), "blue": (50, 95, 220),
    "purple": (140, 65, 190), "pink": (250, 135, 180), "brown": (135, 85, 50),
    "white": (246, 246, 246), "gray": (140, 144, 150), "black": (42, 42, 50),
}  # fmt: skip
PATTERNS = ("plain", "striped", "dotted", "checkered")
MOODS = ("happy", "sad", "sleepy")
STYLES = ("default", "flat", "outlined", "soft")

WHITE: Colour = (255, 255, 255)
DARK: Colour = (30, 26, 34)
BLUSH: Colour = (250, 150, 160)
CREAM: Colour = (250, 232, 205)
GOLD: Colour = (250, 175, 50)


def second_colour(name: str) -> Colour:
    """The pattern's colour: one fixed contrast for each main colour."""
    light = {"white": (120, 130, 150), "yellow": (225, 120, 30), "pink": (215, 55, 120)}
    return light.get(name, mix(COLOURS[name], WHITE, 0.68))


@lru_cache(maxsize=256)
def _pattern(kind: str, colour: str, unit: int) -> Image.Image:
    """A tile of `kind`, with its origin in the middle so that it always sits alike on a body."""
    side = 320
    base, other = COLOURS[colour], second_colour(colour)
    tile = Image.new("RGB", (side, side), base)
    ink = ImageDraw.Draw(tile)
    middle = side // 2
    count = side // unit + 2
    for i in range(-count, count):
        start = middle + i * unit
        if kind == "striped" and i % 2:
            ink.rectangle((0, start, side, start + unit - 1), fill=other)
        for j in range(-count, count):
            left = middle + j * unit
            if kind == "checkered" and (i + j) % 2:
                ink.rectangle((left, start, left + unit - 1, start + unit - 1), fill=other)
            if kind == "dotted" and i % 2 and (j + i // 2) % 2:
                radius = unit * 0.62
                ink.ellipse((left - radius, start - radius, left + radius, start + radius), fill=other)
    return tile


@dataclass
class Pen:
    """Draws one subject in its own coordinates: the unit is its radius, zero its centre."""

    canvas: Canvas
    x: float
    y: float
    radius: float
    colour: str
    pattern: str
    mood: str
    style: str

    def __post_init__(self) -> None:
        size = (self.canvas.image.width, self.canvas.image.height)
        self.mask = Image.new("L", size)
        self.mask_ink = ImageDraw.Draw(self.mask)
        base = COLOURS[self.colour]
        self.shade = mix(base, (0, 0, 0), 0.5) if self.colour != "black" else (110, 110, 125)
        self.rim = 0.0 if self.style in ("flat", "soft") else 2.0
        if self.style == "outlined":
            self.rim, self.shade = 3.4, (12, 12, 16)

    def at(self, points: list[Point]) -> list[Point]:
        """Own coordinates to picture pixels."""
        return [(self.x + px * self.radius, self.y + py * self.radius) for px, py in points]

    def body_ellipse(self, x: float, y: float, rx: float, ry: float, part: str = "body") -> None:
        """An ellipse of the patterned body, rim first."""
        ((cx, cy),) = self.at([(x, y)])
        rx, ry = rx * self.radius, ry * self.radius
        if self.rim:
            self.canvas.ellipse(cx, cy, rx + self.rim, ry + self.rim, self.shade)
        k = OVER
        self.mask_ink.ellipse(((cx - rx) * k, (cy - ry) * k, (cx + rx) * k, (cy + ry) * k), fill=255)
        self._note("ellipse", cx, cy, rx, ry, part=part)

    def body_polygon(self, points: list[Point], part: str = "body") -> None:
        """A polygon of the patterned body, rim first."""
        pixels = self.at(points)
        if self.rim:
            self.canvas.line([*pixels, pixels[0], pixels[1]], self.rim * 2, self.shade)
        self.mask_ink.polygon([(px * OVER, py * OVER) for px, py in pixels], fill=255)
        k = self.canvas.parts.width / self.canvas.size
        self.canvas.part_ink.polygon([(px * k, py * k) for px, py in pixels], fill=PART[part])

    def body_line(self, points: list[Point], width: float, part: str = "limb") -> None:
        """A thick limb of the patterned body, rim first."""
        pixels = self.at(points)
        thick = width * self.radius
        if self.rim:
            self.canvas.line(pixels, thick + 2 * self.rim, self.shade)
        scaled = [(px * OVER, py * OVER) for px, py in pixels]
        half = thick * OVER / 2
        self.mask_ink.line(scaled, fill=255, width=round(thick * OVER), joint="curve")
        for px, py in (scaled[0], scaled[-1]):
            self.mask_ink.ellipse((px - half, py - half, px + half, py + half), fill=255)
        k = self.canvas.parts.width / self.canvas.size
        self.canvas.part_ink.line([(px * k, py * k) for px, py in pixels], fill=PART[part],
                                  width=max(1, round(thick * k)))  # fmt: skip

    def _note(self, _: str, cx: float, cy: float, rx: float, ry: float, part: str) -> None:
        k = self.canvas.parts.width / self.canvas.size
        self.canvas.part_ink.ellipse(((cx - rx) * k, (cy - ry) * k, (cx + rx) * k, (cy + ry) * k), fill=PART[part])

    def fill(self) -> None:
        """Paint the pattern through everything masked so far."""
        unit = max(4, round(self.radius * OVER * (0.32 if self.pattern != "dotted" else 0.34)))
        tile = _pattern(self.pattern, self.colour, unit)
        corner = (round(self.x * OVER - tile.width / 2), round(self.y * OVER - tile.height / 2))
        window = self.mask.crop((corner[0], corner[1], corner[0] + tile.width, corner[1] + tile.height))
        self.canvas.image.paste(tile, corner, window)
        if self.style == "soft":
            glow = Image.new("L", self.mask.size)
            side = round(self.radius * OVER * 2)
            spot = Image.radial_gradient("L").resize((side, side)).point(lambda v: 255 - v)
            glow.paste(spot, (round((self.x - self.radius * 1.2) * OVER),
                              round((self.y - self.radius * 1.3) * OVER)))  # fmt: skip
            both = Image.fromarray((np.asarray(glow, np.uint16) * np.asarray(self.mask) // 420).astype(np.uint8))
            self.canvas.image.paste(WHITE, mask=both)
        self.mask.paste(0, (0, 0, *self.mask.size))

    def spot(self, x: float, y: float, rx: float, ry: float, fill: Colour, part: str | None = None) -> None:
        """A plain ellipse on top of the body."""
        ((cx, cy),) = self.at([(x, y)])
        self.canvas.ellipse(cx, cy, rx * self.radius, ry * self.radius, fill, part)

    def patch(self, points: list[Point], fill: Colour, part: str | None = None) -> None:
        """A plain polygon on top of the body."""
        self.canvas.polygon(self.at(points), fill, part)

    def stroke(self, points: list[Point], width: float, fill: Colour, part: str | None = None) -> None:
        """A plain thick line on top of the body."""
        self.canvas.line(self.at(points), width * self.radius, fill, part)

    def eyes(self, x: float, y: float, radius: float = 0.2, single: bool = False) -> None:
        """Two eyes (or one), open, looking sadly up, or asleep, as the mood says."""
        sides = (x,) if single else (-x, x)
        for ex in sides:
            if self.mood == "sleepy":
                ((cx, cy),) = self.at([(ex, y)])
                r = radius * self.radius
                self.canvas.ellipse(cx, cy, r, r * 0.9, mix(COLOURS[self.colour], WHITE, 0.75), "eye")
                self.canvas.box(cx - r, cy - 1.2, cx + r, cy + 1.4, DARK, "pupil")
                continue
            self.spot(ex, y, radius * 1.1, radius * 1.15, DARK)
            self.spot(ex, y, radius, radius * 1.05, WHITE, "eye")
            drop = radius * (0.3 if self.mood == "sad" else 0.05)
            self.spot(ex, y + drop, radius * 0.6, radius * 0.65, DARK, "pupil")

    def mouth(self, y: float, width: float = 0.26, x: float = 0.0) -> None:
        """A smile, or a frown when sad."""
        dark = self.colour in ("black", "brown", "purple", "blue") and self.pattern == "plain"
        ink = CREAM if dark else DARK
        ((cx, cy),) = self.at([(x, y)])
        half = width * self.radius
        thick = max(1.8, 0.085 * self.radius)
        if self.mood == "sad":
            self.canvas.arc(cx, cy + half * 0.9, half, half * 0.8, 200, 340, thick, ink, "mouth")
        else:
            self.canvas.arc(cx, cy - half * 0.3, half, half * 0.9, 15, 165, thick, ink, "mouth")


def cat(pen: Pen) -> None:
    """Pointed ears, whiskers and a raised tail."""
    pen.body_line([(0.7, 0.8), (1.25, 0.7), (1.3, 0.05)], 0.22)
    for s in (-1, 1):
        pen.body_polygon([(s * 0.93, 0.05), (s * 0.86, -1.05), (s * 0.15, -0.62)], "ear")
    pen.body_ellipse(0, 0.2, 0.97, 0.82)
    pen.fill()
    for s in (-1, 1):
        pen.patch([(s * 0.8, -0.4), (s * 0.76, -0.82), (s * 0.42, -0.58)], BLUSH)
        for dy in (0.0, 0.16):
            pen.stroke([(s * 0.55, 0.34 + dy), (s * 1.12, 0.26 + 1.6 * dy)], 0.05, DARK)
    pen.eyes(0.38, 0.0)
    pen.patch([(-0.12, 0.25), (0.12, 0.25), (0, 0.4)], BLUSH, "mouth")
    pen.mouth(0.55, 0.22)


def rabbit(pen: Pen) -> None:
    """Long upright ears and two teeth."""
    for s in (-1, 1):
        pen.body_ellipse(s * 0.34, -0.85, 0.23, 0.68, "ear")
    pen.body_ellipse(0, 0.3, 0.82, 0.72)
    pen.fill()
    for s in (-1, 1):
        pen.spot(s * 0.34, -0.85, 0.11, 0.48, BLUSH)
        pen.spot(s * 0.55, 0.42, 0.14, 0.1, BLUSH)
    pen.eyes(0.32, 0.1)
    pen.spot(0, 0.32, 0.1, 0.07, BLUSH, "mouth")
    pen.mouth(0.5, 0.2)
    if pen.mood != "sad":
        pen.patch([(-0.1, 0.64), (0.1, 0.64), (0.1, 0.83), (-0.1, 0.83)], WHITE)


def bear(pen: Pen) -> None:
    """Round ears and a pale muzzle."""
    for s in (-1, 1):
        pen.body_ellipse(s * 0.68, -0.58, 0.34, 0.34, "ear")
    pen.body_ellipse(0, 0.2, 0.95, 0.82)
    pen.fill()
    for s in (-1, 1):
        pen.spot(s * 0.68, -0.58, 0.17, 0.17, CREAM)
    pen.eyes(0.4, -0.08, 0.17)
    pen.spot(0, 0.44, 0.42, 0.34, CREAM, "light part")
    pen.spot(0, 0.26, 0.16, 0.11, DARK, "dark part")
    dark, pen.colour = pen.colour, "white"
    pen.mouth(0.54, 0.2)
    pen.colour = dark


def frog(pen: Pen) -> None:
    """Wide and low, with eyes on top."""
    for s in (-1, 1):
        pen.body_ellipse(s * 0.75, 0.88, 0.42, 0.16, "limb")
        pen.body_ellipse(s * 0.52, -0.32, 0.36, 0.36, "ear")
    pen.body_ellipse(0, 0.38, 1.08, 0.62)
    pen.fill()
    pen.eyes(0.52, -0.34, 0.25)
    pen.mouth(0.4, 0.62)


def owl(pen: Pen) -> None:
    """Ear tufts, wings, great pale eye discs and a beak."""
    for s in (-1, 1):
        pen.spot(s * 0.28, 1.0, 0.2, 0.1, GOLD, "limb")
        pen.body_polygon([(s * 0.72, -0.35), (s * 0.72, -1.02), (s * 0.2, -0.72)], "ear")
        pen.body_ellipse(s * 0.8, 0.25, 0.24, 0.55, "limb")
    pen.body_ellipse(0, 0.12, 0.8, 0.88)
    pen.fill()
    for s in (-1, 1):
        pen.spot(s * 0.34, -0.25, 0.39, 0.39, CREAM, "light part")
    pen.eyes(0.34, -0.25, 0.26)
    pen.patch([(-0.17, -0.02), (0.17, -0.02), (0, 0.34)], GOLD, "mouth")


def fish(pen: Pen) -> None:
    """Seen from the side: fins and a forked tail."""
    pen.body_polygon([(0.5, 0.1), (1.3, -0.5), (1.1, 0.1), (1.3, 0.7)], "limb")
    pen.body_polygon([(-0.3, -0.3), (0.15, -0.95), (0.5, -0.25)], "ear")
    pen.body_ellipse(-0.15, 0.12, 0.95, 0.66)
    pen.fill()
    pen.eyes(-0.62, -0.08, 0.2, single=True)
    pen.mouth(0.3, 0.2, x=-0.72)
    pen.stroke([(-0.25, -0.22), (-0.12, 0.12), (-0.25, 0.46)], 0.07, pen.shade)


def octopus(pen: Pen) -> None:
    """A dome on five arms."""
    for x, y in ((-0.95, 0.72), (-0.5, 0.9), (0.0, 0.94), (0.5, 0.9), (0.95, 0.72)):
        pen.body_line([(x * 0.6, 0.3), (x * 0.95, y - 0.2), (x * 1.2, y)], 0.26)
    pen.body_ellipse(0, -0.22, 0.8, 0.76)
    pen.fill()
    pen.eyes(0.32, -0.12)
    pen.mouth(0.24, 0.22)


def car(pen: Pen) -> None:
    """Seen from the side: a cabin and two wheels."""
    pen.body_polygon([(-0.72, 0.2), (-0.45, -0.42), (0.4, -0.42), (0.75, 0.2)])
    pen.body_polygon([(-1.2, 0.15), (-1.1, 0.02), (1.08, 0.02), (1.2, 0.2), (1.2, 0.72), (-1.2, 0.72)])
    pen.fill()
    glass = (190, 228, 250)
    pen.patch([(-0.52, 0.04), (-0.36, -0.3), (-0.05, -0.3), (-0.05, 0.04)], glass, "light part")
    pen.patch([(0.07, 0.04), (0.07, -0.3), (0.34, -0.3), (0.54, 0.04)], glass, "light part")
    for s in (-1, 1):
        pen.spot(s * 0.66, 0.7, 0.31, 0.31, DARK, "dark part")
        pen.spot(s * 0.66, 0.7, 0.14, 0.14, (205, 205, 212), "light part")
    pen.spot(-1.08, 0.3, 0.1, 0.12, (255, 240, 150))


def mushroom(pen: Pen) -> None:
    """A patterned cap on a pale stem with a face."""
    stem = pen.at([(-0.36, 0.0), (0.36, 0.98)])
    (x0, y0), (x1, y1) = stem
    if pen.rim:
        pen.canvas.box(x0 - pen.rim, y0, x1 + pen.rim, y1 + pen.rim, pen.shade, radius=0.2 * pen.radius)
    pen.canvas.box(x0, y0, x1, y1, CREAM, "light part", radius=0.18 * pen.radius)
    angles = np.linspace(np.pi, 2 * np.pi, 22)
    cap = [(1.08 * float(np.cos(a)), 0.12 + 1.0 * float(np.sin(a))) for a in angles]
    pen.body_polygon([*cap, (0.95, 0.26), (-0.95, 0.26)])
    pen.fill()
    colour, pen.colour = pen.colour, "white"
    pen.eyes(0.17, 0.46, 0.12)
    pen.mouth(0.74, 0.13)
    pen.colour = colour


def star(pen: Pen) -> None:
    """Five points and a face."""
    points = []
    for i in range(10):
        angle = -np.pi / 2 + i * np.pi / 5
        reach = 1.22 if i % 2 == 0 else 0.6
        points.append((reach * float(np.cos(angle)), 0.12 + reach * float(np.sin(angle))))
    pen.body_polygon(points)
    pen.fill()
    pen.eyes(0.24, 0.0, 0.17)
    pen.mouth(0.38, 0.2)


SUBJECTS: dict[str, Callable[[Pen], None]] = {
    "cat": cat, "rabbit": rabbit, "bear": bear, "frog": frog, "owl": owl, "fish": fish,
    "octopus": octopus, "car": car, "mushroom": mushroom, "star": star,
}  # fmt: skip
