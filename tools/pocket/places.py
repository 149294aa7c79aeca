"""The places of the training world: backdrops that nobody confuses with one another."""

from collections.abc import Callable

import numpy as np

from tools.pocket.canvas import Canvas

Rng = np.random.Generator
HORIZON = 78  # about where the ground starts; subjects stand in front of it


def _cloud(canvas: Canvas, x: float, y: float, size: float) -> None:
    white = (250, 252, 255)
    for dx, dy, radius in ((-1.1, 0.25, 0.6), (0, 0, 0.9), (1.1, 0.25, 0.65)):
        canvas.ellipse(x + dx * size, y + dy * size, radius * size * 1.1, radius * size, white)
    canvas.box(x - 1.5 * size, y + 0.3 * size, x + 1.6 * size, y + 0.9 * size, white,
               radius=0.3 * size)  # fmt: skip


def meadow(canvas: Canvas, rng: Rng) -> None:
    """Blue sky, a sun, green hills and flowers."""
    line = HORIZON + rng.uniform(-2, 2)
    canvas.gradient(0, 128, (110, 190, 250), (205, 235, 255), "sky")
    canvas.ellipse(108 + rng.uniform(-3, 3), 18, 11, 11, (255, 222, 70), "scenery")
    _cloud(canvas, 24 + rng.uniform(-4, 4), 20, 9)
    canvas.ellipse(100, line + 26, 80, 34, (120, 200, 90), "ground")
    canvas.box(0, line + 6, 128, 128, (90, 180, 75), "ground")
    for x, y in ((14.0, 112), (112.0, 106), (26.0, 96), (104.0, 121)):
        x += rng.uniform(-3, 3)
        canvas.ellipse(x, y, 3.4, 3.4, (255, 245, 250))
        canvas.ellipse(x, y, 1.6, 1.6, (250, 200, 60))


def beach(canvas: Canvas, rng: Rng) -> None:
    """Sky, a band of sea, yellow sand, a parasol-free simple shore with a shell."""
    line = HORIZON + rng.uniform(-2, 2)
    canvas.gradient(0, 128, (120, 205, 250), (225, 245, 255), "sky")
    canvas.box(0, line - 22, 128, line + 10, (30, 130, 205), "scenery")
    canvas.box(0, line + 4, 128, line + 9, (235, 248, 255), "scenery")
    canvas.box(0, line + 8, 128, 128, (243, 217, 150), "ground")
    sail = 22 + rng.uniform(-4, 4)
    canvas.polygon([(sail, line - 44), (sail, line - 24), (sail + 14, line - 24)], (250, 250, 250))
    canvas.polygon([(sail - 8, line - 22), (sail + 16, line - 22), (sail + 10, line - 15),
                    (sail - 4, line - 15)], (200, 70, 50))  # fmt: skip
    canvas.ellipse(110 + rng.uniform(-3, 3), 118, 5, 4, (250, 160, 140))


def night(canvas: Canvas, rng: Rng) -> None:
    """A dark sky with a moon and stars above dark hills."""
    line = HORIZON + rng.uniform(-2, 2)
    canvas.gradient(0, 128, (14, 16, 52), (54, 50, 110), "sky")
    x = 106 + rng.uniform(-3, 3)
    canvas.ellipse(x, 20, 12, 12, (250, 240, 190), "scenery")
    canvas.ellipse(x + 5, 16, 10, 10, (20, 21, 60))
    for sx, sy in ((14, 14), (40, 26), (64, 10), (84, 30), (22, 50), (118, 54)):
        canvas.ellipse(sx + rng.uniform(-2, 2), sy, 1.7, 1.7, (250, 245, 215))
    canvas.ellipse(26, line + 26, 70, 32, (36, 38, 82), "ground")
    canvas.box(0, line + 8, 128, 128, (28, 30, 66), "ground")


def snow(canvas: Canvas, rng: Rng) -> None:
    """A pale sky, white ground, a fir and falling flakes."""
    line = HORIZON + rng.uniform(-2, 2)
    canvas.gradient(0, 128, (150, 175, 205), (205, 218, 232), "sky")
    x = 112 + rng.uniform(-3, 3)
    for dy, half in ((0, 9), (11, 13), (22, 16)):
        canvas.polygon([(x, line - 50 + dy), (x - half, line - 30 + dy), (x + half, line - 30 + dy)],
                       (50, 110, 100), "scenery")  # fmt: skip
    canvas.ellipse(30, line + 24, 76, 30, (236, 243, 250), "ground")
    canvas.box(0, line + 6, 128, 128, (246, 250, 254), "ground")
    for fx, fy in ((12, 12), (34, 34), (58, 12), (86, 22), (14, 56), (104, 8)):
        canvas.ellipse(fx + rng.uniform(-2, 2), fy, 2.4, 2.4, (255, 255, 255))


