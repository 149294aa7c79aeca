"""Every query about measures, and those about jobs that measures are made of."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from fluxtune.metrics.meter import Cell, Key
from fluxtune.metrics.tables import MetricCursorRow, MetricPointRow, MetricTotalRow

_LOCK = 7_105_208_924
"""Any number but those of migrations, events and the ledger."""


def lock(session: Session) -> MetricCursorRow:
    """Let nobody else write measures until this transaction ends; return how far they are."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    row = session.get(MetricCursorRow, 1)
    if row is None:
        row = MetricCursorRow(id=1, event_id=0)
        session.add(row)
        session.flush()
    return row


def merge_points(session: Session, grain: int, cells: Mapping[tuple[datetime, Key], Cell]) -> None:
    """Add what was seen to the points of a grain; each is named by its beginning, measure and label."""
    if not cells:
        return
    times = sorted({at for at, _ in cells})
    query = select(MetricPointRow).where(MetricPointRow.grain == grain, MetricPointRow.at.in_(times))
    there = {(row.at, (row.name, row.label)): row for row in session.scalars(query)}
    for (at, key), cell in cells.items():
        row = there.get((at, key))
        if row is None:
            session.add(MetricPointRow(grain=grain, at=at, **_values(key, cell)))
        else:
            _merge(row, cell)
    session.flush()


def merge_totals(session: Session, cells: Mapping[Key, Cell]) -> None:
    """Add what was seen to the totals."""
    if not cells:
        return
    there = {(row.name, row.label): row for row in session.scalars(select(MetricTotalRow))}
    for key, cell in cells.items():
        row = there.get(key)
        if row is None:
            session.add(MetricTotalRow(**_values(key, cell)))
        else:
            _merge(row, cell)
    session.flush()


def list_points(
    session: Session, grain: int, since: datetime, names: Iterable[str]
) -> Iterable[tuple[datetime, Key, Cell]]:
    """Return the points of some measures since a time, oldest first."""
    columns = (
        MetricPointRow.at, MetricPointRow.name, MetricPointRow.label, MetricPointRow.count, MetricPointRow.total,
        MetricPointRow.most, MetricPointRow.last, MetricPointRow.buckets,
    )  # fmt: skip
    query = (
        select(*columns)
        .where(MetricPointRow.grain == grain, MetricPointRow.at >= since, MetricPointRow.name.in_(list(names)))
        .order_by(MetricPointRow.at)
    )
    for at, name, label, count, total, most, last, buckets in session.execute(query):
        yield at, (name, label), Cell(count, total, most, last, buckets)


def list_totals(session: Session) -> dict[Key, Cell]:
    """Return all totals."""
    rows = session.scalars(select(MetricTotalRow))
    return {(row.name, row.label): Cell(row.count, row.total, row.most, row.last, list(row.buckets)) for row in rows}


def prune(session: Session, grain: int, before: datetime) -> int:
    """Remove the points of a grain that are older than this; return how many there were."""
    gone = session.execute(delete(MetricPointRow).where(MetricPointRow.grain == grain, MetricPointRow.at < before))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def count_points(session: Session) -> int:
    """Return how many points are kept."""
    return session.scalar(select(func.count()).select_from(MetricPointRow)) or 0


def newest(session: Session, name: str, grain: int) -> Sequence[MetricPointRow]:
    """Return the points of a measure in the last stretch of time that has any."""
    last = select(func.max(MetricPointRow.at)).where(MetricPointRow.grain == grain, MetricPointRow.name == name)
    query = select(MetricPointRow).where(
        MetricPointRow.grain == grain, MetricPointRow.name == name, MetricPointRow.at == last.scalar_subquery()
    )
    return session.scalars(query).all()


def _values(key: Key, cell: Cell) -> dict[str, Any]:
    return {
        "name": key[0], "label": key[1], "count": cell.count, "total": cell.total, "most": cell.most,
        "last": cell.last, "buckets": cell.buckets,
    }  # fmt: skip


def _merge(row: MetricPointRow | MetricTotalRow, cell: Cell) -> None:
    whole = Cell(row.count, row.total, row.most, row.last, list(row.buckets))
    whole.merge(cell)
    row.count, row.total, row.most, row.last, row.buckets = (
        whole.count, whole.total, whole.most, whole.last, whole.buckets,
    )  # fmt: skip
