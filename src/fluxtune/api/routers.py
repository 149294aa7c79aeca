"""All routes of the API."""

from fastapi import APIRouter, FastAPI, Request

from fluxtune.accounts import endpoints as accounts
from fluxtune.adjustments import endpoints as adjustments
from fluxtune.alerts import endpoints as alerts
from fluxtune.api import session, sharing, system
from fluxtune.api.permissions import guard
from fluxtune.api.things import protect
from fluxtune.audit import endpoints as audit
from fluxtune.backups import endpoints as backups
from fluxtune.captioning import endpoints as captioning
from fluxtune.core.errors import NotFound
from fluxtune.datasets import endpoints as datasets
from fluxtune.deployments import endpoints as deployments
from fluxtune.finetunes import endpoints as finetunes
from fluxtune.flags import endpoints as flags
from fluxtune.generations import endpoints as generations
from fluxtune.health import endpoints as health
from fluxtune.hosted import endpoints as hosted
from fluxtune.images import endpoints as images
from fluxtune.jobs import endpoints as jobs
from fluxtune.logs import endpoints as logs
from fluxtune.metrics import endpoints as metrics
from fluxtune.models import endpoints as models
from fluxtune.recipes import endpoints as recipes
from fluxtune.servers import endpoints as servers
from fluxtune.snapshots import endpoints as snapshots
from fluxtune.upkeep import endpoints as upkeep

# Health first: its fixed addresses would otherwise be taken for a finetune's id.
_PARTS = (
    session,
    accounts,
    sharing,
    system,
    jobs,
    images,
    datasets,
    models,
    recipes,
    health,
    finetunes,
    generations,
    hosted,
    deployments,
    snapshots,
    captioning,
    servers,
    backups,
    upkeep,
    metrics,
    logs,
    alerts,
    adjustments,
    flags,
    audit,
)


def add_routes(app: FastAPI) -> None:
    """Add all routes of the API to an app, each behind its guard.

    They are taken as they are: `include_router` would analyse each of them anew, a tenth of the studio's start.
    """
    for part in _PARTS:
        app.router.routes.extend(guard(protect(part.router.routes)))
    app.router.routes.extend(guard(hosted.hooks_router.routes))
    app.router.routes.extend(guard(system.health_router.routes))
    app.router.routes.extend(guard(metrics.scrape_router.routes))
    app.include_router(fallback_router)


fallback_router = APIRouter(include_in_schema=False)


@fallback_router.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def unknown_address(request: Request, path: str) -> None:
    """Answer unknown addresses of the API as such; without this a browser would get the user interface."""
    raise NotFound(f"There is nothing at {request.url.path}.")
