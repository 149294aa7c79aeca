"""Every query about datasets."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, or_, select
from sqlalchemy.orm import Session

from fluxtune.datasets.schemas import GridFilter, Shape, Size
from fluxtune.datasets.tables import DatasetImageRow, DatasetRow

# Sizes and shapes are columns of the stored image: asking its service for 10,000 of them would take a second.
from fluxtune.images.tables import ImageRow
from fluxtune.sharing import service as sharing

_CHUNK = 500
"""Ids per IN list: SQLite and PostgreSQL both limit the number of bound values."""
MEDIUM_SIDE = 512
LARGE_SIDE = 1024
SQUARE = 1.05
"""Longer over shorter side: up to here an image counts as square."""


def find_dataset(session: Session, dataset_id: str) -> DatasetRow | None:
    """Return one dataset, also from the trash."""
    return session.get(DatasetRow, dataset_id)


def list_datasets(session: Session, deleted: bool) -> list[DatasetRow]:
    """Return the datasets in or outside the trash, last changed first."""
    query = select(DatasetRow).order_by(DatasetRow.updated_at.desc(), DatasetRow.id.desc())
    in_trash = DatasetRow.deleted_at.is_not(None) if deleted else DatasetRow.deleted_at.is_(None)
    return list(session.scalars(sharing.only_visible(query.where(in_trash), "dataset", DatasetRow.id)))


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


def count_images(session: Session, dataset_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return how many images datasets have, and how many of these have a caption."""
    captioned = func.sum(case((DatasetImageRow.caption != "", 1), else_=0))
    query = (
        select(DatasetImageRow.dataset_id, func.count(), captioned)
        .where(DatasetImageRow.dataset_id.in_(dataset_ids), DatasetImageRow.deleted_at.is_(None))
        .group_by(DatasetImageRow.dataset_id)
    )
    return {dataset_id: (int(count), int(number)) for dataset_id, count, number in session.execute(query)}


def first_images(session: Session, dataset_ids: Sequence[str], most: int) -> dict[str, list[str]]:
    """Return the stored images that datasets begin with, at most so many of each."""
    found = {}
    for dataset_id in dataset_ids:  # each reads a few entries of an index; ranking them all would read every image
        query = (
            select(DatasetImageRow.image_id)
            .where(DatasetImageRow.dataset_id == dataset_id, DatasetImageRow.deleted_at.is_(None))
            .order_by(DatasetImageRow.position, DatasetImageRow.id)
            .limit(most)
        )
        found[dataset_id] = list(session.scalars(query))
    return found


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
    pairs = session.execute(select(DatasetImageRow.image_id, DatasetImageRow.original_id).where(mine))
    images = [image_id for pair in pairs for image_id in pair if image_id is not None]
    session.execute(delete(DatasetImageRow).where(mine))
    session.delete(row)
    session.flush()
    return images


def list_expired_images(session: Session, before: datetime) -> Sequence[str]:
    """Return the places of images that were removed from datasets before then."""
    return session.scalars(select(DatasetImageRow.id).where(DatasetImageRow.deleted_at < before)).all()


def remove_expired_image(session: Session, dataset_image_id: str, before: datetime) -> list[str] | None:
    """Remove an image's place in a dataset for good, unless it was put back; return the image and its original."""
    query = select(DatasetImageRow).where(DatasetImageRow.id == dataset_image_id, DatasetImageRow.deleted_at < before)
    row = session.scalars(query.with_for_update()).first()
    if row is None:
        return None
    session.delete(row)
    session.flush()
    return [image_id for image_id in (row.image_id, row.original_id) if image_id is not None]


def grid_ids(session: Session, dataset_id: str, wanted: GridFilter) -> list[str]:
    """Return the images of a dataset that match, in order; `wanted.problem` is left to the caller."""
    query = select(DatasetImageRow.id).where(DatasetImageRow.dataset_id == dataset_id, _is_out(wanted.removed))
    if wanted.size is not None or wanted.shape is not None:
        query = query.join(ImageRow, ImageRow.id == DatasetImageRow.image_id)
    for condition in _conditions(wanted):
        query = query.where(condition)
    return list(session.scalars(query.order_by(DatasetImageRow.position, DatasetImageRow.id)))


def grid_counts(session: Session, dataset_id: str) -> dict[str, int]:
    """Return how many images there are in all and of each kind, those that were removed apart."""
    kinds: dict[str, ColumnElement[bool]] = {
        "captioned": DatasetImageRow.caption != "",
        "edited": DatasetImageRow.original_id.is_not(None),
        **{f"size {name}": condition for name, condition in _sizes().items()},
        **{f"shape {name}": condition for name, condition in _shapes().items()},
    }
    sums = [func.coalesce(func.sum(case((condition, 1), else_=0)), 0) for condition in kinds.values()]
    query = _joined(select(func.count(), *sums), dataset_id, removed=False)
    numbers = [int(number) for number in session.execute(query).one()]
    removed = select(func.count()).where(
        DatasetImageRow.dataset_id == dataset_id, DatasetImageRow.deleted_at.is_not(None)
    )
    return dict(zip(["total", *kinds], numbers, strict=True)) | {"removed": int(session.scalar(removed) or 0)}


def tag_sets(session: Session, dataset_id: str) -> list[tuple[str, int]]:
    """Return each combination of tags that occurs, as it is stored, with its number of images."""
    query = (
        select(DatasetImageRow.tags, func.count())
        .where(DatasetImageRow.dataset_id == dataset_id, DatasetImageRow.deleted_at.is_(None))
        .where(DatasetImageRow.tags != "")
        .group_by(DatasetImageRow.tags)
    )
    return [(tags, int(count)) for tags, count in session.execute(query)]


