"""Who is let in: right host, right origin, signed in. Plain ASGI, so that streams pass through untouched."""

import asyncio
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fluxtune.accounts import service as accounts
from fluxtune.accounts.keys import is_same_token
from fluxtune.accounts.tokens import find_token_actor
from fluxtune.api.errors import problem_response
from fluxtune.api.permissions import CONTRACT, RULES
from fluxtune.config import Settings
from fluxtune.core.actor import LOCAL_OWNER, NOBODY, Actor, acting_as
from fluxtune.core.errors import FluxtuneError, NotAllowed, TooLarge
from fluxtune.db import Database

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_REMEMBER_S = 30.0
"""Seconds for which the one user of a studio needs no look into the database."""
_REMEMBER_PERSON_S = 2.0
"""The same for people: another server on the same database may sign them out or change their role."""
SCRAPED = "/metrics"
"""What Prometheus reads; it shows a token as everybody does."""
_SIGNED = "/v1/samples/"
_OPEN = "/v1/openapi.json"
_UNASKED = frozenset(route for route, rule in RULES.items() if rule == "open")
"""What anybody may use, by method and address."""


class WrongHost(NotAllowed):
    """The address used is not one of the studio's; a page elsewhere may have been pointed here by DNS."""

    title = "This address is not the studio's"
    action = "Open the address printed by `fluxtune serve`."


class WrongOrigin(NotAllowed):
    """Another site tries to change something."""

    title = "Another site tried to change something here"
    action = "Close that site. Nothing was changed."


class Gate:
    """Checks host, origin, size and session of every request."""

    def __init__(
        self, app: ASGIApp, settings: Settings, database: Database, studio_token_hash: str | None, is_team: bool
    ) -> None:
        self._app = app
        self._settings = settings
        self._database = database
        self._studio_token_hash = studio_token_hash
        self._is_team = is_team
        self._known: dict[str, tuple[float, Actor]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer with the reason why not."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        try:
            self._check_host(scope)
            if scope["path"] == CONTRACT or scope["path"].startswith(f"{CONTRACT}/"):
                await self._serve_contract(scope, receive, send)
                return
            self._check_origin(scope)
            self._check_size(scope)
            await self._check_session(scope)
        except FluxtuneError as error:
            await problem_response(error.problem())(scope, receive, send)
            return
        await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request in the name of who is behind it."""
        with acting_as(scope.get("state", {}).get("actor", NOBODY)):
            await self._app(scope, receive, send)

    def _check_host(self, scope: Scope) -> None:
        host = Headers(scope=scope).get("host", "")
        name = _name_of(f"//{host}")
        server = self._settings.server
        # The number of the computer that was reached can't have been pointed here by somebody else's DNS.
        is_own = self._is_team and scope.get("server") is not None and name == scope["server"][0]
        if not (name in LOOPBACK_HOSTS or name == server.host or is_own or name in server.allowed_hosts):
            raise WrongHost(f"“{name[:100]}” is not a name of this studio.")

    def _check_origin(self, scope: Scope) -> None:
        if scope["method"] in _SAFE_METHODS:
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and origin in self._settings.server.allowed_origins:
            return
        site = headers.get("sec-fetch-site")
        if site is not None and site not in ("same-origin", "none"):
            raise WrongOrigin("The browser says that the request comes from elsewhere.")
        if origin is not None and origin.partition("://")[2] != headers.get("host"):
            raise WrongOrigin(f"The request comes from {origin[:200]}.")

    def _check_size(self, scope: Scope) -> None:
        limit = self._settings.server.max_body_bytes
        if exceeds(scope, limit):
            sent = int(Headers(scope=scope)["content-length"])
            raise TooLarge(
                f"{sent / 1e6:.0f} MB were sent; the limit is {limit / 1e6:.0f} MB.",
                action="Send fewer or smaller files at once.",
            )

    async def _check_session(self, scope: Scope) -> None:
        path: str = scope["path"]
        is_ours = path.startswith("/api/") or path == SCRAPED
        if not is_ours or f"{scope['method']} {path}" in _UNASKED:
            return
        request = Request(scope)
        actor = await self._by_bearer(request) or await self._by_cookie(request)
        if actor is None:
            action = "Sign in with your e-mail address and password." if self._is_team else None
            raise accounts.NotSignedIn("This browser has no session with this studio.", action=action)
        scope.setdefault("state", {})["actor"] = actor
        scope["state"]["forget_session"] = self._forget
        scope["state"]["forget_all"] = self._known.clear

    def _forget(self, request: Request) -> str | None:
        """Stop remembering who a browser is, because it signs out; return the token it had."""
        token = request.cookies.get(cookie_name(request))
        if token is not None:
            self._known.pop(token, None)
        return token

    async def _serve_contract(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let programs with a token through. No cookie counts here, so where a request comes from does not matter."""
        path: str = scope["path"]
        if not path.startswith(_SIGNED) and path != _OPEN:
            key = Headers(scope=scope).get("x-key", "").strip()
            actor = await asyncio.to_thread(find_token_actor, self._database, key) if key else None
            if actor is None:
                await JSONResponse({"detail": "Not authenticated"}, 403)(scope, receive, send)
                return
            scope.setdefault("state", {})["actor"] = actor
        if exceeds(scope, self._settings.contract.max_body_bytes):
            await too_large()(scope, receive, send)
            return
        await self._pass_on(scope, receive, send)

    async def _by_bearer(self, request: Request) -> Actor | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        if self._studio_token_hash is not None and is_same_token(token, self._studio_token_hash):
            return LOCAL_OWNER
        return await asyncio.to_thread(find_token_actor, self._database, token.strip())

    async def _by_cookie(self, request: Request) -> Actor | None:
        token = request.cookies.get(cookie_name(request))
        if not token:
            return None
        known = self._known.get(token)
        remember_s = _REMEMBER_PERSON_S if self._is_team else _REMEMBER_S
        if known is not None and time.monotonic() - known[0] < remember_s:
            return known[1]
        actor = await asyncio.to_thread(accounts.find_actor, self._database, token, is_team=self._is_team)
        if actor is None:
            self._known.pop(token, None)
        else:
            self._known[token] = (time.monotonic(), actor)
        return actor


def exceeds(scope: Scope, limit: int) -> bool:
    """Return whether a request says itself that it is larger than allowed."""
    length = Headers(scope=scope).get("content-length", "")
    return length.isdigit() and int(length) > limit


def too_large() -> JSONResponse:
    """Return what a program under `/v1` is told of a request that is too large."""
    return JSONResponse(
        {"detail": "The request is larger than this server accepts. Send fewer or smaller images."}, 413
    )


def cookie_name(request: Request) -> str:
    """Return the name of the session cookie at the address the browser used.

    Browsers keep cookies by host name, whatever the port: two studios on one computer would sign each other out.
    """
    try:
        port = urlsplit(f"//{request.headers.get('host', '')}").port
    except ValueError:
        port = None
    return f"fluxtune_session_{port}" if port is not None else "fluxtune_session"


def _name_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
