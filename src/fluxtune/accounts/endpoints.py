"""Tokens of programs that use `/v1`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from fluxtune.accounts import tokens
from fluxtune.accounts.schemas import ApiToken, ApiTokenCreate, NewApiToken
from fluxtune.core.errors import Problem
from fluxtune.db import get_session

SessionDep = Annotated[Session, Depends(get_session, scope="function")]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such token."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}

router = APIRouter(prefix="/api/tokens", tags=["tokens"], responses=INVALID)


@router.post("", status_code=201)
def create_token(create: ApiTokenCreate, session: SessionDep) -> NewApiToken:
    """Make a token for a program that uses `/v1`; it is shown this once."""
    return tokens.create_token(session, create.name)


@router.get("")
def list_tokens(session: SessionDep) -> list[ApiToken]:
    """List the tokens, newest first, revoked ones too."""
    return tokens.list_tokens(session)


@router.post("/{token_id}/revocation", responses=NOT_FOUND)
def revoke_token(token_id: str, session: SessionDep) -> ApiToken:
    """Let nobody in with a token any more, at once."""
    return tokens.revoke_token(session, token_id)
