"""The built user interface, sign-in by address, and a page that says how to build what is missing."""

import html
import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fluxtune.accounts import service as accounts
from fluxtune.api.gate import cookie_name
from fluxtune.api.session import browser_of, life_of, set_cookie
from fluxtune.config import Settings, get_settings
from fluxtune.db import Database, get_database

DIST = Path(__file__).parents[1] / "web" / "dist"

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title} – fluxtune</title>
<style>body{{font:16px/1.6 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1.5rem;color:#1b1b1f;
background:#fafafa}}code{{background:#ececf0;padding:.1em .4em;border-radius:.3em}}
@media(prefers-color-scheme:dark){{body{{color:#e6e6ea;background:#17171a}}code{{background:#2a2a30}}}}</style></head>
<body><main><h1>{title}</h1><p>{text}</p><p>{action}</p></main></body></html>
"""


def _page(title: str, text: str, action: str, status: int) -> Response:
    return HTMLResponse(_PAGE.format(title=title, text=text, action=action), status)


@router.get("/")
def show_start(
    request: Request,
    settings: Annotated[Settings, Depends(get_settings)],
    database: Annotated[Database, Depends(get_database)],
    token: str | None = None,
) -> Response:
    """Sign in by `?token=…` and go on to the address without it; without a token show the user interface."""
    if token is not None:
        return _sign_in(request, settings, database, token)
    index = request.app.state.ui_dist / "index.html"
    if index.is_file():
        return HTMLResponse(index.read_bytes(), headers={"cache-control": "no-cache"})
    return _page(
        "The user interface is not built",
        "fluxtune runs, and its command line and API work, but the pages are missing from this copy.",
        "Build them with <code>make ui</code> in the source folder, or install a released package.",
        503,
    )


def _sign_in(request: Request, settings: Settings, database: Database, token: str) -> Response:
    life = life_of(settings)
    is_team: bool = request.app.state.is_team
    home = RedirectResponse("/", 303, headers={"cache-control": "no-store"})
    earlier = request.cookies.get(cookie_name(request), "")
    try:
        with database.transaction() as session:
            begun = accounts.sign_in(
                session, token, request.app.state.studio_token_hash, life, is_team=is_team, browser=browser_of(request)
            )
            accounts.sign_out(session, earlier)
    except accounts.SignInRefused as refusal:
        if accounts.find_actor(database, earlier, is_team=is_team) is not None:
            return home  # the same link opened again in the browser that used it
        return _page(refusal.title, refusal.detail, _coded(refusal.action), 403)
    set_cookie(request, home, begun.token, life)
    return home


def _coded(text: str) -> str:
    """Return a text of ours with its commands marked as such."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


class AssetCaching:
    """Lets browsers keep files whose name carries a hash for ever, and ask again for all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the header to what the user interface's folder serves."""
        if scope["type"] != "http" or scope["path"].startswith(("/api/", "/v1/")):
            await self._app(scope, receive, send)
            return
        is_hashed = scope["path"].startswith("/assets/")

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                lasting = is_hashed and message["status"] == 200
                value = "public, max-age=31536000, immutable" if lasting else "no-cache"
                MutableHeaders(scope=message).setdefault("cache-control", value)
            await send(message)

        await self._app(scope, receive, send_with_header)


def mount_ui(app: FastAPI, dist: Path = DIST) -> None:
    """Serve the user interface at `/`; every address it knows itself gets its start page."""
    app.state.ui_dist = dist
    app.include_router(router)
    if (dist / "index.html").is_file():
        app.frontend("/", directory=dist, fallback="index.html", check_dir=False)
