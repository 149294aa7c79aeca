"""Images in the formats other programs ask for."""

import io

from PIL import Image

MEDIA_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
QUALITY = 95


def encode_as(data: bytes, form: str) -> bytes:
    """Return an image as jpeg, png or webp; one that is of that format already stays as it is."""
    with Image.open(io.BytesIO(data)) as image:
        if (image.format or "").lower() == form:
            return data
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, form.upper(), quality=QUALITY)
    return buffer.getvalue()
