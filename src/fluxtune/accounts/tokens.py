"""Tokens of programs: made once, shown once, recognised by their hash, revoked at once."""

from datetime import timedelta

from sqlalchemy.orm import Session

from fluxtune.accounts import repository
from fluxtune.accounts.schemas import ApiToken, NewApiToken
from fluxtune.accounts.service import hash_token, new_token
from fluxtune.accounts.tables import TokenRow
from fluxtune.core.actor import Actor
from fluxtune.core.clock import now
from fluxtune.core.errors import InvalidInput, NotFound
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text
from fluxtune.db import Database

PREFIX = "fluxtune-"
"""So that people and secret scanners see what a token is for."""
USED_EVERY = timedelta(minutes=1)
"""When a token was last used is kept this exactly: programs that poll must not write at every poll."""
ENDING = 4


class TokenMissing(NotFound):
    """No such token."""

    title = "No such token"
    action = "`fluxtune token list` shows what there is."


class TokenNameEmpty(InvalidInput):
    """A token needs a name to be told from others."""

    title = "The token has no name"
    action = "Name it after the program that will use it."


def create_token(session: Session, name: str) -> NewApiToken:
    """Make a token; what is returned is the only place it ever stands in."""
    name = clean_text(name)
    if not name:
        raise TokenNameEmpty("It holds no words.", field="name")
    token = PREFIX + new_token()
    row = TokenRow(id=new_id(), name=name, token_hash=hash_token(token), ending=token[-ENDING:], created_at=now())
    repository.add(session, row)
    return NewApiToken(**_to_schema(row).model_dump(), token=token)


def list_tokens(session: Session) -> list[ApiToken]:
    """Return all tokens, newest first, revoked ones too."""
    return [_to_schema(row) for row in repository.list_tokens(session)]


def revoke_token(session: Session, token_id: str) -> ApiToken:
    """Let nobody in with this token any more; doing it twice changes nothing."""
    row = repository.find_token(session, token_id)
    if row is None:
        raise TokenMissing(f"There is no token “{token_id[:64]}”.")
    row.revoked_at = row.revoked_at or now()
    return _to_schema(row)


def find_token_actor(database: Database, token: str) -> Actor | None:
    """Return the program a token belongs to, or None if it is unknown or revoked; note that it was used."""
    at, token_hash = now(), hash_token(token)
    with database.reading() as session:
        row = repository.find_token_by_hash(session, token_hash)
    if row is None or row.revoked_at is not None:
        return None
    # A clock that was set back must not stop the noting for ever.
    if row.last_used_at is None or abs(at - row.last_used_at) > USED_EVERY:
        with database.transaction() as session:
            used = repository.find_token(session, row.id)
            if used is not None:
                used.last_used_at = at
    return Actor(row.name)


def _to_schema(row: TokenRow) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        ending=row.ending,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
