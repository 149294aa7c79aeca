"""Every query about the audit log. Nothing here changes or deletes an entry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlalchemy.orm import Session

from fluxtune.audit.tables import AuditHeadRow, AuditRow

_LOCK = 7_105_208_931
"""Any number that no other lock on the database has."""
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are wanted; None is all. `words` must all occur in the name or the target's id."""

    action: str | None = None
    kind: str | None = None
    actor_id: str | None = None
    target_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: Sequence[str] = ()


def take_head(session: Session) -> AuditHeadRow:
    """Return what the next entry is chained to; nobody else adds one until this transaction ends."""
    if session.get_bind().dialect.name == "postgresql":  # on SQLite every writer is alone anyway
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    head = session.get(AuditHeadRow, 1, populate_existing=True)
    if head is None:
        head = AuditHeadRow(id=1, number=0, hash="")
        session.add(head)
    return head


def find_head(session: Session) -> AuditHeadRow | None:
    """Return the last entry's number and hash, None if there was never one."""
    return session.get(AuditHeadRow, 1)


def add(session: Session, row: AuditRow) -> None:
    """Add an entry."""
    session.add(row)
    session.flush()


def list_entries(session: Session, wanted: Wanted, before: int | None, limit: int) -> list[AuditRow]:
    """Return entries, newest first."""
    query = select(AuditRow).where(*_conditions(wanted)).order_by(AuditRow.number.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditRow.number < before)
    return list(session.scalars(query))


def iterate(session: Session, wanted: Wanted) -> Iterator[AuditRow]:
    """Yield entries, oldest first, some hundred in memory at a time."""
    last = 0
    query = select(AuditRow).where(*_conditions(wanted)).order_by(AuditRow.number).limit(_CHUNK)
    while rows := session.scalars(query.where(AuditRow.number > last)).all():
        last = rows[-1].number
        for row in rows:
            session.expunge(row)
            yield row


def list_actions(session: Session) -> list[str]:
    """Return the actions that occur, in the order of the alphabet."""
    return list(session.scalars(select(AuditRow.action).distinct().order_by(AuditRow.action)))


def list_actors(session: Session) -> list[tuple[str, str]]:
    """Return id and newest name of everybody in the log, in the order of the names."""
    newest = select(func.max(AuditRow.number)).group_by(AuditRow.actor_id)
    query = select(AuditRow.actor_id, AuditRow.actor).where(AuditRow.number.in_(newest)).order_by(AuditRow.actor)
    return [(actor_id, actor) for actor_id, actor in session.execute(query)]


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.action is not None:
        found.append(AuditRow.action == wanted.action)
    if wanted.kind is not None:
        found.append(AuditRow.kind == wanted.kind)
    if wanted.actor_id is not None:
        found.append(AuditRow.actor_id == wanted.actor_id)
    if wanted.target_id is not None:
        found.append(AuditRow.target_id == wanted.target_id)
    if wanted.since is not None:
        found.append(AuditRow.at >= wanted.since)
    if wanted.until is not None:
        found.append(AuditRow.at < wanted.until)
    for word in wanted.words:
        found.append(
            or_(
                AuditRow.name.icontains(word, autoescape=True),
                AuditRow.target_id.icontains(word, autoescape=True),
                AuditRow.action.icontains(word, autoescape=True),
            )
        )
    return found
