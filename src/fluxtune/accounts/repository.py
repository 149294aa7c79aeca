"""Every query about people, sessions, links and tokens."""

from datetime import datetime

from sqlalchemy import ColumnElement, CursorResult, delete, exists, func, select, update
from sqlalchemy.orm import Session

from fluxtune.accounts.tables import InvitationRow, PersonRow, SessionRow, SignInLinkRow, TokenRow


def add(session: Session, row: InvitationRow | PersonRow | SessionRow | SignInLinkRow | TokenRow) -> None:
    """Add a row of any kind."""
    session.add(row)
    session.flush()


# People


def find_person(session: Session, person_id: str) -> PersonRow | None:
    """Return a person."""
    return session.get(PersonRow, person_id)


def find_person_by_email(session: Session, email: str) -> PersonRow | None:
    """Return the person with this address, given in small letters."""
    return session.scalars(select(PersonRow).where(PersonRow.email == email)).first()


def list_people(session: Session) -> list[PersonRow]:
    """Return all people by name."""
    return list(session.scalars(select(PersonRow).order_by(func.lower(PersonRow.name), PersonRow.id)))


def remove_person(session: Session, person: PersonRow) -> None:
    """Forget a person who never signed in, and their invitations."""
    session.execute(delete(InvitationRow).where(InvitationRow.person_id == person.id))
    session.delete(person)
    session.flush()


def count_administrators(session: Session) -> int:
    """Return how many people are active administrators; their rows stay locked until the transaction ends."""
    wanted = (PersonRow.role == "administrator", PersonRow.state == "active")
    return len(session.scalars(select(PersonRow.id).where(*wanted).with_for_update()).all())


def has_administrator(session: Session) -> bool:
    """Return whether there is somebody who can look after the studio."""
    wanted = exists().where(PersonRow.role == "administrator", PersonRow.state == "active")
    return bool(session.scalar(select(wanted)))


# Invitations


def find_invitation(session: Session, token_hash: str, at: datetime) -> InvitationRow | None:
    """Return an invitation that can still be accepted."""
    row = session.get(InvitationRow, token_hash)
    return row if row is not None and row.expires_at > at else None


def take_invitation(session: Session, token_hash: str, at: datetime) -> bool:
    """Use an invitation up; of two at once only one gets True."""
    wanted = (InvitationRow.token_hash == token_hash, InvitationRow.expires_at > at)
    result = session.execute(delete(InvitationRow).where(*wanted))
    return isinstance(result, CursorResult) and result.rowcount == 1


def remove_invitations(session: Session, person_id: str) -> None:
    """Make a person's earlier links worthless."""
    session.execute(delete(InvitationRow).where(InvitationRow.person_id == person_id))


def invited_until(session: Session, at: datetime) -> dict[str, datetime]:
    """Return by person until when their newest link can be used."""
    query = select(InvitationRow.person_id, func.max(InvitationRow.expires_at)).where(InvitationRow.expires_at > at)
    return {each[0]: each[1] for each in session.execute(query.group_by(InvitationRow.person_id))}


# Sessions


def find_session(session: Session, token_hash: str) -> tuple[SessionRow, PersonRow | None] | None:
    """Return a session, ended or not, and whose it is."""
    query = select(SessionRow, PersonRow).outerjoin(PersonRow, PersonRow.id == SessionRow.person_id)
    found = session.execute(query.where(SessionRow.token_hash == token_hash)).first()
    return (found[0], found[1]) if found else None


def list_sessions(session: Session, person_id: str | None, at: datetime) -> list[SessionRow]:
    """Return a person's sessions that are not over, the last used first."""
    seen = func.coalesce(SessionRow.last_seen_at, SessionRow.created_at)
    query = select(SessionRow).where(_of(person_id), SessionRow.expires_at > at)
    return list(session.scalars(query.order_by(seen.desc())))


def remove_session(session: Session, token_hash: str) -> None:
    """Forget a session."""
    session.execute(delete(SessionRow).where(SessionRow.token_hash == token_hash))


