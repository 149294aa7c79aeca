"""Sign in, and who is signed in."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session as DatabaseSession

from fluxtune.accounts import people
from fluxtune.accounts import service as accounts
from fluxtune.accounts.schemas import (
    Ended,
    FirstAdministrator,
    InvitationAcceptance,
    PasswordChange,
    PasswordSignIn,
    SignedInBrowser,
)
from fluxtune.api.gate import cookie_name
from fluxtune.api.permissions import permissions_of
from fluxtune.api.schemas import Session, SignIn, SignInWays
from fluxtune.config import Settings, get_settings
from fluxtune.core.actor import Actor, acting_as
from fluxtune.core.errors import Conflict, NotFound, Problem
from fluxtune.db import get_session
from fluxtune.flags import service as flags

router = APIRouter(prefix="/api", tags=["session"])

DatabaseDep = Annotated[DatabaseSession, Depends(get_session, scope="function")]
SettingsDep = Annotated[Settings, Depends(get_settings)]

Responses = dict[int | str, dict[str, Any]]
REFUSED: Responses = {403: {"model": Problem}}
TOO_MANY: Responses = {429: {"model": Problem, "description": "Too many tries; the answer says when the next counts."}}


class NobodySignsIn(Conflict):
    """A studio that only its owner's computer reaches has no people."""

    title = "Nobody signs in here"
    action = "Start the studio with `accounts.required`, or on an address that others can reach."


@router.get("/session/ways", summary="How to sign in")
def get_sign_in_ways(request: Request, database: DatabaseDep) -> SignInWays:
    """Return whether people sign in here, and whether there is anybody yet."""
    is_team: bool = request.app.state.is_team
    return SignInWays(is_team=is_team, needs_administrator=is_team and accounts.needs_administrator(database))


@router.post("/session", summary="Sign in", responses=REFUSED)
def create_session(
    request: Request, response: Response, database: DatabaseDep, settings: SettingsDep, body: SignIn
) -> Session:
    """Trade the token of the printed address, or the studio's own, for a session cookie."""
    begun = accounts.sign_in(
        database,
        body.token,
        request.app.state.studio_token_hash,
        life_of(settings),
        is_team=request.app.state.is_team,
        browser=browser_of(request),
    )
    return _begin(request, response, database, settings, begun)


@router.post("/session/password", summary="Sign in with a password", responses={**REFUSED, **TOO_MANY})
def create_session_with_password(
    request: Request, response: Response, database: DatabaseDep, settings: SettingsDep, body: PasswordSignIn
) -> Session:
    """Trade an e-mail address and a password for a session cookie."""
    begun = accounts.sign_in_with_password(
        database,
        body.email,
        body.password.get_secret_value(),
        request.app.state.sign_in_limits,
        life_of(settings),
        browser_of(request),
    )
    return _begin(request, response, database, settings, begun)


@router.post("/people/first", tags=["people"], status_code=201, responses={409: {"model": Problem}})
def create_first_administrator(
    request: Request, response: Response, database: DatabaseDep, settings: SettingsDep, body: FirstAdministrator
) -> Session:
    """Make the first administrator, who is signed in by it; whoever came by the printed address is signed out."""
    if not request.app.state.is_team:
        raise NobodySignsIn("Only this computer reaches the studio, and whoever uses it is its owner.")
    person = people.create_first(database, body)
    request.state.forget_all()
    begun = accounts.begin(database, person, life_of(settings), browser_of(request))
    return _begin(request, response, database, settings, begun)


@router.post("/invitations/acceptance", tags=["people"], responses=REFUSED)
def accept_invitation(
    request: Request, response: Response, database: DatabaseDep, settings: SettingsDep, body: InvitationAcceptance
) -> Session:
    """Set the password of the person a link is for, and sign them in. Nobody needs to be signed in before."""
    person = people.accept_invitation(database, body.token, body.password.get_secret_value(), body.name)
    begun = accounts.begin(database, person, life_of(settings), browser_of(request))
    return _begin(request, response, database, settings, begun)


