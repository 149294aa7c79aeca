"""Every query about leftovers."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fluxtune.trash.tables import LeftoverRow


def add(session: Session, row: LeftoverRow) -> None:
    """Write a leftover down; one that is known already stays."""
    session.merge(row)
    session.flush()


def list_paths(session: Session) -> Sequence[tuple[str, str]]:
    """Return place and path of all leftovers."""
    return [(place, path) for place, path in session.execute(select(LeftoverRow.place, LeftoverRow.path))]


def find(session: Session, path: str) -> LeftoverRow | None:
    """Return one leftover, which nobody else takes meanwhile."""
    return session.get(LeftoverRow, path, with_for_update=True)


def remove(session: Session, row: LeftoverRow) -> None:
    """Forget a leftover."""
    session.delete(row)
    session.flush()


def remove_of_content(session: Session, sha256: str) -> None:
    """Forget the leftovers of a content that is in use again."""
    session.execute(delete(LeftoverRow).where(LeftoverRow.sha256 == sha256))
