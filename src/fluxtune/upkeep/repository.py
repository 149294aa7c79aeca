"""Every query about what takes room. It counts over the tables of several domains, which it knows by name only."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Table, distinct, func, select
from sqlalchemy.orm import Session

from fluxtune.db import Base


class Sized(NamedTuple):
    """A thing, its name, and its size in bytes."""

    id: str
    name: str
    is_deleted: bool
    byte_count: int


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


def images_by_origin(session: Session) -> dict[str, tuple[int, int]]:
    """Return bytes and number of the different originals of each origin."""
    image = _table("image").c
    each = select(image.origin, image.sha256, func.max(image.byte_count).label("size"))
    kept = each.group_by(image.origin, image.sha256).subquery()
    query = select(kept.c.origin, func.sum(kept.c.size), func.count()).group_by(kept.c.origin)
    return {origin: (int(size), count) for origin, size, count in session.execute(query)}


def datasets(session: Session, limit: int) -> Sequence[Sized]:
    """Return the datasets whose images are largest together; an image in two of them counts for both."""
    dataset, place, image = _table("dataset"), _table("dataset_image"), _table("image")
    size = func.coalesce(func.sum(image.c.byte_count), 0)
    is_deleted = dataset.c.deleted_at.is_not(None)
    query = (
        select(dataset.c.id, dataset.c.name, is_deleted, size)
        .select_from(dataset)
        .join(place, place.c.dataset_id == dataset.c.id)
        .join(image, image.c.id == place.c.image_id)
        .group_by(dataset.c.id, dataset.c.name, dataset.c.deleted_at)
        .order_by(size.desc())
        .limit(limit)
    )
    return [Sized(id_, name, bool(gone), int(total)) for id_, name, gone, total in session.execute(query)]


def names(session: Session) -> dict[tuple[str, str], tuple[str, bool]]:
    """Return the name of each finetune and model by kind and id, and whether it lies in the trash."""
    found: dict[tuple[str, str], tuple[str, bool]] = {}
    for kind in ("finetune", "model"):
        thing = _table(kind).c
        for id_, name, deleted_at in session.execute(select(thing.id, thing.name, thing.deleted_at)):
            found[kind, id_] = (name, deleted_at is not None)
    return found


def checkpoints(session: Session) -> tuple[int, int]:
    """Return bytes and number of all checkpoints."""
    query = select(func.coalesce(func.sum(_table("finetune_checkpoint").c.byte_count), 0), func.count())
    size, count = session.execute(query.select_from(_table("finetune_checkpoint"))).one()
    return int(size), count


def trashed(session: Session) -> tuple[int, int]:
    """Return bytes, as far as rows tell, and number of the things in the trash."""
    size, count = 0, 0
    # what is deleted, what of it takes room, and how the two are joined
    for thing, key, part, beside in (
        ("gallery_image", "image_id", "image", "id"),
        ("dataset_image", "image_id", "image", "id"),
        ("model", "id", "model_version", "model_id"),
        ("finetune", "id", "finetune_checkpoint", "finetune_id"),
    ):
        deleted, sized = _table(thing), _table(part)
        query = (
            select(func.coalesce(func.sum(sized.c.byte_count), 0), func.count(distinct(deleted.c[key])))
            .select_from(deleted)
            .join(sized, sized.c[beside] == deleted.c[key], isouter=True)
            .where(deleted.c.deleted_at.is_not(None))
        )
        part_size, part_count = session.execute(query).one()
        size, count = size + int(part_size), count + part_count
    gone = select(func.count()).where(_table("dataset").c.deleted_at.is_not(None))
    return size, count + int(session.scalar(gone) or 0)
