"""Whatever a file holds (palettes, 16 bits, CMYK, profiles, alpha, turned by EXIF) as upright 8-bit sRGB pixels."""

import io

from PIL import Image, ImageCms, ImageOps

_EXIF_ORIENTATION = 0x0112
BACKGROUND = "white"
"""What shines through where an image is transparent; models know no transparency."""


def has_transparency(image: Image.Image) -> bool:
    """Return whether a decoded image lets anything shine through; an alpha channel that is opaque doesn't count."""
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        low, _ = image.getchannel(image.getbands()[-1]).getextrema()
        return isinstance(low, int | float) and low < 255
    if "transparency" not in image.info:
        return False
    low, _ = image.convert("RGBA").getchannel("A").getextrema()
    return isinstance(low, int | float) and low < 255


def to_srgb(image: Image.Image) -> Image.Image:
    """Turn upright, put onto white and convert to 8-bit sRGB."""
    profile = image.info.get("icc_profile")
    upright = _upright(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        upright = _to_8_bit(upright)
    if upright.mode == "P":
        upright = upright.convert("RGBA" if "transparency" in upright.info else "RGB")
    if upright.mode in ("1", "L") and "transparency" in upright.info:
        upright = upright.convert("LA")
    if upright.mode == "RGB" and "transparency" in upright.info:
        upright = upright.convert("RGBA")
    alpha = upright.getchannel("A") if upright.mode in ("RGBA", "LA", "PA") else None
    if upright.mode in ("RGBa", "La"):
        upright = upright.convert("RGBA" if upright.mode == "RGBa" else "LA")
        alpha = upright.getchannel("A")
    colour = _apply_profile(upright, profile)
    if alpha is not None:
        flat = Image.new("RGB", colour.size, BACKGROUND)
        flat.paste(colour, mask=alpha)
        return flat
    return colour


def _upright(image: Image.Image) -> Image.Image:
    try:
        if image.getexif().get(_EXIF_ORIENTATION, 1) == 1:
            return image  # Pillow would copy it
        return ImageOps.exif_transpose(image)
    except Exception:
        # A broken EXIF block must not cost the user an otherwise good image.
        return image


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit and float greys to 0–255 (Pillow's own conversion would clip them)."""
    top = 65535.0 if image.mode.startswith("I;16") else 255.0
    if image.mode == "I;16B":
        image = image.convert("I")  # the big-endian kind knows neither its extremes nor how to become floats
    low, high = image.getextrema()
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return image.convert("L")
    # I;16 says how large its values may be; of the others the largest one tells.
    top = 65535.0 if high > 255 else top
    if image.mode == "F" and high <= 1.0:
        top = 1.0
    if low < 0 or high > top:
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
    return image if image.mode == "RGB" else image.convert("RGB")
