"""One look at an image as it comes in: everything the studio keeps of it, from a single decode.

JPEGs are decoded at half, a quarter or an eighth of their size where that is enough for the largest thumbnail: the
decoder then leaves out work instead of throwing pixels away. Every coefficient is still read, so damage is found.
"""

import hashlib
from dataclasses import dataclass

from PIL import Image

from fluxtune.imaging.colour import has_transparency, to_srgb
from fluxtune.imaging.decode import MAX_PIXELS, reading
from fluxtune.imaging.likeness import fingerprint_of
from fluxtune.imaging.measures import MEASURE_SIDE, Measures, jpeg_quality_of, sharpness_of
from fluxtune.imaging.thumbnails import encode_views, make_placeholder, make_views

_TURNED = {5, 6, 7, 8}
_EXIF_ORIENTATION = 0x0112
_DRAFT_SIDE = 896
"""Above the largest thumbnail, so that shrinking still averages; 12-megapixel photographs become 1,000 pixels wide."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What is kept of an image beside the file itself; width and height are those of the upright original."""

    format: str
    width: int
    height: int
    byte_count: int
    sha256: str
    fingerprint: str
    placeholder: str
    thumbnails: dict[int, bytes]
    measures: Measures


def survey(data: bytes, *, max_pixels: int = MAX_PIXELS, sha256: str | None = None) -> Survey:
    """Return all of it, or raise FileRefused with the reason. `sha256` spares hashing where it is known already."""
    with reading(data, max_pixels) as opened:
        form = str(opened.format)
        width, height = opened.size
        if form == "JPEG":
            opened.draft(None, _draft_size(width, height))
        opened.load()  # the first frame of an animation
        if form != "JPEG":
            width, height = opened.size  # HEIC is turned by its reader, at the latest now
        quality = jpeg_quality_of(opened)
        has_alpha = has_transparency(opened)
        is_turned = _is_turned(opened)
        pixels = to_srgb(opened)
    upright = (height, width) if is_turned else (width, height)
    views = make_views(pixels)
    small = views[320]
    return Survey(
        format=form,
        width=upright[0],
        height=upright[1],
        byte_count=len(data),
        sha256=sha256 or hashlib.sha256(data).hexdigest(),
        fingerprint=fingerprint_of(small),
        placeholder=make_placeholder(small),
        thumbnails=encode_views(views),
        measures=Measures(sharpness=sharpness_of(views[MEASURE_SIDE]), jpeg_quality=quality, has_alpha=has_alpha),
    )


def _draft_size(width: int, height: int) -> tuple[int, int]:
    """Return the least size worth decoding to, in the image's own shape."""
    scale = min(1.0, _DRAFT_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _is_turned(image: Image.Image) -> bool:
    try:
        return image.getexif().get(_EXIF_ORIENTATION) in _TURNED
    except Exception:
        return False  # a broken EXIF block turns nothing
