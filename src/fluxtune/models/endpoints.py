"""The catalogue of bases and finetuned models."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import Database, get_database, get_session
from fluxtune.engine.estimate import describe_machine
from fluxtune.engine.lora_files.convert import Target
from fluxtune.models.bases import list_entries
from fluxtune.models.catalogue import Catalogue, Filter, Order
from fluxtune.models.exporting import ExportService, remove_export, write_export
from fluxtune.models.schemas import BaseEntry, Card, DeploymentPlan, Model, ModelPage, ModelUpdate
from fluxtune.models.service import Kind, ModelService
from fluxtune.storage import Blobs, get_blobs


async def get_service(
    session: Annotated[Session, Depends(get_session, scope="function")],
    blobs: Annotated[Blobs, Depends(get_blobs)],
    settings: Annotated[Settings, Depends(get_settings)],
) -> ModelService:
    """Return the catalogue of this request."""
    return ModelService(session, blobs, settings)


DatabaseDep = Annotated[Database, Depends(get_database)]
BlobsDep = Annotated[Blobs, Depends(get_blobs)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
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


@router.get("/models/page")
def page_models(
    database: DatabaseDep,
    blobs: BlobsDep,
    settings: SettingsDep,
    query: Annotated[str, Query(max_length=200, description="Words of name, trigger word, tags or notes.")] = "",
    base: Annotated[str | None, Query(max_length=64)] = None,
    mode: Annotated[str | None, Query(max_length=16)] = None,
    tag: Annotated[str | None, Query(max_length=40)] = None,
    order: Order = "newest",
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 60,
) -> ModelPage:
    """Show a window of the finetuned models a filter finds, and what one can filter by."""
    with database.reading() as session:
        wanted = Filter(query, base, mode, tag)
        return Catalogue(session, blobs, settings).page(wanted, order, offset, limit)


@router.get("/models/{model_id}", responses=NOT_FOUND)
def get_model(model_id: str, models: Models) -> Model:
    """Show one model; a base's id is its name."""
    return models.get_model(model_id)


@router.patch("/models/{model_id}", responses={**NOT_FOUND, **CONFLICT})
def update_model(model_id: str, change: ModelUpdate, models: Models) -> Model:
    """Change what people say of a model: name, notes, trigger word, tags, prompts, strengths, rights; its version."""
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


@router.get(
    "/models/{model_id}/versions/{version_id}/export",
    responses={**NOT_FOUND, **CONFLICT, **ADAPTER},
    response_class=FileResponse,
)
def export_version(
    model_id: str, version_id: str, layout: Target, database: DatabaseDep, blobs: BlobsDep, settings: SettingsDep
) -> FileResponse:
    """Download an adapter in the layout other programs read: diffusers, kohya (ComfyUI) or BFL's own."""
    with database.reading() as session:
        model, stored = ExportService(session, blobs, settings).find(model_id, version_id)
    file = write_export(settings, model, stored, layout)
    return FileResponse(
        file.path,
        filename=file.name,
        media_type="application/octet-stream",
        background=BackgroundTask(remove_export, file),
    )


@router.get("/models/{model_id}/versions/{version_id}/card", responses={**NOT_FOUND, **CONFLICT})
def get_card(
    model_id: str,
    version_id: str,
    database: DatabaseDep,
    blobs: BlobsDep,
    settings: SettingsDep,
    layout: Annotated[Target | None, Query(description="Absent: the file as it is kept.")] = None,
    filename: Annotated[str, Query(max_length=200, description="Empty: the name it is downloaded with.")] = "",
) -> Card:
    """Return a model card to put beside the file."""
    with database.reading() as session:
        return ExportService(session, blobs, settings).card(model_id, version_id, layout, filename)


@router.get("/models/{model_id}/deployment", responses={**NOT_FOUND, **CONFLICT})
def plan_deployment(
    model_id: str,
    database: DatabaseDep,
    blobs: BlobsDep,
    settings: SettingsDep,
    finetune_id: Annotated[str, Query(max_length=80, description="Empty: the model's name.")] = "",
) -> DeploymentPlan:
    """Check whether BFL's service takes a model, and say how to bring it there."""
    with database.reading() as session:
        return ExportService(session, blobs, settings).deployment(model_id, finetune_id)
