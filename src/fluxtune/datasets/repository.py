"""Every query about datasets."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from fluxtune.datasets.tables import DatasetImageRow, DatasetRow


def find_dataset(session: Session, dataset_id: str) -> DatasetRow | None:
    """Return one dataset, also from the trash."""
    return session.get(DatasetRow, dataset_id)


def list_datasets(session: Session, deleted: bool) -> list[DatasetRow]:
    """Return the datasets in or outside the trash, last changed first."""
    query = select(DatasetRow).order_by(DatasetRow.updated_at.desc(), DatasetRow.id.desc())
    in_trash = DatasetRow.deleted_at.is_not(None) if deleted else DatasetRow.deleted_at.is_(None)
    return list(session.scalars(query.where(in_trash)))


def name_exists(session: Session, name: str) -> bool:
    """Return whether a dataset outside the trash has this name."""
    query = select(DatasetRow.id).where(DatasetRow.name == name, DatasetRow.deleted_at.is_(None)).limit(1)
    return session.scalars(query).first() is not None


def find_dataset_image(session: Session, dataset_id: str, dataset_image_id: str) -> DatasetImageRow | None:
    """Return one image of a dataset, also a removed one."""
    row = session.get(DatasetImageRow, dataset_image_id)
    return row if row is not None and row.dataset_id == dataset_id else None


def list_dataset_images(session: Session, dataset_ids: Iterable[str]) -> list[DatasetImageRow]:
    """Return the images of some datasets that were not removed, in order."""
    query = (
        select(DatasetImageRow)
        .where(DatasetImageRow.dataset_id.in_(list(dataset_ids)), DatasetImageRow.deleted_at.is_(None))
        .order_by(DatasetImageRow.dataset_id, DatasetImageRow.position, DatasetImageRow.id)
    )
    return list(session.scalars(query))


def next_position(session: Session, dataset_id: str) -> int:
    """Return the position after the last, removed images included, so that undo keeps the order."""
    query = select(func.max(DatasetImageRow.position)).where(DatasetImageRow.dataset_id == dataset_id)
    last = session.scalars(query).one()
    return 0 if last is None else last + 1


def add(session: Session, row: DatasetRow | DatasetImageRow) -> None:
    """Add a row."""
    session.add(row)
    session.flush()


def touch(row: DatasetRow, at: datetime) -> None:
    """Note that a dataset changed."""
    row.updated_at = at


def list_expired(session: Session, before: datetime) -> Sequence[str]:
    """Return the datasets that were deleted before then."""
    return session.scalars(select(DatasetRow.id).where(DatasetRow.deleted_at < before)).all()


def find_expired(session: Session, dataset_id: str, before: datetime) -> DatasetRow | None:
    """Return a dataset unless it was restored meanwhile; nobody restores it before the transaction ends."""
    query = select(DatasetRow).where(DatasetRow.id == dataset_id, DatasetRow.deleted_at < before).with_for_update()
    return session.scalars(query).first()


def remove(session: Session, row: DatasetRow) -> list[str]:
    """Remove a dataset; return the ids of the images it had, removed ones included."""
    mine = DatasetImageRow.dataset_id == row.id
    images = list(session.scalars(select(DatasetImageRow.image_id).where(mine)))
    session.execute(delete(DatasetImageRow).where(mine))
    session.delete(row)
    session.flush()
    return images


def list_expired_images(session: Session, before: datetime) -> Sequence[str]:
    """Return the places of images that were removed from datasets before then."""
    return session.scalars(select(DatasetImageRow.id).where(DatasetImageRow.deleted_at < before)).all()


def remove_expired_image(session: Session, dataset_image_id: str, before: datetime) -> str | None:
    """Remove an image's place in a dataset for good, unless it was put back; return the image's id."""
    query = select(DatasetImageRow).where(DatasetImageRow.id == dataset_image_id, DatasetImageRow.deleted_at < before)
    row = session.scalars(query.with_for_update()).first()
    if row is None:
        return None
    session.delete(row)
    session.flush()
    return row.image_id
