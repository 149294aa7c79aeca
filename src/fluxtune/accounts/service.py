"""Sign in, recognise and sign out."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from fluxtune.accounts import repository
from fluxtune.accounts.keys import hash_token, is_same_token, new_token
from fluxtune.accounts.limits import SignInLimits
from fluxtune.accounts.passwords import verify_password
from fluxtune.accounts.people import as_actor
from fluxtune.accounts.schemas import SignedInBrowser
from fluxtune.accounts.tables import PersonRow, SessionRow, SignInLinkRow
from fluxtune.audit import service as audit
from fluxtune.config import Settings
from fluxtune.core.actor import LOCAL_ID, LOCAL_OWNER, Actor, acting, acting_as
from fluxtune.core.clock import now
from fluxtune.core.errors import NotAllowed, NotFound
from fluxtune.core.ids import new_id
from fluxtune.db import Database

LINK_LIFE = timedelta(days=1)
SEEN_EVERY = timedelta(minutes=1)
"""When a person was last seen is kept this exactly: a page that follows its jobs must not write all the time."""


class SignInRefused(NotAllowed):
    """The token is unknown, too old or was used before."""

    title = "This sign-in link can't be used"
    action = "Run `fluxtune open`, which makes a new one."


class PasswordRefused(NotAllowed):
    """No such person, a wrong password, or a person who may not sign in: which of them is not told."""

    title = "That e-mail address and password do not fit"
    action = "Try again, or ask an administrator for a link that sets a new password."


class NotSignedIn(NotAllowed):
    """The request carries no valid session."""

    title = "You are not signed in"


class SessionMissing(NotFound):
    """No such session."""

    title = "This browser is signed out already"


@dataclass(frozen=True, slots=True)
class Browser:
    """What is known of a browser that signs in."""

    device: str = ""
    address: str = ""


NOWHERE = Browser()


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that has begun: its token, which only the browser keeps, and whose it is."""

    token: str
    actor: Actor


def is_loopback(host: str) -> bool:
    """Return whether only this computer can reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_team(settings: Settings, host: str) -> bool:
    """Return whether people must sign in: where other computers reach the studio, and where the settings say so."""
    return settings.accounts.required or not is_loopback(host)


def needs_administrator(session: Session) -> bool:
    """Return whether nobody could look after a studio with accounts yet."""
    return not repository.has_administrator(session)


def own_id() -> str | None:
    """Return the id of the person who acts; None is the local owner."""
    return None if acting().id == LOCAL_ID else acting().id


def create_link(session: Session) -> str:
    """Return a token that signs in one more browser of whoever acts, once, within a day."""
    at = now()
    repository.remove_expired(session, at)
    token = new_token()
    row = SignInLinkRow(token_hash=hash_token(token), person_id=own_id(), created_at=at, expires_at=at + LINK_LIFE)
    repository.add(session, row)
    return token


def sign_in(
    session: Session,
    token: str,
    studio_token_hash: str | None,
    life: timedelta,
    *,
    is_team: bool = False,
    browser: Browser = NOWHERE,
) -> NewSession:
    """Trade a one-time token, or the studio's own, for a session.

    Where people sign in, what the local owner may print lets nobody in any more once there is an administrator.
    """
    person: PersonRow | None = None
    if studio_token_hash is None or not is_same_token(token, studio_token_hash):
        link = repository.use_link(session, hash_token(token), now())
        if link is None:
            raise SignInRefused("It was used before, or is older than a day.")
        person = repository.find_person(session, link.person_id) if link.person_id else None
        if person is not None and person.state != "active":
            raise SignInRefused("It belongs to somebody who may not sign in any more.")
    if person is None and is_team and not needs_administrator(session):
        raise SignInRefused(
            "People sign in with their e-mail address and password here.",
            action="Who has forgotten theirs gets a link by `fluxtune admin person link E-MAIL`.",
        )
    return begin(session, person, life, browser)


def sign_in_with_password(
    session: Session, email: str, password: str, limits: SignInLimits, life: timedelta, browser: Browser
) -> NewSession:
    """Begin a session of the person with this address and password; failures count against both and the address."""
    email = email.strip().casefold()
    limits.begin(email, browser.address)
    person = repository.find_person_by_email(session, email)
    fits = verify_password(password, person.password_hash if person else None)
    if person is None or not fits or person.state != "active":
        limits.fail(email, browser.address)
        raise PasswordRefused("One of them is wrong, or this person may not sign in.")
    limits.succeed(email, browser.address)
    begun = begin(session, person, life, browser)
    with acting_as(begun.actor):
        audit.record(session, "person.signed_in", "person", person.id, name=person.name)
    return begun


def begin(session: Session, person: PersonRow | None, life: timedelta, browser: Browser) -> NewSession:
    """Begin a session with a token of its own, whatever the browser showed before."""
    at = now()
    repository.remove_expired(session, at)
    actor = LOCAL_OWNER if person is None else as_actor(person)
    token = new_token()
    row = SessionRow(
        token_hash=hash_token(token),
        id=new_id(),
        actor=actor.name,
        person_id=person.id if person else None,
        device=browser.device[:200],
        address=browser.address[:64],
        created_at=at,
        expires_at=at + life,
        last_seen_at=at,
    )
    repository.add(session, row)
    return NewSession(token, actor)


def sign_out(session: Session, session_token: str) -> None:
    """End a session; one that is over already stays so."""
    repository.remove_session(session, hash_token(session_token))


def find_actor(database: Database, session_token: str, *, is_team: bool = False) -> Actor | None:
    """Return who a session belongs to, or None if it is unknown or over; note that the person was seen."""
    at, token_hash = now(), hash_token(session_token)
    with database.reading() as session:
        found = repository.find_session(session, token_hash)
        if found is None or found[0].expires_at <= at:
            return None
        row, person = found
        if person is None:
            return None if is_team and not needs_administrator(session) else LOCAL_OWNER
        if person.state != "active":
            return None
        actor, seen_at = as_actor(person), row.last_seen_at
    if seen_at is None or abs(at - seen_at) > SEEN_EVERY:
        with database.transaction() as session:
            repository.note_seen(session, token_hash, actor.id, at)
    return actor


def list_sessions(session: Session, session_token: str | None) -> list[SignedInBrowser]:
    """Return the browsers in which whoever acts is signed in; the one that asks is marked."""
    this = hash_token(session_token) if session_token else None
    return [
        SignedInBrowser(
            id=row.id,
            device=row.device,
            address=row.address,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            is_this=row.token_hash == this,
        )
        for row in repository.list_sessions(session, own_id(), now())
    ]


def end_session(session: Session, session_id: str) -> None:
    """Sign one of the actor's own browsers out."""
    if not repository.remove_session_by_id(session, session_id, own_id()):
        raise SessionMissing("It is not in the list any more.")


def end_other_sessions(session: Session, session_token: str | None) -> int:
    """Sign all of the actor's browsers out but the one that asks; return how many there were."""
    return repository.remove_sessions(session, own_id(), hash_token(session_token) if session_token else None)
