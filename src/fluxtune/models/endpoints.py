"""The catalogue of bases and finetuned models."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import get_session
from fluxtune.engine.estimate import describe_machine
from fluxtune.models.bases import list_entries
from fluxtune.models.schemas import BaseEntry, Model, ModelUpdate
from fluxtune.models.service import Kind, ModelService
from fluxtune.storage import Blobs, get_blobs


def get_service(
    session: Annotated[Session, Depends(get_session, scope="function")],
    blobs: Annotated[Blobs, Depends(get_blobs)],
    settings: Annotated[Settings, Depends(get_settings)],
) -> ModelService:
    """Return the catalogue of this request."""
    return ModelService(session, blobs, settings)


Models = Annotated[ModelService, Depends(get_service)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such model."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "It is a base, or in the trash."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
ADAPTER: Responses = {200: {"content": {"application/octet-stream": {}}, "description": "The adapter as safetensors."}}

router = APIRouter(prefix="/api", tags=["models"], responses=INVALID)


@router.get("/bases")
def list_bases(settings: Annotated[Settings, Depends(get_settings)]) -> list[BaseEntry]:
    """List the bases that are here, then the published ones that are not: licence, size, memory, how to get them."""
    return list_entries(settings, describe_machine(settings.data))


@router.get("/models")
def list_models(models: Models, kind: Kind | None = None, deleted: bool = False) -> list[Model]:
    """List finetuned models, newest first, and bases; with `deleted`, those in the trash."""
    return models.list_models(kind, deleted)


@router.get("/models/{model_id}", responses=NOT_FOUND)
def get_model(model_id: str, models: Models) -> Model:
    """Show one model; a base's id is its name."""
    return models.get_model(model_id)


@router.patch("/models/{model_id}", responses={**NOT_FOUND, **CONFLICT})
def update_model(model_id: str, change: ModelUpdate, models: Models) -> Model:
    """Change a model's name, notes, trigger word, or the version that is used where none is named."""
    return models.update_model(model_id, change)


@router.delete("/models/{model_id}", status_code=204, responses={**NOT_FOUND, **CONFLICT})
def delete_model(model_id: str, models: Models) -> None:
    """Put a model into the trash."""
    models.delete_model(model_id)


@router.post("/models/{model_id}/restoration", responses={**NOT_FOUND, **CONFLICT})
def restore_model(model_id: str, models: Models) -> Model:
    """Take a model out of the trash."""
    return models.restore_model(model_id)


@router.get(
    "/models/{model_id}/versions/{version_id}/file",
    responses={**NOT_FOUND, **CONFLICT, **ADAPTER},
    response_class=FileResponse,
)
def get_version_file(model_id: str, version_id: str, models: Models) -> FileResponse:
    """Download an adapter as safetensors."""
    file = models.get_version_file(model_id, version_id)
    return FileResponse(file.path, filename=file.name, media_type="application/octet-stream")
