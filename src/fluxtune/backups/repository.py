"""Every query about backups."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fluxtune.backups.tables import BackupRow


def add(session: Session, row: BackupRow) -> bool:
    """Add a backup; return False if its slot is taken."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def find(session: Session, backup_id: str) -> BackupRow | None:
    """Return one backup."""
    return session.get(BackupRow, backup_id)


def list_(session: Session) -> Sequence[BackupRow]:
    """Return all, newest first."""
    return session.scalars(select(BackupRow).order_by(BackupRow.created_at.desc())).all()


def list_running(session: Session, since: datetime) -> Sequence[BackupRow]:
    """Return those under way that gave a sign of life since then."""
    query = select(BackupRow).where(BackupRow.state == "running", BackupRow.heartbeat_at >= since)
    return session.scalars(query).all()


def newest_begun(session: Session) -> datetime | None:
    """Return when the newest backup was begun that did not fail."""
    query = select(BackupRow.created_at).where(BackupRow.state != "failed").order_by(BackupRow.created_at.desc())
    return session.scalar(query.limit(1))


def remove(session: Session, ids: Sequence[str]) -> None:
    """Forget backups."""
    session.execute(delete(BackupRow).where(BackupRow.id.in_(ids)))
