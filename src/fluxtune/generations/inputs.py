"""The images a hosted generation starts from: which they are, whether they suit, and how they are sent."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fluxtune.backends.bfl.endpoints import Endpoint
from fluxtune.backends.bfl.parameters import LEAST_SIDE, MASK, MOST_PIXELS
from fluxtune.core.errors import InvalidInput
from fluxtune.images.schemas import Image
from fluxtune.imaging import can_be_transparent, encode_mask, encode_to_send

Read = Callable[[str], bytes]
"""Returns the stored file of an image, by its id."""
_IMAGE_ID = re.compile(r"[0-9a-f]{32}")
_IMAGE = "image"


class ParameterRefused(InvalidInput):
    """A hosted model does not take this, or not with this value."""

    title = "The hosted model can't do that"


class MaskMissing(InvalidInput):
    """Nothing says which part of an image is to be painted anew."""

    title = "A mask is missing"
    action = "Draw one over the image in Create, or give an image that is transparent where it is to be painted anew."


def named_images(endpoint: Endpoint, values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the ids of the images a request speaks of, by field. Nothing else is sent: no path, no address."""
    named: dict[str, list[str]] = {}
    for name in endpoint.image_fields:
        value = values.get(name)
        for each in value if isinstance(value, list) else [value]:
            if each is None:
                continue
            if not isinstance(each, str) or not _IMAGE_ID.fullmatch(each):
                raise ParameterRefused(f"{name} takes the id of an image of this studio.", field=name)
            named.setdefault(name, []).append(each)
    return named


def check_images(
    endpoint: Endpoint, named: Mapping[str, Iterable[str]], known: Mapping[str, Image], read: Read
) -> None:
    """Raise ParameterRefused or MaskMissing where an image does not suit its field, before anything is paid."""
    for name, ids in named.items():
        least = endpoint.image_rules(name).get(LEAST_SIDE, 0)
        for image in (known[each] for each in ids):
            if min(image.width, image.height) < least:
                raise ParameterRefused(
                    f"An image is {image.width} × {image.height}; {endpoint.title} takes none below {least} × {least}.",
                    field=name,
                )
    mask = next((name for name in endpoint.image_fields if endpoint.image_rules(name).get("holds") == MASK), None)
    if mask is None or _IMAGE not in named:
        return
    image = known[next(iter(named[_IMAGE]))]
    if mask not in named:
        if not can_be_transparent(read(image.id)):
            raise MaskMissing(
                f"{endpoint.title} paints anew what a mask says, and the image has no clear parts.", field=mask
            )
        return
    drawn = known[next(iter(named[mask]))]
    if (drawn.width, drawn.height) != (image.width, image.height):
        raise ParameterRefused(
            f"The mask is {drawn.width} × {drawn.height}, the image {image.width} × {image.height}; "
            "they must be equally large.",
            field=mask,
        )


def encode_images(endpoint: Endpoint, values: Mapping[str, Any], read: Read) -> dict[str, Any]:
    """Return the image fields of a request as base64 of a format BFL takes. Raises FileRefused for a broken file."""
    named = named_images(endpoint, values)
    is_whole = any(endpoint.image_rules(name).get("holds") == MASK for name in named)
    sent: dict[str, Any] = {}
    for name, ids in named.items():
        rules = endpoint.image_rules(name)
        if rules.get("holds") == MASK:
            contents = [encode_mask(read(each)) for each in ids]
        else:
            # Where there is no mask, what is transparent is the mask.
            keeps = name == _IMAGE and "mask" in endpoint.fields and not is_whole
            contents = [
                encode_to_send(read(each), keeps_alpha=keeps, most_pixels=rules.get(MOST_PIXELS)) for each in ids
            ]
        texts = [base64.b64encode(content).decode() for content in contents]
        sent[name] = texts if isinstance(values[name], list) else texts[0]
    return sent
