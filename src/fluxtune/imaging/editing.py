"""Pictures turned, mirrored and cut; and where a cut would best be. Pillow only."""

import io
from dataclasses import dataclass
from functools import reduce

from PIL import Image, ImageChops, ImageFilter

from fluxtune.core.errors import InvalidInput

LOSSY = ("JPEG", "WEBP", "AVIF", "HEIF", "HEIC")
"""Formats that have lost something already: their edits are kept as JPEG, which shows no difference at this quality."""
QUALITY = 97
_MAP_SIDE = 64
"""Detail is summed up on a map of at most this many cells a side."""
_CENTRE_PULL = 0.25
"""By this share a window at the very edge must hold more than one in the middle, where photographs have subjects."""
_PLAIN = 12
"""Levels of 255 by which a border may differ from its corner and still be plain."""

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""

_TURNS = {
    90: Image.Transpose.ROTATE_270,  # Pillow turns the other way round
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


class CropOutside(InvalidInput):
    """The cut is not within the picture."""

    title = "The crop does not fit the picture"
    action = "Draw the frame again."


@dataclass(frozen=True, slots=True)
class EditedFile:
    """An edited picture as a file."""

    data: bytes
    format: str


def edit(pixels: Image.Image, turn: int, mirror: bool, crop: Box | None) -> Image.Image:
    """Return the picture turned clockwise by `turn` degrees, then mirrored left to right, then cut.

    Raises `CropOutside` when the cut is not wholly within the picture.
    """
    if turn:
        pixels = pixels.transpose(_TURNS[turn])
    if mirror:
        pixels = pixels.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if crop is None:
        return pixels
    left, top, width, height = crop
    if left + width > pixels.width or top + height > pixels.height:
        raise CropOutside(
            f"It goes to {left + width} × {top + height}, the picture only to {pixels.width} × {pixels.height}."
        )
    return pixels.crop((left, top, left + width, top + height))


def write_edited(pixels: Image.Image, form: str) -> EditedFile:
    """Return pixels of a picture that was stored as `form` as a file: lossless where nothing was lost before."""
    buffer = io.BytesIO()
    if form in LOSSY:
        pixels.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
        return EditedFile(buffer.getvalue(), "JPEG")
    pixels.save(buffer, "PNG", compress_level=1)
    return EditedFile(buffer.getvalue(), "PNG")


def largest_box(width: int, height: int, aspect: float) -> tuple[int, int]:
    """Return the size of the largest cut of this aspect (width over height)."""
    if width / height > aspect:
        return max(1, min(width, round(height * aspect))), height
    return width, max(1, min(height, round(width / aspect)))


def suggest_crop(preview: Image.Image, width: int, height: int, aspect: float) -> Box:
    """Return the largest cut of an aspect, moved to where most detail is.

    `preview` is a small version of a picture of `width` × `height`. Detail is edges and colour, as in smartcrop.js; of
    windows that hold about the same, the one nearer the middle is taken.
    """
    wide, high = largest_box(width, height, aspect)
    along_x = width - wide > height - high
    free = max(width - wide, height - high)
    if free <= 0:
        return 0, 0, wide, high
    detail = _detail(preview, along_x)
    share = (wide / width) if along_x else (high / height)
    start = _best_start(detail, share)
    offset = min(free, max(0, round(start * (width if along_x else height))))
    return (offset, 0, wide, high) if along_x else (0, offset, wide, high)


def find_content(preview: Image.Image, width: int, height: int) -> Box | None:
    """Return the cut that leaves plain borders out, or None where there are none.

    `preview` is a small version of a picture of `width` × `height`; borders thinner than a hundredth stay.
    """
    pixels = preview.convert("RGB")
    plain = Image.new("RGB", pixels.size, pixels.getpixel((0, 0)))
    grey = reduce(ImageChops.lighter, ImageChops.difference(pixels, plain).split())
    found = grey.point(lambda level: 255 if level > _PLAIN else 0).getbbox()
    if found is None:
        return None
    x, y = width / pixels.width, height / pixels.height
    left, top = round(found[0] * x), round(found[1] * y)
    right, bottom = min(width, round(found[2] * x)), min(height, round(found[3] * y))
    if max(left, width - right) < width / 100 and max(top, height - bottom) < height / 100:
        return None
    return left, top, max(1, right - left), max(1, bottom - top)


def _detail(preview: Image.Image, along_x: bool) -> list[int]:
    """Return how much there is to see in each column or row of a small map."""
    pixels = preview.convert("RGB")
    # The filter leaves the outermost pixels as they are: seen as detail, they would pull every cut to the edge.
    edges = pixels.convert("L").filter(ImageFilter.FIND_EDGES)
    edges.paste(0, (0, 0, edges.width, 1))
    edges.paste(0, (0, edges.height - 1, edges.width, edges.height))
    edges.paste(0, (0, 0, 1, edges.height))
    edges.paste(0, (edges.width - 1, 0, edges.width, edges.height))
    colour = pixels.convert("HSV").getchannel("S").point(lambda level: level // 4)
    both = ImageChops.add(edges, colour)
    size = (min(_MAP_SIDE, both.width), 1) if along_x else (1, min(_MAP_SIDE, both.height))
    return list(both.resize(size, Image.Resampling.BOX).tobytes())


def _best_start(detail: list[int], share: float) -> float:
    """Return where the best window begins, as a share of the whole."""
    count = len(detail)
    span = max(1, min(count, round(share * count)))
    sums = [sum(detail[start : start + span]) for start in range(count - span + 1)]
    middle = (count - span) / 2
    if middle == 0:
        return 0.0
    scores = [(total + 1) * (1 - _CENTRE_PULL * abs(start - middle) / middle) for start, total in enumerate(sums)]
    best = max(range(len(scores)), key=lambda start: (scores[start], -abs(start - middle)))
    # Whole cells only: at the ends the window sits exactly at the edge.
    return 0.0 if best == 0 else 1.0 - share if best == count - span else best / count
