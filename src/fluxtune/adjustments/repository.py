"""Every query about settings changed in the browser."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fluxtune.adjustments.tables import AdjustmentChangeRow, AdjustmentRow


def list_adjustments(session: Session) -> Sequence[AdjustmentRow]:
    """Return all values of the browser."""
    return session.scalars(select(AdjustmentRow).order_by(AdjustmentRow.key)).all()


def find_adjustment(session: Session, key: str, *, lock: bool = False) -> AdjustmentRow | None:
    """Return the browser's value of a setting; locked, nobody else changes it before this transaction ends."""
    return session.get(AdjustmentRow, key, with_for_update=True if lock else None)


def newest_change(session: Session) -> int:
    """Return the number of the newest change, 0 if there was none."""
    return session.scalar(select(func.max(AdjustmentChangeRow.id))) or 0


def list_changes(session: Session, before: int | None, limit: int) -> Sequence[AdjustmentChangeRow]:
    """Return the newest changes, of those before a number, newest first."""
    query = select(AdjustmentChangeRow).order_by(AdjustmentChangeRow.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(AdjustmentChangeRow.id < before)).all()


def find_change(session: Session, change_id: int) -> AdjustmentChangeRow | None:
    """Return one change, which nobody else undoes meanwhile."""
    return session.get(AdjustmentChangeRow, change_id, with_for_update=True)


def add(session: Session, row: AdjustmentRow | AdjustmentChangeRow) -> None:
    """Add a row; a change then has its number."""
    session.add(row)
    session.flush()


def remove(session: Session, row: AdjustmentRow) -> None:
    """Remove the browser's value of a setting."""
    session.delete(row)
    session.flush()
