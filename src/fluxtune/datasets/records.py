"""From rows of datasets to what the API shows of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fluxtune.core.text import clean_text
from fluxtune.datasets.tables import DatasetImageRow
from fluxtune.images.schemas import Image


def pictures_of(entries: Iterable[DatasetImageRow]) -> Iterator[str]:
    """Yield the ids of the stored images that entries need to be shown: their pictures, and the originals of edits."""
    for entry in entries:
        yield entry.image_id
        if entry.original_id is not None:
            yield entry.original_id


def record_values(entry: DatasetImageRow, images: Mapping[str, Image]) -> dict[str, Any]:
    """Return the values of a `GridImage`; `images` holds what `pictures_of` names."""
    return {
        "id": entry.id,
        "position": entry.position,
        "name": entry.name,
        "caption": entry.caption,
        "caption_by": entry.caption_by,
        "caption_source": entry.caption_source,
        "tags": split_tags(entry.tags),
        "notes": entry.notes,
        "source": entry.source,
        "licence": entry.licence,
        "repeats": entry.repeats,
        "edits": entry.edits,
        "original": images[entry.original_id] if entry.original_id is not None else None,
        "image": images[entry.image_id],
    }


def split_tags(stored: str) -> list[str]:
    """Return tags as a list."""
    return stored.strip("\n").split("\n") if stored else []


def join_tags(tags: Iterable[str]) -> str:
    """Return tags as they are stored: each once, in order, between line ends."""
    known = dict.fromkeys(name for name in (clean_tag(tag) for tag in tags) if name)
    return "\n" + "\n".join(known) + "\n" if known else ""


def clean_tag(tag: str) -> str:
    """Return a tag on one line, without blanks around it."""
    return " ".join(clean_text(tag).split())
