"""Random drawings that are not of the training world.

The image codec must also carry what people bring to a finetune, so a third of what it learns
from is shapes of any colour and arrangement.
"""

import numpy as np

from tools.pocket.canvas import SIZE, Canvas, Colour

Rng = np.random.Generator


def _colour(rng: Rng) -> Colour:
    kind = rng.random()
    if kind < 0.12:
        value = int(rng.choice([0, 20, 40, 235, 255]))
        return (value, value, value)
    return tuple(int(v) for v in rng.integers(0, 256, 3))  # type: ignore[return-value]


def doodle(rng: Rng) -> np.ndarray:
    """A picture of a few random shapes, some outlined, some with stripes or eyes on them."""
    canvas = Canvas(SIZE)
    canvas.gradient(0, SIZE, _colour(rng), _colour(rng))
    if rng.random() < 0.5:
        canvas.box(0, rng.uniform(40, 110), SIZE, SIZE, _colour(rng))
    for _ in range(int(rng.integers(4, 14))):
        x, y = rng.uniform(0, SIZE, 2)
        rx, ry = rng.uniform(3, 30, 2)
        fill, rim = _colour(rng), _colour(rng)
        edge = float(rng.choice([0, 1.5, 2.5, 4]))
        kind = rng.random()
        if kind < 0.3:
            canvas.ellipse(x, y, rx + edge, ry + edge, rim)
            canvas.ellipse(x, y, rx, ry, fill)
            if rng.random() < 0.5:
                canvas.ellipse(x + rx * 0.2, y, rx * 0.4, ry * 0.4, _colour(rng))
        elif kind < 0.5:
            canvas.box(x - rx - edge, y - ry - edge, x + rx + edge, y + ry + edge, rim,
                       radius=float(rng.choice([0, 3])))  # fmt: skip
            canvas.box(x - rx, y - ry, x + rx, y + ry, fill)
            step = rng.uniform(4, 10)
            if rng.random() < 0.5:
                for top in np.arange(y - ry, y + ry - step / 2, step):
                    canvas.box(x - rx, top, x + rx, top + step / 2, rim)
        elif kind < 0.75:
            count = int(rng.integers(3, 9))
            angles = np.sort(rng.uniform(0, 2 * np.pi, count))
            reach = rng.uniform(0.5, 1.2, count)
            points = [(x + rx * r * np.cos(a), y + ry * r * np.sin(a))
                      for a, r in zip(angles, reach, strict=True)]  # fmt: skip
            if edge:
                canvas.line([*points, points[0]], edge * 2, rim)
            canvas.polygon(points, fill)
        else:
            points = [(x + dx, y + dy) for dx, dy in rng.normal(0, 16, (4, 2))]
            canvas.line(points, float(rng.uniform(1.2, 6)), fill)
    return canvas.picture()
