"""Every query about owners and shares."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from fluxtune.sharing.schemas import Access, Kind, Thing
from fluxtune.sharing.tables import OwnershipRow, ShareRow

_CHUNK = 300
"""Pairs per IN list: SQLite and PostgreSQL both limit the number of bound values."""


def find_ownership(session: Session, kind: Kind, thing_id: str) -> OwnershipRow | None:
    """Return whose a thing is."""
    return session.get(OwnershipRow, (kind, thing_id))


def list_ownerships(session: Session, things: Iterable[Thing]) -> list[OwnershipRow]:
    """Return whose some things are; those that are everyone's are left out."""
    found: list[OwnershipRow] = []
    for pairs in _chunks(things):
        found += session.scalars(
            select(OwnershipRow).where(tuple_(OwnershipRow.kind, OwnershipRow.thing_id).in_(pairs))
        )
    return found


def list_shares(session: Session, things: Iterable[Thing]) -> list[ShareRow]:
    """Return with whom some things are shared."""
    found: list[ShareRow] = []
    for pairs in _chunks(things):
        found += session.scalars(select(ShareRow).where(tuple_(ShareRow.kind, ShareRow.thing_id).in_(pairs)))
    return found


def add(session: Session, row: OwnershipRow | ShareRow) -> None:
    """Add a row."""
    session.add(row)
    session.flush()


def replace_shares(session: Session, kind: Kind, thing_id: str, people: Mapping[str, Access]) -> None:
    """Share a thing with these people and no others."""
    session.execute(delete(ShareRow).where(ShareRow.kind == kind, ShareRow.thing_id == thing_id))
    session.add_all(ShareRow(kind=kind, thing_id=thing_id, person_id=key, may=may) for key, may in people.items())
    session.flush()


def forget(session: Session, kind: Kind, ids: Collection[str]) -> None:
    """Remove what is known of things that are gone for good."""
    for table in (OwnershipRow, ShareRow):
        session.execute(delete(table).where(table.kind == kind, table.thing_id.in_(ids)))


def owned_by(
    kind: Kind, column: InstrumentedAttribute[Any] | ColumnElement[Any], person_id: str
) -> ColumnElement[bool]:
    """Return the condition that the thing whose id stands in a column is this person's."""
    return exists().where(
        OwnershipRow.kind == kind, OwnershipRow.thing_id == column, OwnershipRow.owner_id == person_id
    )


def visible_to(
    kind: Kind, column: InstrumentedAttribute[Any] | ColumnElement[Any], person_id: str
) -> ColumnElement[bool]:
    """Return the condition that this person may see the thing whose id stands in a column.

    Written as "nobody else's": a thing without a row is everyone's, and each thing costs a look at one primary key.
    """
    shared = exists().where(ShareRow.kind == kind, ShareRow.thing_id == column, ShareRow.person_id == person_id)
    hidden = exists().where(
        OwnershipRow.kind == kind,
        OwnershipRow.thing_id == column,
        OwnershipRow.owner_id != person_id,
        OwnershipRow.everyone == "",
    )
    return or_(~hidden, shared)


def _chunks(things: Iterable[Thing]) -> Iterable[list[Thing]]:
    wanted = sorted(set(things))
    for start in range(0, len(wanted), _CHUNK):
        yield wanted[start : start + _CHUNK]