def remove_session_by_id(session: Session, session_id: str, person_id: str | None) -> bool:
    """Forget a person's session; return whether it was there."""
    result = session.execute(delete(SessionRow).where(SessionRow.id == session_id, _of(person_id)))
    return isinstance(result, CursorResult) and result.rowcount == 1


def remove_sessions(session: Session, person_id: str | None, keep_hash: str | None = None) -> int:
    """Forget all sessions of a person, except perhaps one; return how many they were."""
    wanted = [_of(person_id)] if keep_hash is None else [_of(person_id), SessionRow.token_hash != keep_hash]
    result = session.execute(delete(SessionRow).where(*wanted))
    return result.rowcount if isinstance(result, CursorResult) else 0


def note_seen(session: Session, token_hash: str, person_id: str | None, at: datetime) -> None:
    """Keep when a session and its person were last seen."""
    session.execute(update(SessionRow).where(SessionRow.token_hash == token_hash).values(last_seen_at=at))
    if person_id is not None:
        session.execute(update(PersonRow).where(PersonRow.id == person_id).values(last_seen_at=at))


# Sign-in links


def use_link(session: Session, token_hash: str, at: datetime) -> SignInLinkRow | None:
    """Mark a link as used and return it if it was there, fresh and unused. Of two at once only one gets it."""
    statement = (
        update(SignInLinkRow)
        .where(SignInLinkRow.token_hash == token_hash, SignInLinkRow.used_at.is_(None), SignInLinkRow.expires_at > at)
        .values(used_at=at)
    )
    result = session.execute(statement)
    was_there = isinstance(result, CursorResult) and result.rowcount == 1
    return session.get(SignInLinkRow, token_hash) if was_there else None


def remove_links(session: Session, person_id: str | None) -> None:
    """Make all sign-in links of a person worthless."""
    of = SignInLinkRow.person_id.is_(None) if person_id is None else SignInLinkRow.person_id == person_id
    session.execute(delete(SignInLinkRow).where(of))


def remove_expired(session: Session, at: datetime) -> None:
    """Forget what can't be used any more."""
    session.execute(delete(SessionRow).where(SessionRow.expires_at <= at))
    session.execute(delete(SignInLinkRow).where(SignInLinkRow.expires_at <= at))
    session.execute(delete(InvitationRow).where(InvitationRow.expires_at <= at))


# Tokens


def list_tokens(session: Session, person_id: str | None, *, everyone: bool) -> list[tuple[TokenRow, PersonRow | None]]:
    """Return tokens and whose they are, newest first: a person's (None: the local owner's) or everyone's."""
    query = select(TokenRow, PersonRow).outerjoin(PersonRow, PersonRow.id == TokenRow.person_id)
    if not everyone:
        query = query.where(TokenRow.person_id.is_(None) if person_id is None else TokenRow.person_id == person_id)
    return [(token, person) for token, person in session.execute(query.order_by(TokenRow.id.desc()))]


def find_token(session: Session, token_id: str) -> tuple[TokenRow, PersonRow | None] | None:
    """Return a token, revoked or not, and whose it is."""
    return _token(session, TokenRow.id == token_id)


def find_token_by_hash(session: Session, token_hash: str) -> tuple[TokenRow, PersonRow | None] | None:
    """Return the token with this hash, revoked or not, and whose it is."""
    return _token(session, TokenRow.token_hash == token_hash)


def _token(session: Session, condition: ColumnElement[bool]) -> tuple[TokenRow, PersonRow | None] | None:
    query = select(TokenRow, PersonRow).outerjoin(PersonRow, PersonRow.id == TokenRow.person_id)
    found = session.execute(query.where(condition)).first()
    return (found[0], found[1]) if found else None


def _of(person_id: str | None) -> ColumnElement[bool]:
    return SessionRow.person_id.is_(None) if person_id is None else SessionRow.person_id == person_id
