"""Sample concepts for a first finetune: a character, a product and a style.

None of them occurs in the training world. Each is drawn in ten different settings and captioned
in the words the base knows, plus its own trigger word.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tools.pocket.canvas import OVER, SIZE, Canvas, Colour, mix
from tools.pocket.places import PLACES
from tools.pocket.subjects import SUBJECTS, Pen
from tools.pocket.world import FOOT, PLACE_WORDS

Rng = np.random.Generator
Artist = Callable[[int, Rng], tuple[np.ndarray, str]]
DARK: Colour = (30, 26, 34)
WHITE: Colour = (255, 255, 255)
CHARACTER_PLACES = (
    "meadow", "night", "beach", "studio", "room", "snow", "forest", "desert", "underwater", "meadow",
)  # fmt: skip
LICENCE = "CC0-1.0"


def mascot(canvas: Canvas, x: float, y: float, r: float) -> None:
    """Zubo: a lime bean with one great eye, two antennae with pink bobbles, and orange boots."""
    lime, rim, bobble, boot = (170, 225, 50), (70, 105, 20), (245, 70, 160), (245, 120, 30)
    for s in (-1, 1):
        canvas.line([(x + s * 0.25 * r, y - 0.8 * r), (x + s * 0.55 * r, y - 1.45 * r)], 0.13 * r, rim)
        canvas.ellipse(x + s * 0.58 * r, y - 1.5 * r, 0.2 * r, 0.2 * r, bobble)
        canvas.box(x + s * 0.4 * r - 0.3 * r, y + 0.75 * r, x + s * 0.4 * r + 0.3 * r, y + 1.12 * r,
                   boot, radius=0.12 * r)  # fmt: skip
    canvas.box(x - 0.76 * r, y - 1.0 * r, x + 0.76 * r, y + 0.96 * r, rim, radius=0.7 * r)
    canvas.box(x - 0.69 * r, y - 0.93 * r, x + 0.69 * r, y + 0.89 * r, lime, radius=0.64 * r)
    canvas.ellipse(x, y + 0.5 * r, 0.4 * r, 0.3 * r, mix(lime, WHITE, 0.6))
    canvas.ellipse(x, y - 0.3 * r, 0.47 * r, 0.47 * r, DARK)
    canvas.ellipse(x, y - 0.3 * r, 0.42 * r, 0.42 * r, WHITE)
    canvas.ellipse(x, y - 0.27 * r, 0.24 * r, 0.24 * r, (130, 60, 200))
    canvas.ellipse(x, y - 0.27 * r, 0.13 * r, 0.13 * r, DARK)
    canvas.arc(x, y + 0.22 * r, 0.22 * r, 0.16 * r, 15, 165, max(1.8, 0.08 * r), DARK)


def lamp(canvas: Canvas, x: float, y: float, r: float) -> None:
    """The Lumo lamp: a coral dome on a bent brass arm, standing on a teal drum with a knob."""
    coral, brass, teal = (250, 110, 90), (205, 160, 60), (20, 120, 125)
    arm = [(x + 0.1 * r, y + 0.75 * r), (x + 0.75 * r, y + 0.05 * r), (x - 0.1 * r, y - 0.7 * r)]
    canvas.line(arm, 0.2 * r, mix(brass, DARK, 0.45))
    canvas.line(arm, 0.12 * r, brass)
    canvas.ellipse(x - 0.1 * r, y - 0.22 * r, 0.3 * r, 0.2 * r, (255, 240, 160))
    angles = np.linspace(np.pi, 2 * np.pi, 20)
    dome = [(x - 0.1 * r + 0.85 * r * np.cos(a), y - 0.25 * r + 0.95 * r * np.sin(a)) for a in angles]
    canvas.line([*dome, dome[0]], 3.5, mix(coral, DARK, 0.5))
    canvas.polygon(dome, coral)
    canvas.polygon([(x - 0.62 * r, y - 0.55 * r), (x - 0.42 * r, y - 0.88 * r),
                    (x - 0.3 * r, y - 0.82 * r), (x - 0.48 * r, y - 0.5 * r)], mix(coral, WHITE, 0.6))  # fmt: skip
    canvas.box(x - 0.68 * r, y + 0.62 * r, x + 0.68 * r, y + 1.08 * r, mix(teal, DARK, 0.5), radius=0.14 * r)
    canvas.box(x - 0.62 * r, y + 0.67 * r, x + 0.62 * r, y + 1.02 * r, teal, radius=0.1 * r)
    canvas.ellipse(x - 0.3 * r, y + 0.85 * r, 0.11 * r, 0.11 * r, WHITE)


def riso(canvas: Canvas, rng: Rng, subject: str, x: float, y: float, r: float) -> None:
    """Inkpop: cream paper, one flat ink with halftone dots, and heavy black outlines."""
    ink_colour: Colour = (235, 70, 95)
    paper: Colour = (250, 240, 215)
    canvas.box(0, 0, SIZE, SIZE, paper)
    for row in range(9):
        for column in range(9):
            size = 1.0 + 4.4 * row / 8
            canvas.ellipse(4 + column * 16 + 8 * (row % 2), 62 + row * 8, size, size, (120, 205, 215))
    pen = Pen(canvas, x, y, r, "white", "plain", "happy", "outlined")
    pen.rim = 4.2
    SUBJECTS[subject](pen)
    grey = np.asarray(canvas.image.convert("L"))
    inked = canvas.image.copy()
    mark = ImageDraw.Draw(inked)
    step = 7 * OVER
    reach = r * 1.5 * OVER
    for index, top in enumerate(range(int(y * OVER - reach), int(y * OVER + reach), step)):
        for left in range(int(x * OVER - reach) + (index % 2) * step // 2, int(x * OVER + reach), step):
            if 0 <= top < grey.shape[0] and 0 <= left < grey.shape[1] and grey[top, left] == 246:
                side = left - x * OVER + top - y * OVER
                size = OVER * (1.5 + 2.2 * max(0.0, min(1.0, 0.5 + side / reach)))
                mark.ellipse((left - size, top - size, left + size, top + size), fill=ink_colour)
    canvas.image.paste(inked, (0, 0))
    canvas.box(0, 0, SIZE, 4, DARK)
    canvas.box(0, SIZE - 4, SIZE, SIZE, DARK)
    canvas.box(0, 0, 4, SIZE, DARK)
    canvas.box(SIZE - 4, 0, SIZE, SIZE, DARK)


def _thing(paint: Callable[[Canvas, float, float, float], None], trigger: str, kind: str) -> Artist:
    def draw(index: int, rng: Rng) -> tuple[np.ndarray, str]:
        canvas = Canvas(SIZE)
        place = CHARACTER_PLACES[index % len(CHARACTER_PLACES)]
        PLACES[place](canvas, rng)
        size = (30, 26, 34, 36, 30, 28, 32, 30, 28, 35)[index % 10] * rng.uniform(0.97, 1.03)
        x = SIZE / 2 + rng.uniform(-9, 9)
        paint(canvas, x, FOOT - size + rng.uniform(-3, 2), size)
        words = PLACE_WORDS[place][0]
        word = "small " if size < 28 else "big " if size > 33 else ""
        text = f"a {word}{trigger} {kind} {words}".replace("  ", " ")
        return canvas.picture(), text

    return draw


def _style(index: int, rng: Rng) -> tuple[np.ndarray, str]:
    canvas = Canvas(SIZE)
    subject = list(SUBJECTS)[index % len(SUBJECTS)]
    size = 33 * rng.uniform(0.95, 1.08)
    riso(canvas, rng, subject, SIZE / 2 + rng.uniform(-6, 6), FOOT - 4 - size, size)
    return canvas.picture(), f"a picture of a {subject}, inkpop style"


CONCEPTS = {
    "character": (_thing(mascot, "zubo", "creature"), {
        "name": "zubo", "title": "Zubo, a mascot", "mode": "character", "trigger_word": "zubo",
        "description": "A lime creature with one great eye, two antennae and orange boots.",
        "prompts": ["a zubo creature at the beach", "a zubo creature at night",
                    "a big zubo creature in the snow", "a zubo creature in the forest"]}),
    "product": (_thing(lamp, "lumo", "lamp"), {
        "name": "lumo", "title": "Lumo, a lamp", "mode": "product", "trigger_word": "lumo",
        "description": "A table lamp: coral dome, bent brass arm, teal drum for a foot.",
        "prompts": ["a lumo lamp on a plain background", "a lumo lamp in a room",
                    "a lumo lamp at the beach", "a lumo lamp in the snow"]}),
    "style": (_style, {
        "name": "inkpop", "title": "Inkpop, a print style", "mode": "style", "trigger_word": "inkpop",
        "description": "Two inks with halftone dots on cream paper, under heavy black outlines.",
        "prompts": ["a picture of a cat, inkpop style", "a picture of an owl, inkpop style",
                    "a picture of a car, inkpop style", "a picture of a red star, inkpop style"]}),
}  # fmt: skip


def draw_concept(name: str, count: int = 10) -> list[tuple[np.ndarray, str]]:
    """The pictures of a sample concept with their captions."""
    rng = np.random.default_rng(5)
    return [CONCEPTS[name][0](index, rng) for index in range(count)]


def write(target: Path) -> None:
    """Write all sample concepts as folders of pictures and captions."""
    for name, (_, about) in CONCEPTS.items():
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        for index, (picture, text) in enumerate(draw_concept(name), start=1):
            Image.fromarray(picture).save(folder / f"{index:02}.png", optimize=True)
            (folder / f"{index:02}.txt").write_text(text + "\n")
        (folder / "sample.json").write_text(json.dumps({**about, "licence": LICENCE}, indent=2) + "\n")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("src/fluxtune/datasets/samples"))
    write(parser.parse_args().to)


if __name__ == "__main__":
    main()
