"""Every query about keys, budgets and the ledger."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, and_, bindparam, func, or_, select, text, update
from sqlalchemy.orm import Session

from fluxtune.hosted.tables import OWN_SERVER, HostedBudgetRow, HostedKeyRow, LedgerRow
from fluxtune.sharing import service as sharing

_LOCK = 7_105_208_923
"""Any number but those of the migrations and of the jobs' events."""
_CHUNK = 500
_LINES = cast(Table, LedgerRow.__table__)
# Built once: building it takes longer than the database does.
_CHANGE = update(_LINES).where(_LINES.c.id == bindparam("line_id"))
# What is drawn at a server of one's own has lines as well, so that nothing is drawn twice; nobody pays for it.
_IS_PAID = LedgerRow.key_name.not_like(f"{OWN_SERVER}%")


def list_keys(session: Session) -> list[HostedKeyRow]:
    """Return stored keys, oldest first."""
    return list(session.scalars(select(HostedKeyRow).order_by(HostedKeyRow.id)))


def find_key(session: Session, name: str) -> HostedKeyRow | None:
    """Return a stored key by its name."""
    return session.scalars(select(HostedKeyRow).where(HostedKeyRow.name == name)).first()


def remove_key(session: Session, row: HostedKeyRow) -> None:
    """Forget a key."""
    session.delete(row)
    session.flush()


def find_budget(session: Session) -> HostedBudgetRow | None:
    """Return the budget, None if nobody has ever set one."""
    return session.get(HostedBudgetRow, 1)


def add(session: Session, *rows: HostedKeyRow | HostedBudgetRow | LedgerRow) -> None:
    """Add rows."""
    session.add_all(rows)
    session.flush()


def begin_lines(session: Session, rows: Iterable[LedgerRow]) -> None:
    """Add lines; they are written with whatever is written next, at the latest with the commit."""
    session.add_all(rows)


def lock(session: Session) -> None:
    """Let nobody else count money or tasks until this transaction ends. On SQLite every writer is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def find_line(session: Session, line_id: str) -> LedgerRow | None:
    """Return one line."""
    return session.get(LedgerRow, line_id)


def change_line(session: Session, line_id: str, **values: Any) -> bool:
    """Change a line that need not be read for it; return whether there is one. Rows in memory do not learn of it."""
    found = session.execute(_CHANGE, {"line_id": line_id, **values})
    return bool(found.rowcount)  # type: ignore[attr-defined]


def find_lines(session: Session, line_ids: Sequence[str]) -> dict[str, LedgerRow]:
    """Return lines by their id."""
    rows = session.scalars(select(LedgerRow).where(LedgerRow.id.in_(line_ids)))
    return {row.id: row for row in rows}


def told_lines(session: Session, target_id: str) -> set[str]:
    """Return the lines of a generation that a webhook was about."""
    query = select(LedgerRow.id).where(LedgerRow.target_id == target_id, LedgerRow.told_at.is_not(None))
    return set(session.scalars(query))


def list_of_target(session: Session, target_id: str) -> list[LedgerRow]:
    """Return all lines of a generation: by image, then by attempt."""
    query = select(LedgerRow).where(LedgerRow.target_id == target_id).order_by(LedgerRow.slot, LedgerRow.attempt)
    return list(session.scalars(query))


def list_of_targets(session: Session, target_ids: Sequence[str]) -> list[LedgerRow]:
    """Return all lines of some generations."""
    found: list[LedgerRow] = []
    for start in range(0, len(target_ids), _CHUNK):
        query = select(LedgerRow).where(LedgerRow.target_id.in_(target_ids[start : start + _CHUNK]))
        found.extend(session.scalars(query))
    return found


def list_lines(
    session: Session, states: Iterable[str] | None, before: str | None, limit: int, *, sent_only: bool = False
) -> list[LedgerRow]:
    """Return lines, newest first; `before` is the id of the last line of the page before."""
    query = select(LedgerRow).where(_IS_PAID)
    if states is not None:
        query = query.where(LedgerRow.state.in_(list(states)))
    if sent_only:
        query = query.where(LedgerRow.sent_at.is_not(None))
    if before is not None:
        query = query.where(LedgerRow.id < before)
    return list(session.scalars(query.order_by(LedgerRow.id.desc()).limit(limit)))


def iterate(session: Session) -> Iterator[LedgerRow]:
    """Yield every line, oldest first, without holding all of them."""
    query = select(LedgerRow).where(_IS_PAID).order_by(LedgerRow.id).limit(_CHUNK)
    last = ""
    # Page by page: a cursor of PostgreSQL's server lives in a transaction, and what only reads has none.
    while rows := session.scalars(query.where(LedgerRow.id > last)).all():
        yield from rows
        last = rows[-1].id


def spent_since(session: Session, since: datetime, person_id: str | None = None) -> int:
    """Return what was spent or set aside since a time, by all or for one person, in thousandths of a credit."""
    query = select(func.coalesce(func.sum(func.coalesce(LedgerRow.cost, LedgerRow.estimate)), 0)).where(
        LedgerRow.created_at >= since
    )
    if person_id is not None:
        query = query.where(sharing.owned_by("generation", LedgerRow.target_id, person_id))
    return int(session.scalar(query) or 0)


def count_active(
    session: Session, since: datetime, waiting_since: datetime, unknown_since: datetime
) -> Counter[tuple[str, str]]:
    """Return how many tasks may be unfinished at BFL, by key and endpoint: sent lately and not known to have ended.

    One that waits for its answer counts if it was sent since `waiting_since`, one whose answer never came if since
    `unknown_since`: should it be at work for longer, BFL says that there are too many.
    """
    query = (
        select(LedgerRow.key_name, LedgerRow.endpoint, func.count())
        .where(
            or_(
                and_(LedgerRow.state == "submitted", LedgerRow.sent_at > since),
                and_(LedgerRow.state == "reserved", LedgerRow.sent_at > waiting_since),
                and_(LedgerRow.state == "unknown", LedgerRow.sent_at > unknown_since),
            )
        )
        .group_by(LedgerRow.key_name, LedgerRow.endpoint)
    )
    return Counter({(key_name, endpoint): count for key_name, endpoint, count in session.execute(query)})


def count_lines(session: Session, states: Iterable[str]) -> int:
    """Return how many lines that were sent are in one of these states."""
    query = select(func.count()).where(_IS_PAID, LedgerRow.state.in_(list(states)), LedgerRow.sent_at.is_not(None))
    return int(session.scalar(query) or 0)
