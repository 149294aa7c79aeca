"""A contact sheet: training images on top, then base beside finetuned, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PAPER, INK, QUIET = (250, 250, 250), (27, 27, 31), (110, 110, 120)
MARGIN, GAP, CELL, TEXT_WIDTH = 32, 12, 192, 300
TRAINING_SIDE = 84
BODY_SIZE, TITLE_SIZE = 16, 24


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One prompt, drawn by the base and by the finetuned model with the same seed."""

    prompt: str
    base: Path
    finetuned: Path


def draw_sheet(
    title: str, training: Sequence[Path], groups: Sequence[tuple[str, Sequence[SheetRow]]], target: Path
) -> None:
    """Draw the sheet; each group has a heading, such as “with the trigger word”."""
    body, heading = ImageFont.load_default(BODY_SIZE), ImageFont.load_default(TITLE_SIZE)
    width = 2 * MARGIN + TEXT_WIDTH + 2 * (CELL + GAP)
    columns = max(1, (width - 2 * MARGIN + GAP) // (TRAINING_SIDE + GAP))
    shown = list(training)[: 2 * columns]
    training_height = -(-len(shown) // columns) * (TRAINING_SIDE + GAP)
    rows_height = sum(TITLE_SIZE + 2 * GAP + len(rows) * (CELL + GAP) for _, rows in groups)
    height = 2 * MARGIN + 2 * TITLE_SIZE + BODY_SIZE + 3 * GAP + training_height + rows_height
    page = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(page)

    y = MARGIN
    pen.text((MARGIN, y), title, INK, heading)
    y += TITLE_SIZE + 2 * GAP
    for index, path in enumerate(shown):
        x = MARGIN + index % columns * (TRAINING_SIDE + GAP)
        _place(page, path, (x, y + index // columns * (TRAINING_SIDE + GAP)), TRAINING_SIDE)
    y += training_height + GAP
    first, second = MARGIN + TEXT_WIDTH + GAP, MARGIN + TEXT_WIDTH + CELL + 2 * GAP
    pen.text((first, y), "base", QUIET, body)
    pen.text((second, y), "finetuned", QUIET, body)
    y += BODY_SIZE + GAP
    for name, rows in groups:
        pen.text((MARGIN, y), name, INK, heading)
        y += TITLE_SIZE + 2 * GAP
        for row in rows:
            _write(pen, row.prompt, (MARGIN, y), body)
            _place(page, row.base, (first, y), CELL)
            _place(page, row.finetuned, (second, y), CELL)
            y += CELL + GAP
    target.parent.mkdir(parents=True, exist_ok=True)
    page.save(target)


def _place(page: Image.Image, path: Path, corner: tuple[int, int], side: int) -> None:
    """Fit an image into a square cell, in its own shape."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = side / max(image.size)
    fitted = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    page.paste(image.resize(fitted, Image.Resampling.LANCZOS), corner)


def _write(
    pen: ImageDraw.ImageDraw, text: str, corner: tuple[int, int], font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> None:
    """Write words into the text column, broken where they would leave it."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if pen.textlength(longer, font) > TEXT_WIDTH - GAP and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    pen.multiline_text(corner, "\n".join(lines), INK, font, spacing=GAP // 2)
