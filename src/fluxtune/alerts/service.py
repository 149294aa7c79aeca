"""Raise alerts, and end them."""

from sqlalchemy.orm import Session

from fluxtune.alerts import repository
from fluxtune.alerts.schemas import Alert, AlertKind
from fluxtune.alerts.tables import AlertRow
from fluxtune.core.actor import acting
from fluxtune.core.clock import now
from fluxtune.core.errors import NotFound
from fluxtune.core.ids import new_id

LIMIT = 200
"""Alerts that are listed at most."""


class AlertMissing(NotFound):
    """There is no such alert."""

    title = "That alert does not exist"


def raise_(session: Session, kind: AlertKind, title: str, detail: str, target: str | None = None) -> AlertRow:
    """Say that something needs somebody; whoever is to be told is told once the caller's transaction is committed.

    `target` tells alerts of a kind apart. One that is open already counts up and takes the newer words, and nobody is
    told anew.
    """
    at = now()
    about = (target or "")[:64]
    row = repository.find_open(session, kind, about)
    if row is not None:
        row.count, row.last_at, row.title, row.detail = row.count + 1, at, title, detail
        session.flush()
        return row
    row = AlertRow(
        id=new_id(), kind=kind, target=about, title=title, detail=detail, raised_at=at, last_at=at, mail_state="new"
    )
    repository.add(session, row)
    return row


def clear(session: Session, kind: AlertKind, target: str | None = None) -> bool:
    """Say that what was wrong is over by itself; return whether there was an alert."""
    row = repository.find_open(session, kind, (target or "")[:64])
    if row is None:
        return False
    row.cleared_at = now()
    session.flush()
    return True


def clear_by_hand(session: Session, alert_id: str) -> Alert:
    """Say that somebody has seen to an alert. One that is over already stays as it is."""
    row = repository.find(session, alert_id)
    if row is None:
        raise AlertMissing(f"There is no alert “{alert_id[:64]}”.")
    if row.cleared_at is None:
        row.cleared_at, row.cleared_by = now(), acting().name[:120]
        session.flush()
    return Alert.model_validate(row, from_attributes=True)


def list_(session: Session, *, is_open: bool = False) -> list[Alert]:
    """Return alerts, newest first."""
    rows = repository.list_open(session) if is_open else repository.list_all(session, LIMIT)
    return [Alert.model_validate(row, from_attributes=True) for row in rows[:LIMIT]]


def raise_trial(session: Session) -> Alert:
    """Raise an alert by which one sees whether the right people are told; an earlier one is over then."""
    clear(session, "test")
    row = raise_(session, "test", "This is a trial", f"{acting().name} wants to know whether alerts arrive. They do.")
    return Alert.model_validate(row, from_attributes=True)
