"""Messages to other programs: written down with what they tell of, sent by a worker."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.webhooks import repository
from fluxtune.webhooks.schemas import Delivery
from fluxtune.webhooks.tables import DeliveryRow


def enqueue(
    session: Session,
    target_id: str,
    event_type: str,
    url: str,
    sealed_secret: str | None,
    data: dict[str, Any],
    patience: timedelta,
) -> None:
    """Write a message down; it leaves once the caller's transaction is committed, and is given up after `patience`."""
    at = now()
    row = DeliveryRow(
        id=new_id(),
        target_id=target_id,
        type=event_type,
        url=url,
        secret=sealed_secret,
        data=data,
        state="waiting",
        created_at=at,
        next_at=at,
        gives_up_at=at + patience,
    )
    repository.add(session, row)


def newest_deliveries(session: Session, target_ids: Sequence[str]) -> dict[str, Delivery]:
    """Return how far the newest message about each of these is."""
    return {key: _to_schema(row) for key, row in repository.list_newest(session, target_ids).items()}


def forget(session: Session, target_id: str) -> None:
    """Remove the messages about something that was removed for good, also those that wait."""
    repository.remove_of_target(session, target_id)


def _to_schema(row: DeliveryRow) -> Delivery:
    return Delivery.model_validate(
        {
            "id": row.id,
            "type": row.type,
            "state": row.state,
            "attempts": row.attempts,
            "last_status": row.last_status,
            "last_error": row.last_error,
            "created_at": row.created_at,
            "next_at": row.next_at if row.state == "waiting" else None,
            "gives_up_at": row.gives_up_at,
            "delivered_at": row.delivered_at,
        }
    )
