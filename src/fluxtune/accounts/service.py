"""Sign in and recognise. Tokens are 256 random bits, so a plain hash is enough to store them."""

import hashlib
import hmac
import secrets
from datetime import timedelta

from sqlalchemy.orm import Session

from fluxtune.accounts import repository
from fluxtune.accounts.tables import SessionRow, SignInLinkRow
from fluxtune.core.actor import LOCAL_OWNER, Actor
from fluxtune.core.clock import now
from fluxtune.core.errors import NotAllowed

LINK_LIFE = timedelta(days=1)


class SignInRefused(NotAllowed):
    """The token is unknown, too old or was used before."""

    title = "This sign-in link can't be used"
    action = "Run `fluxtune open`, which makes a new one."


class NotSignedIn(NotAllowed):
    """The request carries no valid session."""

    title = "You are not signed in"


def new_token() -> str:
    """Return an unguessable token."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_same_token(given: str, token_hash: str) -> bool:
    """Compare without telling by time how much fits."""
    return hmac.compare_digest(hash_token(given), token_hash)


def create_link(session: Session) -> str:
    """Return a token that signs in once, within a day."""
    at = now()
    repository.remove_expired(session, at)
    token = new_token()
    repository.add(session, SignInLinkRow(token_hash=hash_token(token), created_at=at, expires_at=at + LINK_LIFE))
    return token


def sign_in(session: Session, token: str, studio_token_hash: str | None, life: timedelta) -> str:
    """Trade a one-time token, or the studio's own, for a session; return the session's token."""
    at = now()
    is_studio = studio_token_hash is not None and is_same_token(token, studio_token_hash)
    if not is_studio and not repository.use_link(session, hash_token(token), at):
        raise SignInRefused("It was used before, or is older than a day.")
    session_token = new_token()
    row = SessionRow(token_hash=hash_token(session_token), actor=LOCAL_OWNER.name, created_at=at, expires_at=at + life)
    repository.add(session, row)
    return session_token


def sign_out(session: Session, session_token: str) -> None:
    """End a session; one that is over already stays so."""
    repository.remove_session(session, hash_token(session_token))


def find_actor(session: Session, session_token: str) -> Actor | None:
    """Return who a session belongs to, or None if it is unknown or over."""
    row = repository.find_session(session, hash_token(session_token))
    if row is None or row.expires_at <= now():
        return None
    return Actor(row.actor)
