"""Sign in, and who is signed in."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session as DatabaseSession

from fluxtune.accounts import service as accounts
from fluxtune.api.gate import cookie_name
from fluxtune.api.schemas import Session, SignIn
from fluxtune.config import Settings, get_settings
from fluxtune.core.actor import LOCAL_OWNER, Actor
from fluxtune.core.errors import Problem
from fluxtune.db import get_session

router = APIRouter(prefix="/api", tags=["session"])

DatabaseDep = Annotated[DatabaseSession, Depends(get_session, scope="function")]
SettingsDep = Annotated[Settings, Depends(get_settings)]


@router.post("/session", summary="Sign in", responses={403: {"model": Problem}})
def create_session(
    request: Request, response: Response, database: DatabaseDep, settings: SettingsDep, body: SignIn
) -> Session:
    """Trade the token of the printed address, or the studio's own, for a session cookie."""
    life = timedelta(days=settings.server.session_days)
    token = accounts.sign_in(database, body.token, request.app.state.studio_token_hash, life)
    set_cookie(request, response, token, life)
    return Session(actor=LOCAL_OWNER.name)


@router.get("/session", summary="Who is signed in", responses={403: {"model": Problem}})
def get_session_(request: Request) -> Session:
    """Return who is using the studio."""
    actor: Actor = request.state.actor
    return Session(actor=actor.name)


@router.delete("/session", summary="Sign out", status_code=204, responses={403: {"model": Problem}})
def end_session(request: Request, response: Response, database: DatabaseDep) -> None:
    """End the session of this browser; others stay signed in."""
    token: str | None = request.state.forget_session(request)
    if token is not None:
        accounts.sign_out(database, token)
    response.delete_cookie(cookie_name(request), path="/", httponly=True, samesite="strict")


@router.post("/session/links", summary="Make a sign-in link", status_code=201)
def create_link(database: DatabaseDep) -> SignIn:
    """Return a token that signs in one more browser, once: open `/?token=…`."""
    return SignIn(token=accounts.create_link(database))


def set_cookie(request: Request, response: Response, token: str, life: timedelta) -> None:
    """Give a session to the browser; no script can read it and no other site can send it."""
    seconds = int(life.total_seconds())
    response.set_cookie(cookie_name(request), token, max_age=seconds, path="/", httponly=True, samesite="strict")
