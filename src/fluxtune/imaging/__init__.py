"""Pictures as bytes: decode, thumbnails, placeholders, likeness, embedded recipes. Pillow only; stores nothing."""

from fluxtune.imaging.alike import AlikeIndex, alike_groups
from fluxtune.imaging.decode import (
    MAX_PIXELS,
    Decoded,
    ImageBroken,
    ImageEmpty,
    ImageTooManyPixels,
    NotAnImage,
    decode,
    normalise,
)
from fluxtune.imaging.editing import Box, edit, find_content, suggest_crop, write_edited
from fluxtune.imaging.encode import MEDIA_TYPES, encode_as
from fluxtune.imaging.formats import ACCEPTED, media_type_of, suffix_of
from fluxtune.imaging.likeness import fingerprint_of, is_alike
from fluxtune.imaging.measures import MEASURE_SIDE, Measures
from fluxtune.imaging.metadata import embed_recipe, read_recipe
from fluxtune.imaging.sending import can_be_transparent, encode_mask, encode_to_send
from fluxtune.imaging.survey import Survey, survey
from fluxtune.imaging.thumbnails import THUMBNAIL_SIZES, make_placeholder, make_thumbnails

__all__ = [
    "ACCEPTED",
    "MAX_PIXELS",
    "MEASURE_SIDE",
    "MEDIA_TYPES",
    "THUMBNAIL_SIZES",
    "AlikeIndex",
    "Box",
    "Decoded",
    "ImageBroken",
    "ImageEmpty",
    "ImageTooManyPixels",
    "Measures",
    "NotAnImage",
    "Survey",
    "alike_groups",
    "can_be_transparent",
    "decode",
    "edit",
    "embed_recipe",
    "encode_as",
    "encode_mask",
    "encode_to_send",
    "find_content",
    "fingerprint_of",
    "is_alike",
    "make_placeholder",
    "make_thumbnails",
    "media_type_of",
    "normalise",
    "read_recipe",
    "suffix_of",
    "suggest_crop",
    "survey",
    "write_edited",
]
