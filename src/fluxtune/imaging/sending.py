"""Images as a hosted API takes them: JPEG, PNG or WebP that every reader shows alike; masks as greys."""

import io

from PIL import Image

from fluxtune.imaging.colour import has_transparency, to_srgb
from fluxtune.imaging.decode import reading

MOST_BYTES = 15_000_000
"""What base64 makes 20 MB of, the largest image BFL says it takes (FLUX 3; it is silent about the others)."""
QUALITY = 95
_PLAIN = ("JPEG", "PNG", "WEBP")
_LOSSY = ("JPEG", "WEBP", "HEIF", "AVIF")
_EXIF_ORIENTATION = 0x0112
_LOWER_QUALITIES = (QUALITY, 88, 80)


def encode_to_send(data: bytes, *, keeps_alpha: bool = False, most_pixels: int | None = None) -> bytes:
    """Return an image as JPEG, PNG or WebP: upright, 8-bit sRGB, one frame; as it is where it is that already.

    `keeps_alpha`: what is transparent means something (Fill paints it anew) and stays so. `most_pixels`: it is made
    smaller until it has no more. Raises FileRefused with the reason.
    """
    with reading(data) as opened:
        is_small = most_pixels is None or opened.width * opened.height <= most_pixels
        if is_small and len(data) <= MOST_BYTES and _is_plain(opened, keeps_alpha):
            return data
        opened.load()
        is_lossy = opened.format in _LOSSY
        alpha = _alpha(opened) if keeps_alpha else None
        pixels = to_srgb(opened)
        if alpha is not None:
            pixels = _colours(opened)
            pixels.putalpha(alpha)
        pixels = _shrunk(pixels, most_pixels)
    if is_lossy and alpha is None:
        return _jpeg(pixels)
    png = _png(pixels)
    return png if alpha is not None or len(png) <= MOST_BYTES else _jpeg(pixels)


def encode_mask(data: bytes) -> bytes:
    """Return a mask as a PNG of greys, white where something changes. What is transparent counts as black.

    Raises FileRefused with the reason.
    """
    with reading(data) as opened:
        if opened.format == "PNG" and opened.mode == "L" and "transparency" not in opened.info:
            return data
        opened.load()
        alpha = _alpha(opened)
        pixels = to_srgb(opened) if alpha is None else _colours(opened)
    greys = pixels.convert("L")
    if alpha is not None:
        greys = Image.composite(greys, Image.new("L", greys.size, 0), alpha)
    return _png(greys)


def can_be_transparent(data: bytes) -> bool:
    """Return whether an image has a channel for transparency; nothing is decoded. Raises FileRefused."""
    with reading(data) as opened:
        return opened.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in opened.info


def _is_plain(opened: Image.Image, keeps_alpha: bool) -> bool:
    modes = ("RGB", "L", "RGBA") if keeps_alpha else ("RGB", "L")
    return (
        opened.format in _PLAIN
        and opened.mode in modes
        and not opened.info.get("icc_profile")
        and "transparency" not in opened.info
        and getattr(opened, "n_frames", 1) == 1
        and opened.getexif().get(_EXIF_ORIENTATION, 1) == 1
    )


def _alpha(opened: Image.Image) -> Image.Image | None:
    """Return what is transparent, upright; None where nothing is."""
    if not has_transparency(opened):
        return None
    return _turned(opened, opened.convert("RGBA").getchannel("A"))


def _colours(opened: Image.Image) -> Image.Image:
    """Return the colours below the transparency, upright and in sRGB, as if all were opaque."""
    plain = opened.convert("RGBA").convert("RGB")
    plain.info = {name: opened.info[name] for name in ("icc_profile",) if name in opened.info}
    return to_srgb(_turned(opened, plain))


def _turned(opened: Image.Image, part: Image.Image) -> Image.Image:
    """Turn a part of an image as the camera's note in the whole says."""
    turns: dict[int, tuple[Image.Transpose, ...]] = {
        2: (Image.Transpose.FLIP_LEFT_RIGHT,), 3: (Image.Transpose.ROTATE_180,), 4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,), 6: (Image.Transpose.ROTATE_270,), 7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_90,),
    }  # fmt: skip
    info = part.info
    for turn in turns.get(opened.getexif().get(_EXIF_ORIENTATION, 1), ()):
        part = part.transpose(turn)
    part.info = info
    return part


def _shrunk(pixels: Image.Image, most_pixels: int | None) -> Image.Image:
    if most_pixels is None or pixels.width * pixels.height <= most_pixels:
        return pixels
    scale = (most_pixels / (pixels.width * pixels.height)) ** 0.5
    size = (max(int(pixels.width * scale), 1), max(int(pixels.height * scale), 1))
    return pixels.resize(size, Image.Resampling.LANCZOS)


def _png(pixels: Image.Image) -> bytes:
    buffer = io.BytesIO()
    pixels.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _jpeg(pixels: Image.Image) -> bytes:
    content = b""
    for quality in _LOWER_QUALITIES:
        buffer = io.BytesIO()
        pixels.convert("RGB").save(buffer, "JPEG", quality=quality, subsampling=0)
        content = buffer.getvalue()
        if len(content) <= MOST_BYTES:
            break
    return content
