"""Plan, start, steer and watch finetunes."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import FileResponse
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import Database, get_database, get_session
from fluxtune.finetunes.keeping import keep_checkpoint
from fluxtune.finetunes.probing import ProbeService
from fluxtune.finetunes.schemas import (
    Checkpoint,
    Finetune,
    FinetuneCreate,
    FinetuneExtension,
    FinetunePlan,
    FinetuneRestart,
    ImageLoss,
    LogLine,
    LossPoint,
    Probe,
    SampleSheet,
    ValidationPoint,
)
from fluxtune.finetunes.service import FinetuneService
from fluxtune.models.schemas import Model
from fluxtune.storage import Blobs, get_blobs

BlobsDep = Annotated[Blobs, Depends(get_blobs)]
SettingsDep = Annotated[Settings, Depends(get_settings)]


async def get_service(
    session: Annotated[Session, Depends(get_session, scope="function")], blobs: BlobsDep, settings: SettingsDep
) -> FinetuneService:
    """Return the finetunes of this request."""
    return FinetuneService(session, blobs, settings)


Finetunes = Annotated[FinetuneService, Depends(get_service)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such thing."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "Its state does not allow this."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
NOT_READY: Responses = {503: {"model": Problem, "description": "The engine or the base is not complete."}}
YAML_TYPE = "application/yaml"
YAML: Responses = {200: {"content": {YAML_TYPE: {}}, "description": "The recipe document."}}
ADAPTER: Responses = {200: {"content": {"application/octet-stream": {}}, "description": "The adapter as safetensors."}}

router = APIRouter(prefix="/api/finetunes", tags=["finetunes"], responses=INVALID)


@router.post("/plans", responses=NOT_FOUND)
def plan_finetune(
    create: FinetuneCreate, database: Annotated[Database, Depends(get_database)], blobs: BlobsDep, settings: SettingsDep
) -> FinetunePlan:
    """Say what a finetune would do and cost, without starting it."""
    with database.reading() as session:  # asked at every keystroke of a form: must never wait for a writer
        finetunes = FinetuneService(session, blobs, settings)
        return finetunes.plan(finetunes.as_allowed(create))


@router.post("/probes", status_code=202, responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def create_probe(create: FinetuneCreate, finetunes: Finetunes) -> Probe:
    """Measure a few real steps of a finetune on this machine, without starting it."""
    return finetunes.create_probe(finetunes.as_allowed(create))


@router.get("/probes/{probe_id}", responses=NOT_FOUND)
def get_probe(probe_id: str, session: Annotated[Session, Depends(get_session, scope="function")]) -> Probe:
    """Show how far a probe is and what it measured."""
    return ProbeService(session).get_probe(probe_id)


@router.post("", status_code=201, responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def create_finetune(create: FinetuneCreate, finetunes: Finetunes) -> Finetune:
    """Freeze the dataset and start a finetune."""
    return finetunes.create_finetune(finetunes.as_allowed(create))


@router.get("")
def list_finetunes(finetunes: Finetunes, deleted: bool = False) -> list[Finetune]:
    """List finetunes, newest first; with `deleted`, those in the trash."""
    return finetunes.list_finetunes(deleted)


@router.get("/{finetune_id}", responses=NOT_FOUND)
def get_finetune(finetune_id: str, finetunes: Finetunes) -> Finetune:
    """Show one finetune and how far it is."""
    return finetunes.get_finetune(finetune_id)


@router.post("/{finetune_id}/stop", responses={**NOT_FOUND, **CONFLICT})
def stop_finetune(finetune_id: str, finetunes: Finetunes) -> Finetune:
    """Stop the run and keep what was learnt as a model."""
    return finetunes.stop_finetune(finetune_id)


@router.post("/{finetune_id}/cancellation", responses={**NOT_FOUND, **CONFLICT})
def cancel_finetune(finetune_id: str, finetunes: Finetunes) -> Finetune:
    """Cancel the run; no model is made."""
    return finetunes.cancel_finetune(finetune_id)


@router.post("/{finetune_id}/pause", responses={**NOT_FOUND, **CONFLICT})
def pause_finetune(finetune_id: str, finetunes: Finetunes) -> Finetune:
    """Save the run and wait with its model loaded; something else that needs the device takes it."""
    return finetunes.pause_finetune(finetune_id)


@router.post("/{finetune_id}/resumption", responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def resume_finetune(finetune_id: str, finetunes: Finetunes) -> Finetune:
    """Go on with a paused or failed run from its last checkpoint."""
    return finetunes.resume_finetune(finetune_id)


@router.post("/{finetune_id}/sample", responses={**NOT_FOUND, **CONFLICT})
def sample_finetune(finetune_id: str, finetunes: Finetunes) -> Finetune:
    """Draw the samples of a running finetune now."""
    return finetunes.sample_finetune(finetune_id)


@router.post("/{finetune_id}/save", responses={**NOT_FOUND, **CONFLICT})
def save_finetune(finetune_id: str, finetunes: Finetunes) -> Finetune:
    """Save a checkpoint of a running finetune now."""
    return finetunes.save_finetune(finetune_id)


@router.post("/{finetune_id}/extend", responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def extend_finetune(finetune_id: str, extension: FinetuneExtension, finetunes: Finetunes) -> Finetune:
    """Let a finished run go on for more steps; its model gets a new version.

    The learning rate goes on as if the run had been that long from the start: a schedule other than `constant` is
    stretched to the new length, so that the rate jumps where it goes on.
    """
    return finetunes.extend_finetune(finetune_id, extension.steps)


@router.post("/{finetune_id}/restart", status_code=201, responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def restart_finetune(finetune_id: str, restart: FinetuneRestart, finetunes: Finetunes) -> Finetune:
    """Start a new finetune that goes on from a checkpoint of this one, with changed settings."""
    return finetunes.restart_finetune(finetune_id, restart)


@router.delete("/{finetune_id}", status_code=204, responses={**NOT_FOUND, **CONFLICT})
def delete_finetune(finetune_id: str, finetunes: Finetunes) -> None:
    """Put a finetune that has ended into the trash."""
    finetunes.delete_finetune(finetune_id)


@router.post("/{finetune_id}/restoration", responses=NOT_FOUND)
def restore_finetune(finetune_id: str, finetunes: Finetunes) -> Finetune:
    """Take a finetune out of the trash."""
    return finetunes.restore_finetune(finetune_id)


@router.get("/{finetune_id}/loss", responses=NOT_FOUND)
def list_loss(finetune_id: str, finetunes: Finetunes) -> list[LossPoint]:
    """List the measured steps, at most a thousand."""
    return finetunes.list_loss(finetune_id)


@router.get("/{finetune_id}/validation", responses=NOT_FOUND)
def list_validation(finetune_id: str, finetunes: Finetunes) -> list[ValidationPoint]:
    """List the validation losses: fixed images, noise and noise levels, comparable between steps."""
    return finetunes.list_validation(finetune_id)


@router.get("/{finetune_id}/image-losses", responses=NOT_FOUND)
def list_image_losses(finetune_id: str, finetunes: Finetunes) -> list[ImageLoss]:
    """List how hard each training image is, the hardest first."""
    return finetunes.list_image_losses(finetune_id)


@router.get("/{finetune_id}/recipe", responses={**NOT_FOUND, **YAML}, response_class=Response)
def get_recipe(finetune_id: str, finetunes: Finetunes) -> Response:
    """Download the complete recipe document: enough to make the same finetune again."""
    return Response(finetunes.get_recipe(finetune_id), media_type=YAML_TYPE)


@router.get("/{finetune_id}/samples", responses=NOT_FOUND)
def get_samples(finetune_id: str, finetunes: Finetunes) -> SampleSheet:
    """Show the sample sheet as far as it has grown."""
    return finetunes.get_samples(finetune_id)


@router.get("/{finetune_id}/checkpoints", responses=NOT_FOUND)
def list_checkpoints(finetune_id: str, finetunes: Finetunes) -> list[Checkpoint]:
    """List the checkpoints that are still there, newest first."""
    return finetunes.list_checkpoints(finetune_id)


@router.get("/{finetune_id}/checkpoints/{step}/file", responses={**NOT_FOUND, **ADAPTER}, response_class=FileResponse)
def get_checkpoint_file(finetune_id: str, step: int, finetunes: Finetunes) -> FileResponse:
    """Download the adapter of a checkpoint."""
    path, name = finetunes.get_checkpoint_file(finetune_id, step)
    return FileResponse(path, filename=name, media_type="application/octet-stream")


@router.post("/{finetune_id}/checkpoints/{step}/version", responses={**NOT_FOUND, **CONFLICT})
def keep_finetune_checkpoint(
    finetune_id: str,
    step: int,
    database: Annotated[Database, Depends(get_database)],
    blobs: BlobsDep,
    settings: SettingsDep,
) -> Model:
    """Make a checkpoint a version of the model its run made; the version trained furthest stays the usual one."""
    return keep_checkpoint(database, blobs, settings, finetune_id, step)


@router.get("/{finetune_id}/log", responses=NOT_FOUND)
def list_log(finetune_id: str, finetunes: Finetunes) -> list[LogLine]:
    """List the last lines of the run's log."""
    return finetunes.list_log(finetune_id)
