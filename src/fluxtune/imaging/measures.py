"""What can be said of an image's quality by looking at it. Pillow only; sources and thresholds: docs/guide/datasets.md.

Sharpness follows the variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy",
2000), taken in tiles: a sharp subject before a soft background is a sharp photograph. The quality of a JPEG is read
from its quantisation tables by the Independent JPEG Group's own formula (jcparam.c, `jpeg_quality_scaling`) backwards.
"""

from dataclasses import dataclass

from PIL import Image, ImageFilter
from PIL.JpegImagePlugin import JpegImageFile

MEASURE_SIDE = 768
"""Pixels on the longer side at which sharpness is measured: about what a training image has."""
_TILES = 6
_CLIP = 8
"""Squares are stored as a byte: this many times smaller."""
_LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)
_SQUARES = [min(255, (value - 128) ** 2 // _CLIP) for value in range(256)]
# Sums of the 64 entries of the standard's example tables (ITU-T T.81, annex K): quality 50.
_STANDARD_SUMS = (3685, 4761)


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of an image; None where it can't be."""

    sharpness: float
    jpeg_quality: int | None
    has_alpha: bool


def sharpness_of(pixels: Image.Image) -> float:
    """Return how sharp the sharpest part of an image is (0 blank, below about 20 blurred, hundreds: crisp edges)."""
    grey = pixels.convert("L")
    edges = grey.filter(_LAPLACIAN)
    if min(edges.size) > 8:
        edges = edges.crop((1, 1, edges.width - 1, edges.height - 1))  # the filter leaves its border unfiltered
    tiles = edges.point(_SQUARES).convert("F").resize((_TILES, _TILES), Image.Resampling.BOX)
    _, highest = tiles.getextrema()
    return round(highest * _CLIP, 1) if isinstance(highest, int | float) else 0.0


def jpeg_quality_of(image: Image.Image) -> int | None:
    """Return the quality (1–100) a JPEG was saved with, None for what is no JPEG."""
    if not isinstance(image, JpegImageFile) or not image.quantization:
        return None
    tables = image.quantization
    first = tables[min(tables)]
    scale = 100 * sum(first) / _STANDARD_SUMS[0]
    quality = 5000 / scale if scale > 100 else (200 - scale) / 2
    return max(1, min(100, round(quality)))
