"""The contact sheet: 32 held-out prompts, one picture each, no choosing."""

import argparse
from pathlib import Path

from diffusers import Flux2KleinPipeline
from PIL import Image, ImageDraw, ImageFont

from tools.pocket import model, world
from tools.pocket.measure import test_scenes

COLUMNS, GAP, TEXT = 8, 6, 26


def sheet(pipe: Flux2KleinPipeline, count: int = 32, seed: int = 0) -> Image.Image:
    """Draw the first `count` test prompts with their captions underneath."""
    prompts = [world.plain_caption(scene) for scene in test_scenes(count)]
    pictures = []
    for start in range(0, count, 16):
        pictures += model.generate(pipe, prompts[start : start + 16], seed=seed + start)
    rows = -(-count // COLUMNS)
    cell = world.SIZE + GAP
    page = Image.new("RGB", (COLUMNS * cell + GAP, rows * (cell + TEXT) + GAP), "white")
    ink, font = ImageDraw.Draw(page), ImageFont.load_default(10)
    for index, (prompt, picture) in enumerate(zip(prompts, pictures, strict=True)):
        x, y = GAP + index % COLUMNS * cell, GAP + index // COLUMNS * (cell + TEXT)
        page.paste(picture, (x, y))
        words, line, lines = prompt.split(), "", []
        for word in words:
            if font.getlength(f"{line} {word}") > world.SIZE:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        for number, text in enumerate([*lines, line][:2]):
            ink.text((x, y + world.SIZE + 1 + number * 11), text, fill="black", font=font)
    return page


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=Path("src/fluxtune/engine/bases/pocket"))
    parser.add_argument("--to", type=Path, default=Path("docs/pocket/contact-sheet.png"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.to.parent.mkdir(parents=True, exist_ok=True)
    sheet(Flux2KleinPipeline.from_pretrained(options.base), seed=options.seed).save(options.to, optimize=True)


if __name__ == "__main__":
    main()
