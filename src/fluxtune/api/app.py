"""The web application: everything put together, nothing started that outlives it."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.orm import Session
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

import fluxtune
from fluxtune.accounts import service as accounts
from fluxtune.accounts.keys import hash_token
from fluxtune.accounts.limits import SignInLimits
from fluxtune.adjustments.live import LiveSettings
from fluxtune.api.context import RequestContext
from fluxtune.api.errors import add_error_handlers, document_errors
from fluxtune.api.gate import Gate
from fluxtune.api.permissions import CONTRACT
from fluxtune.api.telemetry import set_up_telemetry
from fluxtune.api.ui import DIST, AssetCaching, mount_ui
from fluxtune.api.wellformed import WellFormed
from fluxtune.config import Settings
from fluxtune.db import Database, migrate
from fluxtune.jobs.stream import EventTail
from fluxtune.storage import Blobs

_OF_THE_API = ("/api/", "/v1", "/hooks/", "/healthz", "/readyz", "/metrics")


def create_app(
    settings: Settings,
    *,
    studio_token: str | None = None,
    is_team: bool | None = None,
    ui_dist: Path = DIST,
    with_api: bool = True,
) -> FastAPI:
    """Build the studio's web application on a data folder.

    `studio_token` is what the command line signs in with; `is_team` says that people must sign in, None leaves that to
    the settings. The database is opened and brought to the newest schema here,
    so that whatever holds the app can use it at once; it is closed when the app shuts down. Without `with_api` it
    serves its pages, and requests to the API wait for `load_api`.
    """
    settings.paths.create()
    database = Database.at(settings.paths.database, settings.database_url)
    migrate(database, settings.paths.migration_lock)
    live = LiveSettings(settings, database)
    live.load()
    tail = EventTail(database, settings.server.event_poll_seconds, partial(studio_standing, settings))
    studio_token_hash = hash_token(studio_token) if studio_token else None
    is_team = accounts.is_team(settings, settings.server.host) if is_team is None else is_team

    telemetry, end_telemetry = set_up_telemetry(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        live.start()
        yield
        live.stop()
        await tail.close()
        database.close()
        end_telemetry()

    loaded: Future[None] = Future()
    app = FastAPI(
        telemetry=telemetry,  # type: ignore[arg-type]  # FastAPI's type of it needs OpenTelemetry to be there
        title="fluxtune",
        version=fluxtune.__version__,
        summary=fluxtune.__doc__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
        middleware=[
            Middleware(RequestContext),
            Middleware(
                Gate, settings=settings, database=database, studio_token_hash=studio_token_hash, is_team=is_team
            ),
            Middleware(RequestBodyLimitMiddleware, max_body_size=settings.server.max_body_bytes),
            Middleware(WellFormed),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
            Middleware(AssetCaching),
            Middleware(ApiLoading, loaded=loaded),
        ],
    )
    app.state.settings = settings
    app.state.database = database
    app.state.blobs = Blobs.at(settings.paths.blobs, settings.storage_url)
    app.state.live_settings = live
    app.state.event_tail = tail
    app.state.studio_token_hash = studio_token_hash
    app.state.is_team = is_team
    app.state.sign_in_limits = SignInLimits(settings.accounts.sign_in_tries, settings.accounts.sign_in_minutes)
    app.state.is_worker_expected = False
    app.state.api_loaded = loaded
    add_error_handlers(app)
    mount_ui(app, ui_dist)
    if with_api:
        load_api(app)
    return app


def load_api(app: FastAPI) -> None:
    """Add all routes of the API. That is half of the studio's start, and a browser has its page to draw meanwhile."""
    loaded: Future[None] = app.state.api_loaded
    try:
        from fluxtune.api.contract import ContractApp
        from fluxtune.api.routers import add_routes

        add_routes(app)
        document_errors(app)
        app.mount(CONTRACT, ContractApp(app))
    except BaseException as error:
        loaded.set_exception(error)
        raise
    loaded.set_result(None)


def studio_standing(settings: Settings, session: Session) -> Hashable:
    """Return what every open page depends on: another value, and the pages ask anew."""
    from fluxtune.accounts import people
    from fluxtune.adjustments.service import AdjustmentService
    from fluxtune.flags import service as flags

    change = AdjustmentService(session, settings).newest_change()
    return change, flags.standing(session), people.standing(session)


class ApiLoading:
    """Lets requests to the API wait until it is there; pages and their files do not."""

    def __init__(self, app: ASGIApp, loaded: "Future[None]") -> None:
        self._app = app
        self._loaded = loaded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request in its time."""
        if not self._loaded.done() and scope["type"] == "http" and scope["path"].startswith(_OF_THE_API):
            # A browser that does not wait any more must not end the loading.
            await asyncio.shield(asyncio.wrap_future(self._loaded))
        await self._app(scope, receive, send)
