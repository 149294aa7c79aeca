"""Pictures as bytes: decode, thumbnails, placeholders, likeness, embedded recipes. Pillow only; stores nothing."""

from fluxtune.imaging.decode import (
    MAX_PIXELS,
    Decoded,
    ImageBroken,
    ImageEmpty,
    ImageTooManyPixels,
    NotAnImage,
    decode,
    media_type_of,
    normalise,
)
from fluxtune.imaging.encode import MEDIA_TYPES, encode_as
from fluxtune.imaging.likeness import fingerprint_of, is_alike
from fluxtune.imaging.metadata import embed_recipe, read_recipe
from fluxtune.imaging.thumbnails import THUMBNAIL_SIZES, make_placeholder, make_thumbnails

__all__ = [
    "MAX_PIXELS",
    "MEDIA_TYPES",
    "THUMBNAIL_SIZES",
    "Decoded",
    "ImageBroken",
    "ImageEmpty",
    "ImageTooManyPixels",
    "NotAnImage",
    "decode",
    "embed_recipe",
    "encode_as",
    "fingerprint_of",
    "is_alike",
    "make_placeholder",
    "make_thumbnails",
    "media_type_of",
    "normalise",
    "read_recipe",
]
