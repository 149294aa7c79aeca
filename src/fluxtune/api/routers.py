"""All routes of the API."""

from fastapi import APIRouter, Request

from fluxtune.api import session, system
from fluxtune.core.errors import NotFound
from fluxtune.datasets import endpoints as datasets
from fluxtune.finetunes import endpoints as finetunes
from fluxtune.generations import endpoints as generations
from fluxtune.health import endpoints as health
from fluxtune.images import endpoints as images
from fluxtune.jobs import endpoints as jobs
from fluxtune.models import endpoints as models
from fluxtune.recipes import endpoints as recipes

# Health first: its fixed addresses would otherwise be taken for a finetune's id.
_PARTS = (session, system, jobs, images, datasets, models, recipes, health, finetunes, generations)


def api_router() -> APIRouter:
    """Return everything under `/api`."""
    router = APIRouter(prefix="/api")
    for part in _PARTS:
        router.include_router(part.router)
    return router


fallback_router = APIRouter(include_in_schema=False)


@fallback_router.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def unknown_address(request: Request, path: str) -> None:
    """Answer unknown addresses of the API as such; without this a browser would get the user interface."""
    raise NotFound(f"There is nothing at {request.url.path}.")
