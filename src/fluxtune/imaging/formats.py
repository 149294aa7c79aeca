"""Which image files are read: their names, endings and media types, and how they are opened."""

import importlib
import io
from functools import cache

from PIL import Image

_PLAIN = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
ACCEPTED = "JPEG, PNG, WebP, AVIF, HEIC, TIFF, BMP and GIF"
_SUFFIXES = {
    "JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif", "HEIF": "heic", "TIFF": "tif", "BMP": "bmp",
    "GIF": "gif",
}  # fmt: skip
_MEDIA_TYPES = {
    "JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "AVIF": "image/avif", "HEIF": "image/heic",
    "TIFF": "image/tiff", "BMP": "image/bmp", "GIF": "image/gif",
}  # fmt: skip


def media_type_of(form: str) -> str:
    """Return the media type of a stored format."""
    return _MEDIA_TYPES.get(form, "application/octet-stream")


def suffix_of(form: str) -> str:
    """Return the file name suffix of a stored format."""
    return _SUFFIXES.get(form, "bin")


def open_image(data: bytes) -> Image.Image:
    """Open one of the accepted formats without decoding it; raises what Pillow raises."""
    if data[4:8] != b"ftyp":
        return Image.open(io.BytesIO(data), formats=_PLAIN)
    # AVIF and HEIC share a container; the brands in its first box tell them apart, the first brand alone doesn't.
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    if b"avif" in brands or b"avis" in brands:
        return Image.open(io.BytesIO(data), formats=("AVIF",))
    _add_heif()
    return Image.open(io.BytesIO(data), formats=("HEIF",))


@cache
def _add_heif() -> None:
    """Teach Pillow to read HEIC; not before the first such file, for the library takes a while to load."""
    importlib.import_module("pi_heif").register_heif_opener(thumbnails=False)
