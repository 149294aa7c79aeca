"""People, tokens of programs, and the browsers one is signed in with."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session

from fluxtune.accounts import people, tokens
from fluxtune.accounts.schemas import (
    ApiToken,
    ApiTokenCreate,
    Ended,
    Invitation,
    InvitationFacts,
    InvitationToken,
    NewApiToken,
    Person,
    PersonCreate,
    PersonEntry,
    PersonUpdate,
)
from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import get_session

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
SettingsDep = Annotated[Settings, Depends(get_settings)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such thing."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "It is not in the state for this."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}

router = APIRouter(prefix="/api", responses=INVALID)


@router.post("/tokens", tags=["tokens"], status_code=201)
def create_token(create: ApiTokenCreate, session: SessionDep) -> NewApiToken:
    """Make a token for a program, good for what its scopes say; it is shown this once."""
    return tokens.create_token(session, create)


@router.get("/tokens", tags=["tokens"])
def list_tokens(session: SessionDep, everyone: bool = False) -> list[ApiToken]:
    """List one's own tokens, newest first, revoked ones too; administrators may ask for everyone's."""
    return tokens.list_tokens(session, everyone=everyone)


@router.post("/tokens/{token_id}/revocation", tags=["tokens"], responses=NOT_FOUND)
def revoke_token(token_id: str, session: SessionDep) -> ApiToken:
    """Let nobody in with a token any more, at once."""
    return tokens.revoke_token(session, token_id)


@router.get("/people", tags=["people"])
def list_people(session: SessionDep) -> list[Person]:
    """List everybody who may sign in, is invited or disabled, by name."""
    return people.list_(session)


@router.get("/people/names", tags=["people"])
def list_people_names(session: SessionDep) -> list[PersonEntry]:
    """List the names of the people things can be shared with."""
    return people.list_names(session)


@router.post("/people", tags=["people"], status_code=201, responses=CONFLICT)
def invite_person(create: PersonCreate, session: SessionDep, settings: SettingsDep) -> Invitation:
    """Add a person; the token in the answer lets them set their password at `/invitation#token`."""
    return people.invite(session, create, settings.accounts.invitation_life)


@router.patch("/people/{person_id}", tags=["people"], responses={**NOT_FOUND, **CONFLICT})
def update_person(person_id: str, change: PersonUpdate, session: SessionDep, request: Request) -> Person:
    """Change a person's name or role, or disable them, which signs them out everywhere."""
    changed = people.update(session, person_id, change)
    request.state.forget_all()
    return changed


@router.delete("/people/{person_id}", tags=["people"], status_code=204, responses={**NOT_FOUND, **CONFLICT})
def withdraw_invitation(person_id: str, session: SessionDep) -> None:
    """Forget a person who was invited and never came."""
    people.withdraw(session, person_id)


@router.post("/people/{person_id}/links", tags=["people"], status_code=201, responses={**NOT_FOUND, **CONFLICT})
def make_password_link(person_id: str, session: SessionDep, settings: SettingsDep) -> Invitation:
    """Make a new link by which a person sets their password; earlier ones end."""
    return people.renew_link(session, person_id, settings.accounts.invitation_life)


@router.delete("/people/{person_id}/sessions", tags=["people"], responses=NOT_FOUND)
def sign_person_out(person_id: str, session: SessionDep, request: Request) -> Ended:
    """Sign a person out of every browser."""
    ended = Ended(count=people.sign_out_everywhere(session, person_id))
    request.state.forget_all()
    return ended


@router.post("/invitations/reading", tags=["people"], responses={403: {"model": Problem}})
def read_invitation(link: InvitationToken, session: SessionDep) -> InvitationFacts:
    """Show whom a link is for. Nobody needs to be signed in."""
    return people.read_invitation(session, link.token)
