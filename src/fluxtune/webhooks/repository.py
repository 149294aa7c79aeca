"""Every query about webhook deliveries."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from fluxtune.webhooks.tables import DeliveryRow


def add(session: Session, row: DeliveryRow) -> None:
    """Add a delivery."""
    session.add(row)
    session.flush()


def find_delivery(session: Session, delivery_id: str) -> DeliveryRow | None:
    """Return one delivery."""
    return session.get(DeliveryRow, delivery_id)


def is_any_new(session: Session) -> bool:
    """Return whether a delivery was not attempted yet."""
    query = select(DeliveryRow.id).where(DeliveryRow.state == "waiting", DeliveryRow.attempts == 0).limit(1)
    return session.scalars(query).first() is not None


def is_any_due(session: Session, at: datetime, latest: datetime) -> bool:
    """Return whether there is something to take."""
    return session.scalars(select(DeliveryRow.id).where(*_due(at, latest)).limit(1)).first() is not None


def _due(at: datetime, latest: datetime) -> tuple[ColumnElement[bool], ...]:
    return DeliveryRow.state == "waiting", or_(DeliveryRow.next_at <= at, DeliveryRow.next_at > latest)


def take_due(session: Session, at: datetime, until: datetime, latest: datetime) -> DeliveryRow | None:
    """Take the delivery that is due for longest; nobody else takes it before `until`.

    One due after `latest`, later than any wait lasts, was put off by a clock that has been set back since: it is due.
    """
    query = (
        select(DeliveryRow)
        .where(*_due(at, latest))
        .order_by(DeliveryRow.next_at, DeliveryRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.scalars(query).first()
    if row is not None:
        row.next_at = until
    return row


def list_newest(session: Session, target_ids: Sequence[str]) -> dict[str, DeliveryRow]:
    """Return the newest delivery that tells of each of these."""
    query = select(DeliveryRow).where(DeliveryRow.target_id.in_(target_ids)).order_by(DeliveryRow.id)
    return {row.target_id: row for row in session.scalars(query)}


def remove_of_target(session: Session, target_id: str) -> None:
    """Remove all deliveries that tell of this."""
    session.execute(delete(DeliveryRow).where(DeliveryRow.target_id == target_id))
