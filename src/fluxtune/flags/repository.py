"""Every query about feature flags."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from fluxtune.flags.tables import FlagSettingRow


def find(session: Session, name: str) -> FlagSettingRow | None:
    """Return what was decided about a feature, None if nothing was."""
    return session.get(FlagSettingRow, name)


def list_settings(session: Session) -> dict[str, FlagSettingRow]:
    """Return what was decided, by the names of the features; also of features that are no more."""
    return {row.name: row for row in session.scalars(select(FlagSettingRow))}


def add(session: Session, row: FlagSettingRow) -> None:
    """Keep a decision."""
    session.add(row)
    session.flush()


def remove(session: Session, row: FlagSettingRow) -> None:
    """Forget a decision."""
    session.delete(row)
    session.flush()
