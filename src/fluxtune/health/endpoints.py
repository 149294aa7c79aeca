"""Health reports of finetunes, and two finetunes compared."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.db import get_session
from fluxtune.finetunes.endpoints import CONFLICT, INVALID, NOT_FOUND, NOT_READY
from fluxtune.health.schemas import Comparison, Health
from fluxtune.health.service import HealthService
from fluxtune.jobs.schemas import Job
from fluxtune.storage import Blobs, get_blobs

router = APIRouter(prefix="/api/finetunes", tags=["health"], responses=INVALID)


async def get_service(
    session: Annotated[Session, Depends(get_session, scope="function")],
    blobs: Annotated[Blobs, Depends(get_blobs)],
    settings: Annotated[Settings, Depends(get_settings)],
) -> HealthService:
    """Return the health reports of this request."""
    return HealthService(session, blobs, settings)


HealthDep = Annotated[HealthService, Depends(get_service)]


@router.get("/compare", responses=NOT_FOUND)
def compare_finetunes(a: str, b: str, health: HealthDep) -> Comparison:
    """Show two finetunes side by side: what differs between them, and what came of it."""
    return health.compare(a, b)


@router.get("/{finetune_id}/health", responses=NOT_FOUND)
def get_health(finetune_id: str, health: HealthDep) -> Health:
    """Show how well a finetune turned out, as far as it was measured."""
    return health.get_health(finetune_id)


@router.post("/{finetune_id}/health", status_code=202, responses={**NOT_FOUND, **CONFLICT, **NOT_READY})
def start_check(finetune_id: str, health: HealthDep) -> Job:
    """Measure a finished finetune; what is measured already is not measured again."""
    return health.start_check(finetune_id)


@router.post("/{finetune_id}/health/cancellation", responses={**NOT_FOUND, **CONFLICT})
def cancel_check(finetune_id: str, health: HealthDep) -> Job:
    """Cancel the check that waits or runs; a report that is there already stays."""
    return health.cancel_check(finetune_id)