def desert(canvas: Canvas, rng: Rng) -> None:
    """An orange evening sky, dunes and a cactus."""
    line = HORIZON + rng.uniform(-2, 2)
    canvas.gradient(0, 128, (250, 150, 80), (255, 215, 140), "sky")
    canvas.ellipse(30 + rng.uniform(-3, 3), 30, 13, 13, (255, 240, 180), "scenery")
    canvas.ellipse(100, line + 24, 76, 32, (214, 150, 84), "ground")
    canvas.box(0, line + 8, 128, 128, (226, 168, 98), "ground")
    x = 112 + rng.uniform(-2, 2)
    green = (60, 130, 70)
    canvas.line([(x, line + 12), (x, line - 26)], 8, green, "scenery")
    canvas.line([(x, line - 2), (x - 10, line - 2), (x - 10, line - 14)], 5, green, "scenery")
    canvas.line([(x, line - 8), (x + 9, line - 8), (x + 9, line - 20)], 5, green, "scenery")


def room(canvas: Canvas, rng: Rng) -> None:
    """A wall with a window, a skirting board and a wooden floor."""
    line = HORIZON + 6 + rng.uniform(-2, 2)
    canvas.box(0, 0, 128, 128, (240, 205, 190), "sky")
    x = 14 + rng.uniform(-2, 2)
    canvas.box(x - 3, 9, x + 33, 49, (150, 95, 60), "scenery")
    canvas.box(x, 12, x + 30, 46, (165, 215, 250), "scenery")
    canvas.box(x + 13.5, 12, x + 16.5, 46, (150, 95, 60))
    canvas.box(x, 27.5, x + 30, 30.5, (150, 95, 60))
    canvas.box(0, line, 128, 128, (176, 118, 72), "ground")
    canvas.box(0, line, 128, line + 4, (250, 240, 230), "scenery")
    for y in (line + 16, line + 30):
        canvas.box(0, y, 128, y + 1.5, (150, 98, 58))


def forest(canvas: Canvas, rng: Rng) -> None:
    """Dark green between brown trunks."""
    line = HORIZON + rng.uniform(-2, 2)
    canvas.box(0, 0, 128, 128, (44, 104, 66), "sky")
    shift = rng.uniform(-3, 3)
    for x, width in ((12, 13), (44, 9), (86, 9), (116, 13)):
        canvas.box(x + shift - width / 2, 0, x + shift + width / 2, line + 12, (104, 70, 46), "scenery")
    for x in (0, 28, 62, 98, 128):
        canvas.ellipse(x + shift, 4, 24, 17, (30, 82, 48), "scenery")
    canvas.box(0, line + 8, 128, 128, (70, 92, 44), "ground")


def underwater(canvas: Canvas, rng: Rng) -> None:
    """Deep blue water, bubbles, weed and a sandy floor."""
    canvas.gradient(0, 128, (40, 165, 215), (10, 70, 150), "sky")
    canvas.ellipse(64, 134, 110, 26, (205, 190, 140), "ground")
    for x, height in ((12.0, 56), (24.0, 36), (116.0, 50), (104.0, 30)):
        x += rng.uniform(-2, 2)
        canvas.line([(x, 122), (x + 4, 122 - height / 3), (x - 4, 122 - 2 * height / 3),
                     (x + 2, 122 - height)], 5, (30, 140, 90), "scenery")  # fmt: skip
    for bx, by, radius in ((20, 22.0, 4), (104, 34.0, 5), (112, 14.0, 3), (34, 46.0, 3)):
        by += rng.uniform(-3, 3)
        canvas.ellipse(bx, by, radius, radius, (190, 232, 250))


def studio(canvas: Canvas, rng: Rng) -> None:
    """A plain light backdrop, as for a product picture."""
    canvas.gradient(0, 128, (238, 238, 242), (222, 222, 228), "sky")
    canvas.ellipse(64, 108, 44, 8, (200, 200, 208), "ground")


PLACES: dict[str, Callable[[Canvas, Rng], None]] = {
    "meadow": meadow, "beach": beach, "night": night, "snow": snow, "desert": desert,
    "room": room, "forest": forest, "underwater": underwater, "studio": studio,
}  # fmt: skip
