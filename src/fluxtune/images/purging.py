"""Images that are removed for good: gallery entries after their time, and stored images once nothing shows them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from fluxtune.images import keys, repository
from fluxtune.imaging import THUMBNAIL_SIZES
from fluxtune.sharing import service as sharing
from fluxtune.trash import service as trash


def list_expired(session: Session, before: datetime) -> Sequence[str]:
    """Return the gallery images that were deleted before then."""
    return repository.list_expired(session, before)


def purge(session: Session, image_id: str, before: datetime) -> bool:
    """Remove an image from the gallery unless it was restored; the image itself is for `remove_unused`."""
    return repository.remove_expired(session, image_id, before)


def list_unused_edits(session: Session, before: datetime) -> Sequence[str]:
    """Return the edited pictures made before then that nothing shows any more."""
    return repository.list_unused_edits(session, before)


def find_uploaded(session: Session, hashes: Iterable[str]) -> list[str]:
    """Return the ids of the uploaded and edited images with these contents."""
    return repository.list_uploaded(session, hashes)


def remove_unused(session: Session, image_ids: Iterable[str], kept_hashes: Collection[str]) -> int:
    """Remove those of these images that no row refers to; return how many.

    `kept_hashes` are the contents that snapshots of finetunes name: a run that is resumed or extended needs them. Blobs
    are left to the sweep once no image has their content.
    """
    count = 0
    for image_id in sorted(set(image_ids)):
        row = repository.find_image(session, image_id)
        if row is None or repository.is_referred_to(session, image_id):
            continue
        if row.origin in repository.TRAINED and row.sha256 in kept_hashes:
            continue
        count += 1
        sharing.forget(session, "image", [image_id])
        if repository.remove(session, row) and row.sha256 not in kept_hashes:
            blobs = [keys.original_key(row.sha256, row.format)]
            blobs += [key for size in THUMBNAIL_SIZES for key in keys.thumbnail_keys(row.sha256, size)]
            trash.leave_blobs(session, blobs, row.sha256)
    return count
