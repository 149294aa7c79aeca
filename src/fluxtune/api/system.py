"""What is ready on this computer, and the schemas forms are made of."""

import shutil
from typing import Annotated, Any

import psutil
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

import fluxtune
from fluxtune.api.readiness import look_around
from fluxtune.api.schemas import EngineStatus, Missing, Readiness, SystemInfo, WorkerStatus
from fluxtune.backends.local.readiness import describe_device, missing_parts
from fluxtune.config import Settings, get_settings
from fluxtune.db import get_session
from fluxtune.engine.config import Recipe
from fluxtune.generations.schemas import GenerationCreate
from fluxtune.jobs import service as jobs

router = APIRouter(prefix="/api", tags=["system"])
health_router = APIRouter(tags=["system"])

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
SettingsDep = Annotated[Settings, Depends(get_settings)]


@health_router.get("/healthz", summary="Is the server there")
def get_health() -> dict[str, str]:
    """Answer without looking at anything."""
    return {"status": "ok", "version": fluxtune.__version__}


@health_router.get("/readyz", summary="Can the server do its work", responses={503: {"model": Readiness}})
def get_readiness(request: Request, response: Response) -> Readiness:
    """Look at what every request needs: the database at its schema, and where images are kept.

    Answers with 503 where one of them is missing, for load balancers. Whether a worker lives is told besides.
    """
    readiness = look_around(request.app.state.database, request.app.state.blobs)
    response.status_code = 200 if readiness.is_ready else 503
    return readiness


@router.get("/system", summary="What is ready, and how much room there is")
def get_system(request: Request, session: SessionDep, settings: SettingsDep) -> SystemInfo:
    """Return the state of the engine, the worker, memory and disk."""
    missing = missing_parts()
    device, device_name = describe_device()
    memory = psutil.virtual_memory()
    return SystemInfo(
        version=fluxtune.__version__,
        data_dir=str(settings.data),
        engine=EngineStatus(
            is_ready=not missing,
            device=device,
            device_name=device_name,
            missing=[Missing(name=part.name, reason=part.reason, command=part.command) for part in missing],
        ),
        worker=_worker_status(request, session),
        memory_total_bytes=memory.total,
        memory_available_bytes=memory.available,
        disk_free_bytes=shutil.disk_usage(settings.data).free,
        trash_keep_days=settings.trash.keep_days,
    )


@router.get("/system/support-bundle", summary="Download a support bundle", response_class=Response)
def download_bundle(request: Request, settings: SettingsDep) -> Response:
    """Return a ZIP file with versions, settings, newest jobs, measures, alerts and logs; no secrets are in it."""
    # Loaded when it is wanted, which is rarely.
    from fluxtune.api import bundle

    content = bundle.write_bundle(settings, request.app.state.database)
    headers = {"content-disposition": f'attachment; filename="{bundle.file_name()}"'}
    return Response(content, media_type="application/zip", headers=headers)


@router.get("/schemas/recipe", summary="The recipe as a JSON Schema")
def get_recipe_schema() -> dict[str, Any]:
    """Return every setting of a finetune with its title, help, limits, level, group and unit."""
    return Recipe.model_json_schema()


@router.get("/schemas/generation", summary="A generation as a JSON Schema")
def get_generation_schema() -> dict[str, Any]:
    """Return every setting of a generation with its title, help, limits, level, group and unit."""
    return GenerationCreate.model_json_schema()


def _worker_status(request: Request, session: Session) -> WorkerStatus:
    if jobs.is_worker_alive(session):
        return WorkerStatus(state="ready", device_holder=jobs.device_holder(session))
    is_expected = bool(getattr(request.app.state, "is_worker_expected", False))
    return WorkerStatus(state="starting" if is_expected else "lost", device_holder=None)
