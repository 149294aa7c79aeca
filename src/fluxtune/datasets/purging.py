"""Datasets, and images of datasets, that are removed for good."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from fluxtune.datasets import repository
from fluxtune.sharing import service as sharing


def list_expired(session: Session, before: datetime) -> Sequence[str]:
    """Return the datasets that were deleted before then."""
    return repository.list_expired(session, before)


def purge(session: Session, dataset_id: str, before: datetime) -> list[str] | None:
    """Remove a dataset unless it was restored; return the images it had, None if it stays."""
    row = repository.find_expired(session, dataset_id, before)
    if row is None:
        return None
    sharing.forget(session, "dataset", [dataset_id])
    return repository.remove(session, row)


def list_expired_images(session: Session, before: datetime) -> Sequence[str]:
    """Return the places of images that were removed from datasets before then."""
    return repository.list_expired_images(session, before)


def purge_image(session: Session, dataset_image_id: str, before: datetime) -> list[str] | None:
    """Remove an image's place in a dataset unless it was put back; return its pictures, None if it stays."""
    return repository.remove_expired_image(session, dataset_image_id, before)
