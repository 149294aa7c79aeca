"""Every query about limits and usage."""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, union
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from fluxtune.db import Base
from fluxtune.quotas.tables import QuotaRow, UsageRow
from fluxtune.sharing import service as sharing


def find_quota(session: Session, person_id: str) -> QuotaRow | None:
    """Return the limits of one person."""
    return session.get(QuotaRow, person_id)


def add(session: Session, row: QuotaRow) -> None:
    """Add a row."""
    session.add(row)
    session.flush()


def remove(session: Session, row: QuotaRow) -> None:
    """Remove the limits of one person."""
    session.delete(row)
    session.flush()


def find_usage(session: Session, person_id: str, what: str, period: str) -> UsageRow | None:
    """Return how much a person has begun."""
    return session.get(UsageRow, (person_id, what, period))


def lock_usage(session: Session, person_id: str, what: str, period: str) -> UsageRow:
    """Return how much a person has begun; nobody else changes that before the transaction ends."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    first = insert(UsageRow).values(person_id=person_id, what=what, period=period, amount=0)
    session.execute(first.on_conflict_do_nothing())
    mine = (UsageRow.person_id == person_id, UsageRow.what == what, UsageRow.period == period)
    return session.scalars(select(UsageRow).where(*mine).with_for_update()).one()


def stored_bytes(session: Session, person_id: str) -> int:
    """Return how many bytes of images, model versions and checkpoints are a person's. An image counts once.

    What an image lies in, and what else takes room, is said by the tables: `lies_in` of the foreign keys to images, and
    `takes_room` of columns that count bytes, each with a kind of thing and the column that has the thing's id.
    """
    image = Base.metadata.tables["image"]
    places: list[Select[Any]] = []
    total = 0
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if "lies_in" in column.info:
                places.append(select(column).where(_is_theirs(table, column.info["lies_in"], person_id)))
            if "takes_room" in column.info:
                theirs = _is_theirs(table, column.info["takes_room"], person_id)
                total += session.scalar(select(func.coalesce(func.sum(column), 0)).where(theirs)) or 0
    mine = union(*places).subquery()
    images = select(func.coalesce(func.sum(image.c.byte_count), 0)).where(image.c.id.in_(select(mine.c[0])))
    return int(total) + int(session.scalar(images) or 0)


def _is_theirs(table: Any, thing: tuple[Any, str], person_id: str) -> ColumnElement[bool]:
    kind, beside = thing
    condition: ColumnElement[bool] = sharing.owned_by(kind, table.c[beside], person_id)
    return condition
