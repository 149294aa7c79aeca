"""An image made here carries its recipe: `fluxtune` (JSON) and `parameters` (text other programs show)."""

import io
import json
from typing import Any

from PIL import Image, PngImagePlugin


def embed_recipe(png: bytes, recipe: dict[str, Any], parameters: str) -> bytes:
    """Return the PNG with its recipe in text chunks; the pixels stay as they are."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
        info = PngImagePlugin.PngInfo()
        info.add_itxt("fluxtune", json.dumps(recipe, ensure_ascii=False, sort_keys=True))
        info.add_itxt("parameters", parameters)
        buffer = io.BytesIO()
        image.save(buffer, "PNG", pnginfo=info, compress_level=6)
    return buffer.getvalue()


def read_recipe(png: bytes) -> dict[str, Any] | None:
    """Return the recipe of an image made here, or None."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
        image.load()
        text = image.info.get("fluxtune")
    if not isinstance(text, str):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