@router.get("/session", summary="Who is signed in", responses=REFUSED)
def get_session_(request: Request, database: DatabaseDep) -> Session:
    """Return who is using the studio."""
    return _describe(request, database, request.state.actor)


@router.delete("/session", summary="Sign out", status_code=204, responses=REFUSED)
def end_session(request: Request, response: Response, database: DatabaseDep) -> None:
    """End the session of this browser; others stay signed in."""
    token: str | None = request.state.forget_session(request)
    if token is not None:
        accounts.sign_out(database, token)
    response.delete_cookie(cookie_name(request), path="/", httponly=True, samesite="strict")


@router.put("/session/password", summary="Change one's password", status_code=204)
def change_password(request: Request, database: DatabaseDep, body: PasswordChange) -> None:
    """Replace the password; all other browsers of the person are signed out."""
    if not request.state.actor.is_person:
        raise NobodySignsIn("The local owner has no password.")
    keep = request.cookies.get(cookie_name(request))
    people.change_password(database, body.current.get_secret_value(), body.password.get_secret_value(), keep)
    request.state.forget_all()


@router.post("/session/links", summary="Make a sign-in link", status_code=201)
def create_link(request: Request, database: DatabaseDep) -> SignIn:
    """Return a token that signs in one more browser, once: open `/?token=…`."""
    is_team: bool = request.app.state.is_team
    if is_team and not request.state.actor.is_person and not accounts.needs_administrator(database):
        raise NotFound(
            "People sign in with their e-mail address and password here.",
            title="There is no link that signs in",
            action="`fluxtune admin person link E-MAIL` makes one by which a person sets a new password.",
        )
    return SignIn(token=accounts.create_link(database))


@router.get("/sessions", summary="List one's signed-in browsers")
def list_sessions(request: Request, database: DatabaseDep) -> list[SignedInBrowser]:
    """Return where whoever asks is signed in, the last used first."""
    return accounts.list_sessions(database, request.cookies.get(cookie_name(request)))


@router.delete("/sessions", summary="Sign out everywhere else")
def end_other_sessions(request: Request, database: DatabaseDep) -> Ended:
    """Sign all browsers of whoever asks out, except this one."""
    count = accounts.end_other_sessions(database, request.cookies.get(cookie_name(request)))
    request.state.forget_all()
    return Ended(count=count)


@router.delete(
    "/sessions/{session_id}", summary="Sign a browser out", status_code=204, responses={404: {"model": Problem}}
)
def end_one_session(request: Request, session_id: str, database: DatabaseDep) -> None:
    """Sign one of one's own browsers out, at once."""
    accounts.end_session(database, session_id)
    request.state.forget_all()


def life_of(settings: Settings) -> timedelta:
    """Return how long a browser stays signed in."""
    return timedelta(days=settings.server.session_days)


def browser_of(request: Request) -> accounts.Browser:
    """Return what is known of the browser behind a request."""
    address = request.client.host if request.client else ""
    return accounts.Browser(request.headers.get("user-agent", ""), address)


def set_cookie(request: Request, response: Response, token: str, life: timedelta) -> None:
    """Give a session to the browser; no script can read it and no other site can send it."""
    seconds = int(life.total_seconds())
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=seconds,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def _begin(
    request: Request, response: Response, database: DatabaseSession, settings: Settings, begun: accounts.NewSession
) -> Session:
    """Hand a new session over; the one the browser had before, perhaps given to it by somebody else, ends."""
    earlier = request.cookies.get(cookie_name(request))
    if earlier:
        accounts.sign_out(database, earlier)
    set_cookie(request, response, begun.token, life_of(settings))
    return _describe(request, database, begun.actor)


def _describe(request: Request, database: DatabaseSession, actor: Actor) -> Session:
    is_team: bool = request.app.state.is_team
    with acting_as(actor):  # who has just signed in is not yet the one behind the request
        flags_on = flags.list_on(database)
    return Session(
        actor=actor.name,
        flags=flags_on,
        person_id=actor.id,
        email=people.find_email(database, actor.id),
        role=actor.role,
        permissions=list(permissions_of(actor)),
        is_team=is_team,
        needs_administrator=is_team and accounts.needs_administrator(database),
    )
