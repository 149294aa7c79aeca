"""Which features are on, for whom."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from fluxtune.core.errors import Problem
from fluxtune.db import get_session
from fluxtune.flags import service
from fluxtune.flags.schemas import FlagChange, FlagInfo

SessionDep = Annotated[Session, Depends(get_session, scope="function")]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such feature."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}

router = APIRouter(prefix="/api/flags", tags=["flags"], responses=INVALID)


@router.get("")
def list_flags(session: SessionDep) -> list[FlagInfo]:
    """List every feature that can be switched off, and for whom it is on."""
    return service.list_flags(session)


@router.put("/{name}", responses=NOT_FOUND)
def change_flag(name: str, change: FlagChange, session: SessionDep) -> FlagInfo:
    """Decide for whom a feature is on, at once and for the whole studio."""
    return service.change_flag(session, name, change)


@router.delete("/{name}", responses=NOT_FOUND)
def reset_flag(name: str, session: SessionDep) -> FlagInfo:
    """Let a feature be as it is by default."""
    return service.reset_flag(session, name)
