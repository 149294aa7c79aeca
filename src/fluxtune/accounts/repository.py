"""Every query about sessions, sign-in links and tokens."""

from datetime import datetime

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from fluxtune.accounts.tables import SessionRow, SignInLinkRow, TokenRow


def find_session(session: Session, token_hash: str) -> SessionRow | None:
    """Return a session, ended or not."""
    return session.get(SessionRow, token_hash)


def add(session: Session, row: SessionRow | SignInLinkRow | TokenRow) -> None:
    """Add a session, a link or a token."""
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


def remove_session(session: Session, token_hash: str) -> None:
    """Forget a session."""
    session.execute(delete(SessionRow).where(SessionRow.token_hash == token_hash))


def list_tokens(session: Session) -> list[TokenRow]:
    """Return all tokens, newest first."""
    return list(session.scalars(select(TokenRow).order_by(TokenRow.id.desc())))


def find_token(session: Session, token_id: str) -> TokenRow | None:
    """Return a token, revoked or not."""
    return session.get(TokenRow, token_id)


def find_token_by_hash(session: Session, token_hash: str) -> TokenRow | None:
    """Return the token with this hash, revoked or not."""
    return session.scalars(select(TokenRow).where(TokenRow.token_hash == token_hash)).first()
