"""Tokens of programs: made once, shown once, recognised by their hash, revoked at once."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

from sqlalchemy.orm import Session

from fluxtune.accounts import repository
from fluxtune.accounts.keys import hash_token, new_token
from fluxtune.accounts.people import as_actor
from fluxtune.accounts.schemas import ApiToken, ApiTokenCreate, NewApiToken, Scope
from fluxtune.accounts.service import own_id
from fluxtune.accounts.tables import PersonRow, TokenRow
from fluxtune.audit import service as audit
from fluxtune.core.actor import Actor, acting
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


def create_token(session: Session, create: ApiTokenCreate) -> NewApiToken:
    """Make a token of whoever acts; what is returned is the only place it ever stands in."""
    name = clean_text(create.name)
    if not name:
        raise TokenNameEmpty("It holds no words.", field="name")
    token, at = PREFIX + new_token(), now()
    row = TokenRow(
        id=new_id(),
        name=name,
        person_id=own_id(),
        token_hash=hash_token(token),
        ending=token[-ENDING:],
        scopes=" ".join(sorted(set(create.scopes))),
        created_at=at,
        expires_at=at + timedelta(days=create.days) if create.days else None,
    )
    repository.add(session, row)
    shown = _to_schema(row, acting().name if row.person_id else "")
    audit.record(session, "token.created", "token", row.id, after={"scopes": shown.scopes}, name=name)
    return NewApiToken(**shown.model_dump(), token=token)


def list_tokens(session: Session, *, everyone: bool = False) -> list[ApiToken]:
    """Return the tokens of whoever acts, newest first, revoked ones too; administrators may see everyone's."""
    rows = repository.list_tokens(session, own_id(), everyone=everyone and acting().is_administrator)
    return [_to_schema(token, person.name if person else "") for token, person in rows]


def revoke_token(session: Session, token_id: str) -> ApiToken:
    """Let nobody in with this token any more; doing it twice changes nothing. Others' only administrators revoke."""
    found = repository.find_token(session, token_id)
    if found is None or not (acting().is_administrator or found[0].person_id == own_id()):
        raise TokenMissing(f"There is no token “{token_id[:64]}”.")
    row, person = found
    if row.revoked_at is None:
        row.revoked_at = now()
        audit.record(session, "token.revoked", "token", row.id, name=row.name)
    return _to_schema(row, person.name if person else "")


def find_token_actor(database: Database, token: str) -> Actor | None:
    """Return whose a token is and what it may, or None if it is unknown, over or revoked; note that it was used."""
    at, token_hash = now(), hash_token(token)
    with database.reading() as session:
        found = repository.find_token_by_hash(session, token_hash)
    if found is None or not _is_valid(*found):
        return None
    row, person = found
    # A clock that was set back must not stop the noting for ever.
    if row.last_used_at is None or abs(at - row.last_used_at) > USED_EVERY:
        with database.transaction() as session:
            used = repository.find_token(session, row.id)
            if used is not None:
                used[0].last_used_at = at
    owner = as_actor(person) if person else Actor(row.name)
    return replace(owner, scopes=frozenset(row.scopes.split()))


def _is_valid(row: TokenRow, person: PersonRow | None) -> bool:
    is_over = row.expires_at is not None and row.expires_at <= now()
    return row.revoked_at is None and not is_over and (person is None or person.state == "active")


def _to_schema(row: TokenRow, owner: str) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        ending=row.ending,
        scopes=cast(list[Scope], row.scopes.split()),
        owner=owner,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