def find_dataset_images(session: Session, dataset_id: str, ids: Iterable[str]) -> list[DatasetImageRow]:
    """Return those of these images that are in a dataset, removed ones included, in order."""
    wanted = sorted(set(ids))
    found: list[DatasetImageRow] = []
    for start in range(0, len(wanted), _CHUNK):
        among = DatasetImageRow.id.in_(wanted[start : start + _CHUNK])
        found += session.scalars(select(DatasetImageRow).where(DatasetImageRow.dataset_id == dataset_id, among))
    return sorted(found, key=lambda row: (row.position, row.id))


def list_changed(session: Session, dataset_id: str, since: datetime, most: int) -> list[DatasetImageRow]:
    """Return the images of a dataset that changed since then, removed ones included: the first `most` of them."""
    query = select(DatasetImageRow).where(DatasetImageRow.dataset_id == dataset_id, DatasetImageRow.changed_at > since)
    return list(session.scalars(query.order_by(DatasetImageRow.changed_at).limit(most)))


def newest_change(session: Session, dataset_id: str) -> datetime | None:
    """Return when an image of a dataset changed last."""
    query = select(DatasetImageRow.changed_at).where(DatasetImageRow.dataset_id == dataset_id)
    return session.scalars(query.order_by(DatasetImageRow.changed_at.desc()).limit(1)).first()


def list_measures(session: Session, dataset_id: str) -> list[tuple[int, int, int, int]]:
    """Return each size that occurs in a dataset: width, height, its number of images, and the sum of their repeats."""
    query = _joined(
        select(ImageRow.width, ImageRow.height, func.count(), func.sum(DatasetImageRow.repeats)),
        dataset_id,
        removed=False,
    ).group_by(ImageRow.width, ImageRow.height)
    return [(int(w), int(h), int(count), int(repeats)) for w, h, count, repeats in session.execute(query)]


def _joined(query: Any, dataset_id: str, removed: bool) -> Any:
    return (
        query.select_from(DatasetImageRow)
        .join(ImageRow, ImageRow.id == DatasetImageRow.image_id)
        .where(DatasetImageRow.dataset_id == dataset_id, _is_out(removed))
    )


def _is_out(removed: bool) -> ColumnElement[bool]:
    return DatasetImageRow.deleted_at.is_not(None) if removed else DatasetImageRow.deleted_at.is_(None)


def _conditions(wanted: GridFilter) -> list[ColumnElement[bool]]:
    row = DatasetImageRow
    found: list[ColumnElement[bool]] = [_says(word) for word in wanted.query.split()[:20]]
    found += [row.tags.contains(f"\n{tag}\n", autoescape=True) for tag in wanted.tags]
    if wanted.size is not None:
        found.append(_sizes()[wanted.size])
    if wanted.shape is not None:
        found.append(_shapes()[wanted.shape])
    if wanted.captioned is not None:
        found.append(row.caption != "" if wanted.captioned else row.caption == "")
    if wanted.caption_by is not None:
        found.append(row.caption_by == wanted.caption_by)
    if wanted.edited is not None:
        found.append(row.original_id.is_not(None) if wanted.edited else row.original_id.is_(None))
    return found


def _says(word: str) -> ColumnElement[bool]:
    """Return the condition that a word is in the caption or the name, in upper or lower case."""
    # SQLite folds ASCII only: the ways a word of other letters is written are asked for one by one.
    ways = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
    columns = (DatasetImageRow.caption, DatasetImageRow.name)
    return or_(*(column.icontains(way, autoescape=True) for column in columns for way in sorted(ways)))


def _sizes() -> dict[Size, ColumnElement[bool]]:
    shorter = case((ImageRow.width < ImageRow.height, ImageRow.width), else_=ImageRow.height)
    return {
        "small": shorter < MEDIUM_SIDE,
        "medium": and_(shorter >= MEDIUM_SIDE, shorter < LARGE_SIDE),
        "large": shorter >= LARGE_SIDE,
    }


def _shapes() -> dict[Shape, ColumnElement[bool]]:
    taller, wider = ImageRow.height > ImageRow.width * SQUARE, ImageRow.width > ImageRow.height * SQUARE
    return {"portrait": taller, "square": and_(~taller, ~wider), "landscape": wider}


def known_hashes(session: Session, dataset_id: str, hashes: Sequence[str]) -> set[str]:
    """Return which of these contents a dataset has; of an edited image the original counts."""
    found: set[str] = set()
    for start in range(0, len(hashes), _CHUNK):
        query = (
            select(ImageRow.sha256)
            .join(DatasetImageRow, func.coalesce(DatasetImageRow.original_id, DatasetImageRow.image_id) == ImageRow.id)
            .where(
                DatasetImageRow.dataset_id == dataset_id,
                DatasetImageRow.deleted_at.is_(None),
                ImageRow.sha256.in_(hashes[start : start + _CHUNK]),
            )
        )
        found.update(session.scalars(query))
    return found


def list_checked(session: Session, dataset_id: str) -> Sequence[Row[str, int, int, str, str, str, Any, int]]:
    """Return of each image what the check looks at: id, width, height, hash, fingerprint, caption, measures, repeats.

    Columns instead of objects: 10,000 rows in a tenth of a second.
    """
    query = (
        select(
            DatasetImageRow.id,
            ImageRow.width,
            ImageRow.height,
            ImageRow.sha256,
            ImageRow.fingerprint,
            DatasetImageRow.caption,
            ImageRow.measures,
            DatasetImageRow.repeats,
        )
        .join(ImageRow, ImageRow.id == DatasetImageRow.image_id)
        .where(DatasetImageRow.dataset_id == dataset_id, DatasetImageRow.deleted_at.is_(None))
        .order_by(DatasetImageRow.position, DatasetImageRow.id)
    )
    return session.execute(query).all()
