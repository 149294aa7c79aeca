"""Make images."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import get_session
from fluxtune.generations.schemas import Generation, GenerationCreate, GenerationEstimate, GenerationRetry
from fluxtune.generations.service import GenerationService
from fluxtune.storage import Blobs, get_blobs


async def get_service(
    session: Annotated[Session, Depends(get_session, scope="function")],
    blobs: Annotated[Blobs, Depends(get_blobs)],
    settings: Annotated[Settings, Depends(get_settings)],
) -> GenerationService:
    """Return the generations of this request."""
    return GenerationService(session, blobs, settings)


Generations = Annotated[GenerationService, Depends(get_service)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such thing."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "Its state does not allow this."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
NOT_READY: Responses = {503: {"model": Problem, "description": "The engine or the base is not complete."}}

router = APIRouter(prefix="/api/generations", tags=["generations"], responses=INVALID)


@router.post("", status_code=201, responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def create_generation(create: GenerationCreate, generations: Generations) -> Generation:
    """Make images with a model or a base."""
    return generations.create_generation(generations.as_allowed(create))


@router.post("/estimate", responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def estimate_generation(create: GenerationCreate, generations: Generations) -> GenerationEstimate:
    """Say what images of a hosted model would cost; a budget that is too small is an error."""
    return generations.estimate_generation(generations.as_allowed(create))


@router.get("")
def list_generations(generations: Generations) -> list[Generation]:
    """List the newest 50 generations."""
    return generations.list_generations()


@router.get("/{generation_id}", responses=NOT_FOUND)
def get_generation(generation_id: str, generations: Generations) -> Generation:
    """Show one generation with the images finished so far."""
    return generations.get_generation(generation_id)


@router.post("/{generation_id}/cancellation", responses={**NOT_FOUND, **CONFLICT})
def cancel_generation(generation_id: str, generations: Generations) -> Generation:
    """Cancel what is not finished; finished images stay."""
    return generations.cancel_generation(generation_id)


@router.post("/{generation_id}/retry", responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def retry_generation(generation_id: str, retry: GenerationRetry, generations: Generations) -> Generation:
    """Fetch hosted images that were paid and did not come."""
    return generations.retry_generation(generation_id, retry.send_again)
