"""From the bytes of a file to upright sRGB pixels, or to a sentence that says why not."""

import hashlib
import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from fluxtune.core.errors import FileRefused

MAX_PIXELS = 60_000_000
"""60 megapixels: above any camera in common use, and 180 MB once decoded."""

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
_SUFFIX = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tif", "BMP": "bmp", "GIF": "gif"}
_MEDIA_TYPE = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "GIF": "image/gif",
}
_ACCEPTED = "JPEG, PNG, WebP, TIFF, BMP and GIF"
_EXIF_ORIENTATION = 0x0112


class ImageEmpty(FileRefused):
    """The file has no bytes."""

    title = "The file is empty"
    action = "Save or copy it again, then add it."


class NotAnImage(FileRefused):
    """The content is no image this product reads, whatever its name says."""

    title = "Not an image"
    action = f"Use {_ACCEPTED} files."


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
    if not data:
        raise ImageEmpty("It has no bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own bomb warning: the limit below is ours and stricter
            opened = Image.open(io.BytesIO(data), formats=_FORMATS)
            _check_size(opened, max_pixels)
            opened.load()  # the first frame of an animation
            pixels = _to_srgb(opened)
    except FileRefused:
        raise
    except UnidentifiedImageError as error:
        raise NotAnImage(f"Its content is none of {_ACCEPTED}.") from error
    except Image.DecompressionBombError as error:
        raise ImageTooManyPixels(f"It has more than {max_pixels // 1_000_000} million pixels.") from error
    except MemoryError as error:
        raise ImageTooManyPixels("There is not enough memory to open it.") from error
    except Exception as error:  # Pillow's decoders raise many kinds (OSError, SyntaxError, struct.error, …)
        raise ImageBroken("It starts like an image, but the rest can't be read.", technical=repr(error)) from error
    form = str(opened.format)
    return Decoded(
        pixels=pixels,
        format=form,
        suffix=_SUFFIX[form],
        media_type=_MEDIA_TYPE[form],
        byte_count=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def media_type_of(form: str) -> str:
    """Return the media type of a stored format."""
    return _MEDIA_TYPE.get(form, "application/octet-stream")


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageTooManyPixels(
            f"It is {width} × {height}, {width * height / 1e6:.0f} million pixels; "
            f"at most {max_pixels / 1e6:.0f} million are accepted."
        )
    if width < 1 or height < 1:
        raise ImageBroken("It says that it has no pixels.")


def _to_srgb(image: Image.Image) -> Image.Image:
    """Turn upright, flatten onto white and convert to 8-bit sRGB."""
    profile = image.info.get("icc_profile")
    upright = _upright(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        upright = _to_8_bit(upright)
    if upright.mode == "P":
        upright = upright.convert("RGBA" if "transparency" in upright.info else "RGB")
    if upright.mode in ("1", "L") and "transparency" in upright.info:
        upright = upright.convert("LA")
    alpha = upright.getchannel("A") if upright.mode in ("RGBA", "LA", "PA") else None
    if upright.mode in ("RGBa", "La"):
        upright = upright.convert("RGBA" if upright.mode == "RGBa" else "LA")
        alpha = upright.getchannel("A")
    colour = _apply_profile(upright, profile)
    if alpha is not None:
        white = Image.new("RGB", colour.size, "white")
        white.paste(colour, mask=alpha)
        return white
    return colour


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        # A broken EXIF block must not cost the user an otherwise good image.
        return image


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit and float greys to 0–255 (Pillow's own conversion would clip them)."""
    low, high = image.getextrema()
    top = 65535.0 if isinstance(high, int | float) and high > 255 else 255.0
    if image.mode == "F" and isinstance(high, int | float) and high <= 1.0:
        top = 1.0
    if isinstance(low, int | float) and isinstance(high, int | float) and (low < 0 or high > top):
        span = max(high - low, 1e-9)
        return image.convert("F").point(lambda value: (value - low) * (255.0 / span)).convert("L")
    return image.convert("F").point(lambda value: value * (255.0 / top)).convert("L")


def _apply_profile(image: Image.Image, profile: object) -> Image.Image:
    if isinstance(profile, bytes) and profile:
        source = image.convert("RGB") if image.mode in ("RGBA", "P") else image
        source = source.convert("L") if source.mode == "LA" else source
        try:
            converted = ImageCms.profileToProfile(
                source, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None  # a profile for another colour space, or a broken one: the plain conversion is close
        if converted is not None:
            return converted
    return image.convert("RGB")


@dataclass(frozen=True, slots=True)
class PlainFile:
    """Bytes any reader shows alike: an upright 8-bit RGB image without profile or alpha."""

    data: bytes
    suffix: str


def normalise(data: bytes) -> PlainFile:
    """Return an image as it is if every reader shows it alike, else as the PNG of its upright sRGB pixels."""
    decoded = decode(data)
    with Image.open(io.BytesIO(data), formats=_FORMATS) as raw:
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
