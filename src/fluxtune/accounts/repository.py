"""Every query about sessions and sign-in links."""

from datetime import datetime

from sqlalchemy import CursorResult, delete, update
from sqlalchemy.orm import Session

from fluxtune.accounts.tables import SessionRow, SignInLinkRow


def find_session(session: Session, token_hash: str) -> SessionRow | None:
    """Return a session, ended or not."""
    return session.get(SessionRow, token_hash)


def add(session: Session, row: SessionRow | SignInLinkRow) -> None:
    """Add a session or a link."""
    session.add(row)
    session.flush()


def use_link(session: Session, token_hash: str, at: datetime) -> bool:
    """Mark a link as used; return whether it was there, fresh and unused. Of two at once only one gets True."""
    statement = (
        update(SignInLinkRow)
        .where(SignInLinkRow.token_hash == token_hash, SignInLinkRow.used_at.is_(None), SignInLinkRow.expires_at > at)
        .values(used_at=at)
    )
    result = session.execute(statement)
    return isinstance(result, CursorResult) and result.rowcount == 1


def remove_expired(session: Session, at: datetime) -> None:
    """Forget what can't be used any more."""
    session.execute(delete(SessionRow).where(SessionRow.expires_at <= at))
    session.execute(delete(SignInLinkRow).where(SignInLinkRow.expires_at <= at))
