"""All routes of the API."""

import importlib
from importlib.util import find_spec

from fastapi import APIRouter, Request

from fluxtune.api import session, system
from fluxtune.core.errors import NotFound
from fluxtune.jobs import endpoints as jobs

_DOMAINS = ("images", "datasets", "models", "finetunes", "generations")


def api_router() -> APIRouter:
    """Return everything under `/api`."""
    router = APIRouter(prefix="/api")
    for part in (session.router, system.router, jobs.router):
        router.include_router(part)
    for domain in _DOMAINS:
        name = f"fluxtune.{domain}.endpoints"
        if find_spec(name) is not None:
            router.include_router(importlib.import_module(name).router)
    return router


fallback_router = APIRouter(include_in_schema=False)


@fallback_router.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def unknown_address(request: Request, path: str) -> None:
    """Answer unknown addresses of the API as such; without this a browser would get the user interface."""
    raise NotFound(f"There is nothing at {request.url.path}.")
