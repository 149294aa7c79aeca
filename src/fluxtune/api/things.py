"""Whose things the routes are about: who may not see one finds nothing there, who may only see it can't change it.

What a role allows in general is decided before, by `permissions`. This looks at the one thing a path names.
"""

import asyncio
from collections.abc import Iterable, Mapping

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fluxtune.core.actor import acting
from fluxtune.db import Database
from fluxtune.images.gallery import GalleryService
from fluxtune.images.service import ImageService
from fluxtune.jobs import service as jobs
from fluxtune.sharing import service as sharing
from fluxtune.sharing.schemas import Access, Kind
from fluxtune.storage import Blobs

THINGS: Mapping[str, Kind] = {
    "dataset_id": "dataset",
    "finetune_id": "finetune",
    "probe_id": "finetune",
    "model_id": "model",
    "generation_id": "generation",
}
"""What the parameters of paths name."""
OTHERS = frozenset({"job_id", "image_id"})
"""Parameters that name what follows something else: a job what it works on, an image what it lies in."""
NOT_SHARED = frozenset(
    {
        "name",
        "size",
        "mode",
        "step",
        "snapshot",
        "dataset_image_id",
        "version_id",
        "parity_id",
        "template_id",
        "kind",
        "thing_id",
    }
)
"""Parameters that name a part of a thing named before them, what is everyone's, or what the route looks at itself."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOOKS = frozenset(
    {
        "POST /api/datasets/{dataset_id}/grid/records",
        "POST /api/datasets/{dataset_id}/crops",
        "POST /api/datasets/{dataset_id}/copies",
        "POST /api/datasets/{dataset_id}/captions/preview",
        "POST /api/datasets/{dataset_id}/captions/counts",
        "POST /api/finetunes/{finetune_id}/restart",
        "POST /api/models/{model_id}/parity/estimate",
    }
)
"""What is asked with a body and changes nothing of the thing itself: who may see it may ask."""


def access_of(method: str, path: str) -> Access:
    """Return what a route does with the thing it names."""
    return "see" if method in _SAFE or f"{method} {path}" in LOOKS else "change"


class ThingGuard:
    """Stands before one route that names a thing."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request if `acting()` may do with the thing what the route does."""
        if not acting().is_administrator:
            access = access_of(scope["method"], self.path)
            await asyncio.to_thread(self._check, scope["app"].state, scope["path_params"], access)
        await self.app(scope, receive, send)

    def _check(self, state: object, named: Mapping[str, str], access: Access) -> None:
        database: Database = state.database  # type: ignore[attr-defined]
        blobs: Blobs = state.blobs  # type: ignore[attr-defined]
        with database.reading() as session:
            for parameter, kind in THINGS.items():
                if parameter in named:
                    sharing.check(session, kind, str(named[parameter]), access)
            if "job_id" in named:
                jobs.check(session, str(named["job_id"]), access)
            if "image_id" in named and self.path.startswith("/api/gallery/"):
                GalleryService(session).check(str(named["image_id"]), access)
            elif "image_id" in named:
                ImageService(session, blobs).check_visible(str(named["image_id"]))


def protect(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """Put a guard before each route that names a thing, and return all routes; doing it twice changes nothing."""
    found = list(routes)
    for route in found:
        names = set(getattr(route, "param_convertors", ()))
        if isinstance(route, Route) and names & (THINGS.keys() | OTHERS) and not _is_protected(route.app):
            route.app = ThingGuard(route.app, route.path)
    return found


def _is_protected(app: ASGIApp) -> bool:
    return isinstance(app, ThingGuard) or isinstance(getattr(app, "app", None), ThingGuard)
