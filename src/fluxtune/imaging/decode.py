"""From the bytes of a file to upright sRGB pixels, or to a sentence that says why not."""

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageFile, UnidentifiedImageError

from fluxtune.core.errors import FileRefused
from fluxtune.imaging.colour import to_srgb
from fluxtune.imaging.formats import ACCEPTED, media_type_of, open_image, suffix_of

MAX_PIXELS = 60_000_000
"""60 megapixels: above any camera in common use, and 180 MB once decoded."""

_EXIF_ORIENTATION = 0x0112
_READ_BYTES = 2**20
"""What a decoder is given at a time. Pillow's own 64 KB make threads wait for one another dozens of times an image."""

# Pillow warns of bombs and odd EXIF blocks: the limit here is stricter, and a refusal has its own sentence. Once for
# the process, because setting filters for a block is not safe where several threads decode.
warnings.filterwarnings("ignore", module=r"PIL\..*")


class ImageEmpty(FileRefused):
    """The file has no bytes."""

    title = "The file is empty"
    action = "Save or copy it again, then add it."


class NotAnImage(FileRefused):
    """The content is no image this product reads, whatever its name says."""

    title = "Not an image"
    action = f"Use {ACCEPTED} files."


class ImageBroken(FileRefused):
    """The content starts like an image and then doesn't hold."""

    title = "The image is damaged"
    action = "Copy or export it again; it probably was cut short on its way."


class ImageTooManyPixels(FileRefused):
    """Decoding would need more memory than one image may."""

    title = "The image has too many pixels"
    action = "Make it smaller (4,000 pixels on the longer side are plenty for training)."


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image file understood: what it is, and its upright 8-bit sRGB pixels."""

    pixels: Image.Image
    format: str
    suffix: str
    media_type: str
    byte_count: int
    sha256: str

    @property
    def width(self) -> int:
        """Width once upright."""
        return self.pixels.width

    @property
    def height(self) -> int:
        """Height once upright."""
        return self.pixels.height


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Return what `data` shows; the content decides the type, never a name. Raise FileRefused with the reason."""
    with reading(data, max_pixels) as opened:
        opened.load()  # the first frame of an animation
        pixels = to_srgb(opened)
        form = str(opened.format)
    return Decoded(
        pixels=pixels,
        format=form,
        suffix=suffix_of(form),
        media_type=media_type_of(form),
        byte_count=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


@contextmanager
def reading(data: bytes, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open an image for the block, its size checked and nothing decoded; whatever breaks becomes a FileRefused."""
    if not data:
        raise ImageEmpty("It has no bytes.")
    try:
        opened = open_image(data)
        _check_size(opened, max_pixels)
        if isinstance(opened, ImageFile.ImageFile):
            opened.decodermaxblock = _READ_BYTES
        yield opened
    except FileRefused:
        raise
    except UnidentifiedImageError as error:
        raise _unknown(data) from error
    except Image.DecompressionBombError as error:
        raise ImageTooManyPixels(f"It has more than {max_pixels // 1_000_000} million pixels.") from error
    except MemoryError as error:
        raise ImageTooManyPixels("There is not enough memory to open it.") from error
    except Exception as error:  # Pillow's decoders raise many kinds (OSError, SyntaxError, struct.error, …)
        raise ImageBroken("It starts like an image, but the rest can't be read.", technical=repr(error)) from error


_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
_VECTORS = (b"<svg", b"<?xml", b"<!doctype", b"<html")


def _unknown(data: bytes) -> FileRefused:
    """Say what a file is that no reader took: an image cut off in its header is damaged, not something else."""
    if data.startswith(_STARTS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or data[4:8] == b"ftyp":
        return ImageBroken("It starts like an image, but its header can't be read.")
    if data[:512].lstrip().lower().startswith(_VECTORS):
        return NotAnImage(
            "It is a drawing or a page in text form (SVG, HTML), not pixels.",
            action="Export it as a PNG, then add that.",
        )
    return NotAnImage(f"Its content is none of {ACCEPTED}.")


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageTooManyPixels(
            f"It is {width} × {height}, {width * height / 1e6:.0f} million pixels; "
            f"at most {max_pixels / 1e6:.0f} million are accepted."
        )
    if width < 1 or height < 1:
        raise ImageBroken("It says that it has no pixels.")


@dataclass(frozen=True, slots=True)
class PlainFile:
    """Bytes any reader shows alike: an upright 8-bit RGB image without profile or alpha."""

    data: bytes
    suffix: str


def normalise(data: bytes) -> PlainFile:
    """Return an image as it is if every reader shows it alike, else as the PNG of its upright sRGB pixels."""
    decoded = decode(data)
    with open_image(data) as raw:
        is_plain = (
            raw.mode == "RGB"
            and decoded.format in ("JPEG", "PNG", "WEBP")
            and not raw.info.get("icc_profile")
            and "transparency" not in raw.info
            and raw.getexif().get(_EXIF_ORIENTATION, 1) == 1
        )
    if is_plain:
        return PlainFile(data, decoded.suffix)
    buffer = io.BytesIO()
    decoded.pixels.save(buffer, "PNG", compress_level=1)
    return PlainFile(buffer.getvalue(), "png")
