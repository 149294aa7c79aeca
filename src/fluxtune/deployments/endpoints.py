"""Models come from files, and go to BFL: import, link, look up, compare."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Query, UploadFile
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import Database, get_database, get_session
from fluxtune.deployments.importing import import_with_preview
from fluxtune.deployments.parity import ParityService
from fluxtune.deployments.schemas import (
    DeployedName,
    DeploymentLink,
    HostedFinetunes,
    HostedImport,
    ImportedModel,
    Parity,
    ParityCreate,
    ParityEstimate,
)
from fluxtune.deployments.service import Deployments
from fluxtune.generations.schemas import Generation
from fluxtune.models.importing import Wish
from fluxtune.models.schemas import Model
from fluxtune.storage import Blobs, get_blobs


async def get_service(
    database: Annotated[Database, Depends(get_database)],
    blobs: Annotated[Blobs, Depends(get_blobs)],
    settings: Annotated[Settings, Depends(get_settings)],
) -> Deployments:
    """Return the models at BFL."""
    return Deployments(database, blobs, settings)


def get_parity_service(
    session: Annotated[Session, Depends(get_session, scope="function")],
    blobs: Annotated[Blobs, Depends(get_blobs)],
    settings: Annotated[Settings, Depends(get_settings)],
) -> ParityService:
    """Return the parity checks of this request."""
    return ParityService(session, blobs, settings)


DeploymentsDep = Annotated[Deployments, Depends(get_service)]
ParityDep = Annotated[ParityService, Depends(get_parity_service)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such thing."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "Its state or the budget does not allow this."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
NOT_READY: Responses = {503: {"model": Problem, "description": "There is no key, BFL can't be reached, or the engine."}}
TOO_LARGE: Responses = {413: {"model": Problem, "description": "The file is larger than the studio accepts."}}

router = APIRouter(prefix="/api", tags=["deployments"], responses=INVALID)


@router.post("/models/imports", status_code=201, responses=TOO_LARGE)
def import_lora(
    file: Annotated[UploadFile, File(description="A LoRA of a FLUX model as safetensors, in any layout.")],
    deployments: DeploymentsDep,
    name: Annotated[str, Form(max_length=120, description="Empty: what the file says.")] = "",
    base: Annotated[str, Form(max_length=64, description="Empty: the base its shapes and metadata tell.")] = "",
    trigger_word: Annotated[str, Form(max_length=60, description="Empty: what the file says.")] = "",
    preview: Annotated[bool, Form(description="Draw an image with it, where its base is here.")] = True,
) -> ImportedModel:
    """Add a model from a LoRA file: diffusers, PEFT, kohya, BFL (ComfyUI, ai-toolkit), XLabs or OneTrainer."""
    wish = Wish(name, base, trigger_word)
    return import_with_preview(deployments, file.filename or "file", file.file, wish, preview)


@router.get("/deployments")
def list_deployed_models(deployments: DeploymentsDep) -> list[DeployedName]:
    """List the models that have a name at BFL, the newest link first; at most 500. Asks nobody."""
    return deployments.list_deployed()


@router.get("/deployments/at-bfl", responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def list_finetunes_at_bfl(
    deployments: DeploymentsDep,
    key_name: Annotated[str | None, Query(max_length=60, description="Whose; empty: of the first key.")] = None,
) -> HostedFinetunes:
    """Ask BFL which finetunes an account has; free of charge."""
    return deployments.list_at_bfl(key_name)


@router.post("/deployments", status_code=201, responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def add_hosted_model(wish: HostedImport, deployments: DeploymentsDep) -> Model:
    """Add a model that lives at BFL only, by its name there. BFL is asked about it, free of charge."""
    return deployments.add(wish)


@router.put("/models/{model_id}/deployment", responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def link_deployment(model_id: str, wish: DeploymentLink, deployments: DeploymentsDep) -> Model:
    """Say what a model is called at BFL, so that it can be drawn there. Asks nobody."""
    return deployments.link(model_id, wish)


@router.delete("/models/{model_id}/deployment", status_code=204, responses={**NOT_FOUND, **CONFLICT})
def unlink_deployment(model_id: str, deployments: DeploymentsDep) -> None:
    """Forget what a model is called at BFL; there nothing changes."""
    deployments.unlink(model_id)


@router.post("/models/{model_id}/deployment/lookup", responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def look_up_deployment(model_id: str, deployments: DeploymentsDep) -> Model:
    """Ask BFL whether it knows the model; free of charge."""
    return deployments.look_up(model_id)


@router.post("/models/{model_id}/deployment/probe", status_code=201, responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def probe_deployment(model_id: str, deployments: DeploymentsDep) -> Generation:
    """Draw one small image at BFL, which costs what the endpoint's image costs; then look the model up."""
    return deployments.probe(model_id)


@router.post("/models/{model_id}/parity/estimate", responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def estimate_parity(model_id: str, wish: ParityCreate, parity: ParityDep) -> ParityEstimate:
    """Say what drawing the same here and at BFL would cost; a budget that is too small is an error."""
    return parity.estimate(model_id, wish)


@router.post("/models/{model_id}/parity", status_code=201, responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def start_parity(model_id: str, wish: ParityCreate, parity: ParityDep) -> Parity:
    """Draw the same prompts and seeds here and at BFL."""
    return parity.start(model_id, wish)


@router.get("/models/{model_id}/parity", responses=NOT_FOUND)
def list_parities(model_id: str, parity: ParityDep) -> list[Parity]:
    """List the newest 20 parity checks of a model."""
    return parity.list_parities(model_id)


@router.get("/models/{model_id}/parity/{parity_id}", responses=NOT_FOUND)
def get_parity(model_id: str, parity_id: str, parity: ParityDep) -> Parity:
    """Show one parity check."""
    return parity.get_parity(model_id, parity_id)


@router.post("/models/{model_id}/parity/{parity_id}/cancellation", responses={**NOT_FOUND, **CONFLICT})
def cancel_parity(model_id: str, parity_id: str, parity: ParityDep) -> Parity:
    """End what is not drawn yet; what was paid still comes."""
    return parity.cancel(model_id, parity_id)
