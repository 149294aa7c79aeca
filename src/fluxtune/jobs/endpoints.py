"""Jobs and their live events."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import get_session
from fluxtune.jobs import service
from fluxtune.jobs.schemas import Job, JobMove
from fluxtune.jobs.stream import EventStream

router = APIRouter(prefix="/api", tags=["jobs"])

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
SettingsDep = Annotated[Settings, Depends(get_settings)]
LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0)]

# One event of a stream, as OpenAPI 3.2 describes server-sent events (section 4.14.4).
_ITEM = {
    "type": "object",
    "properties": {
        "data": {"type": "string"},
        "event": {"type": "string"},
        "id": {"type": "string"},
        "retry": {"type": "integer", "minimum": 0},
    },
}
STREAMED: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"itemSchema": _ITEM}}}}


@router.get("/jobs", summary="List jobs, newest first")
def list_jobs(session: SessionDep, active: bool = False, in_turn: bool = False) -> list[Job]:
    """Return jobs, newest first; `active` leaves out those that ended, `in_turn` lists what runs and waits, in turn."""
    return service.list_in_turn(session) if in_turn else service.list_(session, active=active)


@router.get("/jobs/{job_id}", summary="Show a job", responses={404: {"model": Problem}})
def get_job(session: SessionDep, job_id: str) -> Job:
    """Return one job."""
    return service.get_(session, job_id)


@router.post(
    "/jobs/{job_id}/move",
    summary="Change a waiting job's turn",
    responses={404: {"model": Problem}, 409: {"model": Problem}},
)
def move_job(session: SessionDep, job_id: str, wanted: JobMove) -> list[Job]:
    """Let a waiting job run before another one, or last; return what runs and waits, in turn."""
    return service.move(session, job_id, wanted.before)


@router.get("/events", summary="Follow all jobs", response_class=EventStream, responses=STREAMED)
def stream_events(request: Request, settings: SettingsDep, last_event_id: LastEventId = None) -> EventStream:
    """Stream what happens to jobs from now on, or everything after `Last-Event-ID`."""
    return EventStream(request.app.state.event_tail, settings.server.stream_seconds, last_event_id)


@router.get(
    "/jobs/{job_id}/events", summary="Follow one job from its beginning", response_class=EventStream, responses=STREAMED
)
def stream_job_events(
    request: Request, settings: SettingsDep, job_id: str, last_event_id: LastEventId = None
) -> EventStream:
    """Stream everything that happened to a job, then what happens."""
    return EventStream(request.app.state.event_tail, settings.server.stream_seconds, last_event_id or 0, job_id)
