"""Storage: what takes room, and cleaning."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import get_session
from fluxtune.jobs.schemas import Job
from fluxtune.storage import Blobs, get_blobs
from fluxtune.upkeep import service
from fluxtune.upkeep.room import RoomMeter
from fluxtune.upkeep.schemas import CleaningStart, Room

Responses = dict[int | str, dict[str, Any]]

INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "Something is being cleaned already."}}


def get_meter(
    request: Request, settings: Annotated[Settings, Depends(get_settings)], blobs: Annotated[Blobs, Depends(get_blobs)]
) -> RoomMeter:
    """Return the studio's meter, which remembers what it found for a minute."""
    state = request.app.state
    if not hasattr(state, "room_meter"):
        state.room_meter = RoomMeter(settings, blobs)
    meter: RoomMeter = state.room_meter
    return meter


Meter = Annotated[RoomMeter, Depends(get_meter)]
SessionDep = Annotated[Session, Depends(get_session, scope="function")]

router = APIRouter(prefix="/api/storage", tags=["storage"], responses=INVALID)


@router.get("", summary="What takes room")
def get_storage(session: SessionDep, meter: Meter, fresh: bool = False) -> Room:
    """Return what takes room by kind, the largest things, and what could be cleaned; `fresh` measures anew."""
    if fresh:
        meter.forget()
    return meter.measure(session)


@router.post("/cleanings", status_code=202, responses=CONFLICT, summary="Clean up")
def start_cleaning(wanted: CleaningStart, session: SessionDep, meter: Meter) -> Job:
    """Begin to remove something for good; there is no undo."""
    meter.forget()
    return service.start(session, wanted.what)
