"""Captions of a dataset: changes to many at once, their history, what they say."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

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
from fluxtune.datasets.endpoints import CONFLICT, INVALID, NOT_FOUND
from fluxtune.db import get_session
from fluxtune.storage import Blobs, get_blobs

router = APIRouter(prefix="/api", tags=["captions"], responses=INVALID)

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
BlobsDep = Annotated[Blobs, Depends(get_blobs)]


def get_captions(session: SessionDep, blobs: BlobsDep) -> CaptionService:
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
def list_caption_frequencies(dataset_id: str, captions: Captions) -> CaptionFrequencies:
    """Count in how many captions each tag and each word is."""
    return captions.list_frequencies(dataset_id)


@router.get("/datasets/{dataset_id}/images/{dataset_image_id}/captions", responses=NOT_FOUND)
def list_caption_versions(dataset_id: str, dataset_image_id: str, captions: Captions) -> list[CaptionVersion]:
    """List what the caption of an image was, newest first, and who wrote it."""
    return captions.list_versions(dataset_id, dataset_image_id)
