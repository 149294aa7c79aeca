"""Every query about alerts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from fluxtune.alerts.tables import AlertCursorRow, AlertRow

_LOCK = 7_105_208_925
"""Any number but those of migrations, events, the ledger and measures."""


def lock(session: Session) -> None:
    """Let nobody else look for what needs somebody until this transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def cursor(session: Session) -> AlertCursorRow | None:
    """Return how far failed jobs were looked at, None where nobody has looked yet."""
    return session.get(AlertCursorRow, 1)


def add(session: Session, row: AlertRow | AlertCursorRow) -> None:
    """Add a row."""
    session.add(row)
    session.flush()


def find(session: Session, alert_id: str) -> AlertRow | None:
    """Return one alert."""
    return session.get(AlertRow, alert_id)


def find_open(session: Session, kind: str, target: str) -> AlertRow | None:
    """Return the alert of a kind about something that is not over."""
    query = select(AlertRow).where(AlertRow.kind == kind, AlertRow.target == target, AlertRow.cleared_at.is_(None))
    return session.scalars(query).first()


def list_open(session: Session, kind: str | None = None) -> Sequence[AlertRow]:
    """Return the alerts that are not over, newest first."""
    query = select(AlertRow).where(AlertRow.cleared_at.is_(None)).order_by(AlertRow.id.desc())
    if kind is not None:
        query = query.where(AlertRow.kind == kind)
    return session.scalars(query).all()


def list_all(session: Session, limit: int) -> Sequence[AlertRow]:
    """Return alerts, newest first."""
    return session.scalars(select(AlertRow).order_by(AlertRow.id.desc()).limit(limit)).all()


def list_new(session: Session) -> Sequence[AlertRow]:
    """Return the alerts nobody was told of yet."""
    return session.scalars(select(AlertRow).where(AlertRow.mail_state == "new").order_by(AlertRow.id)).all()


def is_mail_due(session: Session, at: datetime) -> bool:
    """Return whether an alert waits for its mail; takes nothing, so that whoever only reads may ask."""
    query = select(AlertRow.id).where(AlertRow.mail_state == "waiting", AlertRow.mail_next_at <= at).limit(1)
    return session.scalar(query) is not None


def next_mail(session: Session, at: datetime) -> AlertRow | None:
    """Return an alert whose mail is due; another process that asks at once gets another one."""
    query = (
        select(AlertRow)
        .where(AlertRow.mail_state == "waiting", AlertRow.mail_next_at <= at)
        .order_by(AlertRow.mail_next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(query).first()
