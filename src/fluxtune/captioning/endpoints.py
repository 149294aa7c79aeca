"""Captions of a dataset: changes to many at once, their history, what they say, and captioners that write them."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from fluxtune.captioning import prompts
from fluxtune.captioning.schemas import (
    CaptionCounts,
    CaptionEndpoint,
    CaptionEndpointCreate,
    Captioner,
    CaptionJobCreate,
    CaptionPrompt,
    CaptionPromptUpdate,
    CaptionRun,
    CaptionSelection,
)
from fluxtune.captioning.servers import EndpointService
from fluxtune.captioning.service import CaptioningService
from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.datasets.base_facts import find_base_facts
from fluxtune.datasets.caption_history.schemas import (
    CaptionFrequencies,
    CaptionPreview,
    CaptionStep,
    CaptionStepCreate,
    CaptionSteps,
    CaptionVersion,
    StepChoice,
    StepRestored,
)
from fluxtune.datasets.caption_history.service import CaptionService
from fluxtune.datasets.endpoints import CONFLICT, INVALID, NOT_FOUND, Responses
from fluxtune.db import get_session
from fluxtune.engine.config import Mode
from fluxtune.jobs.schemas import Job
from fluxtune.storage import Blobs, get_blobs

NOT_READY: Responses = {503: {"model": Problem, "description": "The engine or a model is missing."}}

router = APIRouter(prefix="/api", tags=["captions"], responses=INVALID)

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
BlobsDep = Annotated[Blobs, Depends(get_blobs)]
SettingsDep = Annotated[Settings, Depends(get_settings)]


async def get_captions(session: SessionDep, blobs: BlobsDep) -> CaptionService:
    """Return the captions of this request."""
    return CaptionService(session, blobs)


Captions = Annotated[CaptionService, Depends(get_captions)]


@router.post("/datasets/{dataset_id}/captions/preview", responses=NOT_FOUND)
def preview_caption_step(dataset_id: str, create: CaptionStepCreate, captions: Captions) -> CaptionPreview:
    """Show what a change to many captions would do, without doing it."""
    return captions.preview(dataset_id, create)


@router.post("/datasets/{dataset_id}/captions/steps", responses={**NOT_FOUND, **CONFLICT})
def apply_caption_step(dataset_id: str, create: CaptionStepCreate, captions: Captions) -> CaptionStep:
    """Change many captions at once; it can be undone."""
    return captions.apply(dataset_id, create)


@router.get("/datasets/{dataset_id}/captions/steps", responses=NOT_FOUND)
def list_caption_steps(dataset_id: str, captions: Captions) -> CaptionSteps:
    """List the changes to many captions, newest first."""
    return captions.list_steps(dataset_id)


@router.post("/datasets/{dataset_id}/captions/undo", responses={**NOT_FOUND, **CONFLICT})
def undo_caption_step(dataset_id: str, choice: StepChoice, captions: Captions) -> StepRestored:
    """Take the last change to many captions back; captions changed since stay as they are."""
    return captions.undo(dataset_id, choice)


@router.post("/datasets/{dataset_id}/captions/redo", responses={**NOT_FOUND, **CONFLICT})
def redo_caption_step(dataset_id: str, choice: StepChoice, captions: Captions) -> StepRestored:
    """Do the change again that was undone last."""
    return captions.redo(dataset_id, choice)


@router.get("/datasets/{dataset_id}/captions/frequencies", responses=NOT_FOUND)
def list_caption_frequencies(
    dataset_id: str, captions: Captions, settings: SettingsDep, base: str | None = None
) -> CaptionFrequencies:
    """Count in how many captions each tag and each word is; lengths in tokens of `base`, else as estimated."""
    facts = find_base_facts(settings, base)
    return captions.list_frequencies(dataset_id, facts.folder if facts else None)


@router.get("/datasets/{dataset_id}/images/{dataset_image_id}/captions", responses=NOT_FOUND)
def list_caption_versions(dataset_id: str, dataset_image_id: str, captions: Captions) -> list[CaptionVersion]:
    """List what the caption of an image was, newest first, and who wrote it."""
    return captions.list_versions(dataset_id, dataset_image_id)


def get_captioning(session: SessionDep, blobs: BlobsDep, settings: SettingsDep) -> CaptioningService:
    """Return the captioners of this request."""
    return CaptioningService(session, blobs, settings)


def get_endpoints(session: SessionDep, settings: SettingsDep) -> EndpointService:
    """Return the caption servers of this request."""
    return EndpointService(session, settings)


Captioning = Annotated[CaptioningService, Depends(get_captioning)]
Endpoints = Annotated[EndpointService, Depends(get_endpoints)]


@router.post("/datasets/{dataset_id}/captions/counts", responses=NOT_FOUND)
def count_captions(dataset_id: str, selection: CaptionSelection, captioning: Captioning) -> CaptionCounts:
    """Count who wrote the captions of some images."""
    return captioning.count(dataset_id, selection)


@router.post("/datasets/{dataset_id}/captions/jobs", status_code=202, responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def start_captions(dataset_id: str, create: CaptionJobCreate, captioning: Captioning) -> CaptionRun:
    """Let a captioner write captions; a typed one is only overwritten with the scope `all`."""
    return captioning.start(dataset_id, create)


@router.get("/datasets/{dataset_id}/captions/jobs", responses=NOT_FOUND)
def list_caption_runs(dataset_id: str, captioning: Captioning) -> list[CaptionRun]:
    """List the captioner at work on a dataset and those that were, newest first."""
    return captioning.list_runs(dataset_id)


@router.post("/datasets/{dataset_id}/captions/jobs/cancellation", responses={**NOT_FOUND, **CONFLICT})
def cancel_captions(dataset_id: str, captioning: Captioning) -> Job:
    """Cancel the captioner at work; what it wrote stays, and can be undone."""
    return captioning.cancel(dataset_id)


@router.get("/captioners")
def list_captioners(captioning: Captioning) -> list[Captioner]:
    """List what can write captions."""
    return captioning.list_captioners()


@router.get("/captioners/endpoints")
def list_caption_endpoints(endpoints: Endpoints) -> list[CaptionEndpoint]:
    """List the OpenAI-compatible servers that may be asked for captions."""
    return endpoints.list_endpoints()


@router.post("/captioners/endpoints", status_code=201, responses=CONFLICT)
def add_caption_endpoint(create: CaptionEndpointCreate, endpoints: Endpoints) -> CaptionEndpoint:
    """Add a server that describes images; its key is kept encrypted."""
    return endpoints.add_endpoint(create)


@router.delete("/captioners/endpoints/{name}", status_code=204, responses=NOT_FOUND)
def remove_caption_endpoint(name: str, endpoints: Endpoints) -> None:
    """Forget a server and its key."""
    endpoints.remove_endpoint(name)


@router.get("/captioners/prompts")
def list_caption_prompts(session: SessionDep) -> list[CaptionPrompt]:
    """List what captioners are asked for each mode."""
    return prompts.list_prompts(session)


@router.put("/captioners/prompts/{mode}")
def set_caption_prompt(mode: Mode, update: CaptionPromptUpdate, session: SessionDep) -> CaptionPrompt:
    """Ask captioners something else for a mode; an empty text brings the usual back."""
    return prompts.set_prompt(session, mode, update.text)
