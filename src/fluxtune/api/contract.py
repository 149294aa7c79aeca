"""BFL's API as an application of its own under `/v1`: its own errors, limits and document."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import fluxtune
from fluxtune.api.errors import as_sentence, breakdown_response, detail_response
from fluxtune.api.gate import exceeds, too_large
from fluxtune.api.permissions import CONTRACT, guard
from fluxtune.core.errors import FluxtuneError, InvalidInput

log = structlog.get_logger(__name__)

SMALL_BODY = 64 * 1024**2
"""Bytes of requests other than finetunes: they may carry images, if only to be told that none can be used."""


class ContractApp:
    """Builds the application when the first program asks: most studios never need it, and it costs time to build."""

    def __init__(self, studio: FastAPI) -> None:
        self._studio = studio
        self._app: FastAPI | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self.build()(scope, receive, send)

    def build(self) -> FastAPI:
        """Return the application, built once."""
        if self._app is None:
            self._app = create_contract_app(self._studio)
        return self._app


class BodyLimit:
    """Ends reading a body where it gets too long, whatever its header said."""

    def __init__(self, app: ASGIApp, finetune_bytes: int) -> None:
        self._finetune = RequestBodyLimitMiddleware(app, finetune_bytes)
        self._other = RequestBodyLimitMiddleware(app, min(finetune_bytes, SMALL_BODY))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within its limit."""
        is_finetune = scope["type"] == "http" and scope["path"].rstrip("/").endswith("/finetune")
        limited = self._finetune if is_finetune else self._other
        if exceeds(scope, limited.max_body_size):
            await too_large()(scope, receive, send)  # before anything is read
            return
        await limited(scope, receive, send)


class Breakdowns:
    """Answers errors nobody foresaw as everything else under `/v1`; else Starlette would, with a bare line of text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_begun = False

        async def send_noting(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:
            if is_begun or scope["type"] != "http":
                raise
            await breakdown_response(error, scope["path"])(scope, receive, send)


def create_contract_app(studio: FastAPI) -> FastAPI:
    """Build the application under `/v1` with the studio's database, blobs and settings."""
    from fluxtune.contract import endpoints

    app = FastAPI(
        title="fluxtune: BFL's API",
        version=fluxtune.__version__,
        summary="BFL's Finetuning API and the image endpoints that bases of this studio can serve.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        middleware=[
            Middleware(Breakdowns),
            Middleware(BodyLimit, finetune_bytes=studio.state.settings.contract.max_body_bytes),
        ],
    )
    app.state = studio.state
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(FluxtuneError, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.router.routes.extend(guard([*endpoints.router.routes, *endpoints.samples_router.routes], CONTRACT))
    return app


def _invalid(_request: Request, error: Exception) -> Response:
    """Answer as FastAPI does, without sending back what was sent: it may be a hundred megabytes of images."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    return _fields([{key: item[key] for key in ("loc", "msg", "type")} for item in error.errors()])


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, FluxtuneError)  # noqa: S101 - registered for this class only
    if isinstance(error, InvalidInput):
        location = ["body", *(error.field or "").split(".")] if error.field else ["body"]
        return _fields([{"loc": location, "msg": as_sentence(error.detail or error.title), "type": "value_error"}])
    if error.status >= 500:
        log.warning("request failed", error=str(error), technical=error.technical)
    return detail_response(error.problem().model_copy(update={"technical": None}))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    text = str(error.detail)
    if error.status_code == 404:
        served = ", ".join(sorted(route.path for route in request.app.routes if "{" not in route.path))
        text = f"Not found: this server has no {request.url.path}. Under /v1 it serves {served}."
    elif error.status_code == 413:
        return too_large()
    return JSONResponse({"detail": text}, error.status_code, dict(error.headers) if error.headers else None)


def _fields(fields: list[dict[str, Any]]) -> Response:
    return JSONResponse({"detail": fields}, 422)
