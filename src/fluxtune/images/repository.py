"""Every query about stored images and the gallery."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from fluxtune.db import Base
from fluxtune.images.tables import GalleryImageRow, ImageRow
from fluxtune.sharing import service as sharing

Query = TypeVar("Query")

TRAINED = ("uploaded", "edited")
"""Origins of images that finetunes are trained on."""
_CHUNK = 500
"""Ids per IN list: SQLite and PostgreSQL both limit the number of bound values."""


def find_image(session: Session, image_id: str) -> ImageRow | None:
    """Return one image."""
    return session.get(ImageRow, image_id)


def find_by_hash(session: Session, sha256: str, origin: str) -> ImageRow | None:
    """Return the image with this content and origin, if it is stored already."""
    query = select(ImageRow).where(ImageRow.sha256 == sha256, ImageRow.origin == origin).order_by(ImageRow.id).limit(1)
    return session.scalars(query).first()


def find_images(session: Session, ids: Iterable[str]) -> dict[str, ImageRow]:
    """Return the images with these ids, by id."""
    wanted = sorted(set(ids))
    found: dict[str, ImageRow] = {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(ImageRow).where(ImageRow.id.in_(wanted[start : start + _CHUNK]))
        found.update({row.id: row for row in session.scalars(query)})
    return found


def gallery_ids(session: Session, model_id: str | None, favourite: bool | None, words: Sequence[str]) -> list[str]:
    """Return the ids of one view of the gallery, newest first (ids sort by time)."""
    query = _shown(select(GalleryImageRow.image_id).where(GalleryImageRow.deleted_at.is_(None)))
    if model_id is not None:
        query = query.where(GalleryImageRow.model_id == model_id)
    if favourite is not None:
        query = query.where(GalleryImageRow.is_favourite.is_(favourite))
    for word in words:
        query = query.where(GalleryImageRow.prompt_folded.contains(word, autoescape=True))
    return list(session.scalars(query.order_by(GalleryImageRow.image_id.desc())))


def find_gallery_image(session: Session, image_id: str) -> GalleryImageRow | None:
    """Return one gallery entry, also from the trash."""
    return session.get(GalleryImageRow, image_id)


def find_gallery_images(session: Session, ids: Sequence[str]) -> dict[str, tuple[GalleryImageRow, ImageRow]]:
    """Return gallery entries outside the trash, by image id."""
    query = (
        select(GalleryImageRow, ImageRow)
        .join(ImageRow, ImageRow.id == GalleryImageRow.image_id)
        .where(GalleryImageRow.image_id.in_(ids), GalleryImageRow.deleted_at.is_(None))
    )
    return {entry.image_id: (entry, image) for entry, image in session.execute(_shown(query))}


def count_by_model(session: Session, model_ids: Iterable[str]) -> dict[str, int]:
    """Return how many gallery images some models have made."""
    query = (
        select(GalleryImageRow.model_id, func.count())
        .where(GalleryImageRow.model_id.in_(list(model_ids)), GalleryImageRow.deleted_at.is_(None))
        .group_by(GalleryImageRow.model_id)
    )
    return {model_id: int(count) for model_id, count in session.execute(_shown(query))}


def newest_by_model(session: Session, model_ids: Iterable[str]) -> dict[str, str]:
    """Return of some models the newest favourite, or else the newest image they have made."""
    wanted = sorted(set(model_ids))
    found: dict[str, str] = {}
    place = func.row_number().over(
        partition_by=GalleryImageRow.model_id,
        order_by=(GalleryImageRow.is_favourite.desc(), GalleryImageRow.image_id.desc()),
    )
    for start in range(0, len(wanted), _CHUNK):
        ranked = _shown(
            select(GalleryImageRow.model_id, GalleryImageRow.image_id, place.label("place")).where(
                GalleryImageRow.model_id.in_(wanted[start : start + _CHUNK]), GalleryImageRow.deleted_at.is_(None)
            )
        ).subquery()
        query = select(ranked.c.model_id, ranked.c.image_id).where(ranked.c.place == 1)
        found.update((model_id, image_id) for model_id, image_id in session.execute(query))
    return found


def add(session: Session, row: ImageRow | GalleryImageRow) -> None:
    """Add a row."""
    session.add(row)
    session.flush()


def set_deleted(row: GalleryImageRow, at: datetime | None) -> None:
    """Put into the trash (with a time) or take out of it (None)."""
    row.deleted_at = at


def list_expired(session: Session, before: datetime) -> Sequence[str]:
    """Return the gallery images that were deleted before then."""
    return session.scalars(select(GalleryImageRow.image_id).where(GalleryImageRow.deleted_at < before)).all()


def remove_expired(session: Session, image_id: str, before: datetime) -> bool:
    """Remove a gallery entry, unless it was restored meanwhile; return whether it was removed."""
    gone = delete(GalleryImageRow).where(GalleryImageRow.image_id == image_id, GalleryImageRow.deleted_at < before)
    return bool(session.execute(gone).rowcount)  # type: ignore[attr-defined]


def list_uploaded(session: Session, hashes: Iterable[str]) -> list[str]:
    """Return the ids of the uploaded and edited images with these contents."""
    wanted = sorted(set(hashes))
    found: list[str] = []
    for start in range(0, len(wanted), _CHUNK):
        among = ImageRow.sha256.in_(wanted[start : start + _CHUNK])
        found += session.scalars(select(ImageRow.id).where(among, ImageRow.origin.in_(TRAINED)))
    return found


def is_referred_to(session: Session, image_id: str) -> bool:
    """Return whether a row of any table refers to an image by a foreign key."""
    return bool(session.scalar(select(or_(*(_names(column, image_id) for column in _places())))))


def list_unused_edits(session: Session, before: datetime) -> Sequence[str]:
    """Return the edited pictures made before then that no row refers to: their images were edited otherwise since."""
    query = select(ImageRow.id).where(ImageRow.origin == "edited", ImageRow.created_at < before)
    return session.scalars(query.where(*(~exists().where(column == ImageRow.id) for column in _places()))).all()


def is_visible(session: Session, image_id: str) -> bool:
    """Return whether the actor may see an image: it lies in something they may see, or they uploaded it.

    What an image lies in says the `lies_in` of the foreign keys that lead to it: a kind of thing, and the column beside
    it that has the thing's id.
    """
    conditions = []
    for column in _places():
        kind, beside = column.info["lies_in"]
        condition = sharing.visible(kind, column.table.c[beside])
        if condition is None:
            return True
        conditions.append(exists().where(column == image_id, condition))
    return bool(session.scalar(select(or_(*conditions)))) or sharing.is_shared(session, "image", image_id)


def _shown(query: Query) -> Query:
    """Leave out the images of generations that the actor may not see."""
    return sharing.only_visible(query, "generation", GalleryImageRow.generation_id)


def _places() -> list[Column[Any]]:
    """Return the columns of all tables that refer to images."""
    return [
        key.parent
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == ImageRow.__tablename__
    ]


def _names(column: Column[str], image_id: str) -> ColumnElement[bool]:
    return exists().where(column == image_id)


def remove(session: Session, row: ImageRow) -> bool:
    """Remove an image; return whether its content is not that of another one."""
    session.delete(row)
    session.flush()
    return session.scalars(select(ImageRow.id).where(ImageRow.sha256 == row.sha256).limit(1)).first() is None
