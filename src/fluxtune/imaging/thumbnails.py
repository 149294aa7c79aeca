"""Small versions of an image, made once when it is stored."""

import base64
import io
from collections.abc import Mapping

from PIL import Image, ImageFilter

THUMBNAIL_SIZES = (128, 320, 768)
"""Longest side in pixels: list rows, grid cells, and the large view before the file arrives."""

_PLACEHOLDER_LIMIT = 500
_QUALITY = 85
_FULL_COLOUR_SIDE = 320
"""Up to this side colours are kept in full: small pictures are shown enlarged, where smeared colours are seen."""


def make_thumbnails(pixels: Image.Image) -> dict[int, bytes]:
    """Return a JPEG per size; an image is never enlarged."""
    return encode_views(make_views(pixels))


def make_views(pixels: Image.Image) -> dict[int, Image.Image]:
    """Return the pixels at each size, largest first."""
    views: dict[int, Image.Image] = {}
    current = pixels
    for size in sorted(THUMBNAIL_SIZES, reverse=True):
        # Each is made from the next larger one: three full-size reductions would cost three times as much.
        views[size] = current = fit(current, size)
    return views


def encode_views(views: Mapping[int, Image.Image]) -> dict[int, bytes]:
    """Return views as JPEG: of photographs as small as WebP by its quickest method, in an eighth of the time.

    What was transparent stands on white by now (`to_srgb`), so nothing is lost by a format without it.
    """
    return {size: _jpeg(view) for size, view in views.items()}


def make_placeholder(pixels: Image.Image) -> str:
    """Return a tiny blurred data URI of at most 500 bytes, in the image's own shape."""
    for side in (20, 14, 10, 6, 4):
        tiny = fit(pixels, side).filter(ImageFilter.GaussianBlur(0.6))
        uri = "data:image/webp;base64," + base64.b64encode(_webp(tiny, quality=20)).decode("ascii")
        if len(uri) <= _PLACEHOLDER_LIMIT:
            break
    return uri


def fit(pixels: Image.Image, size: int) -> Image.Image:
    """Return the pixels with at most `size` on the longer side; never enlarged."""
    scale = min(1.0, size / max(pixels.size))
    if scale == 1.0:
        return pixels
    target = (max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale)))
    # Whole factors are averaged first, which is several times quicker than a filter as wide and looks the same.
    return pixels.resize(target, Image.Resampling.HAMMING, reducing_gap=1.0)


def _jpeg(pixels: Image.Image) -> bytes:
    buffer = io.BytesIO()
    subsampling = "4:4:4" if max(pixels.size) <= _FULL_COLOUR_SIDE else "4:2:0"
    pixels.save(buffer, "JPEG", quality=_QUALITY, subsampling=subsampling)
    return buffer.getvalue()


def _webp(pixels: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    pixels.save(buffer, "WEBP", quality=quality, method=0)
    return buffer.getvalue()
