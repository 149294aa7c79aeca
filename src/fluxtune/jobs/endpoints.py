"""Jobs and their live events."""

import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import get_session
from fluxtune.jobs import service
from fluxtune.jobs.schemas import Job, JobEvent, JobMove
from fluxtune.jobs.stream import EventTail, may_hear

router = APIRouter(prefix="/api", tags=["jobs"])

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
SettingsDep = Annotated[Settings, Depends(get_settings)]
LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0)]

# How long to wait for an event before looking whether the listener is still there.
_PATIENCE_S = 2.0


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


@router.get("/events", summary="Follow all jobs", response_class=EventSourceResponse)
async def stream_events(
    request: Request, settings: SettingsDep, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """Stream what happens to jobs from now on, or everything after `Last-Event-ID`."""
    async for event in _stream(request, settings, last_event_id, None):
        yield event


@router.get("/jobs/{job_id}/events", summary="Follow one job from its beginning", response_class=EventSourceResponse)
async def stream_job_events(
    request: Request, settings: SettingsDep, job_id: str, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """Stream everything that happened to a job, then what happens."""
    async for event in _stream(request, settings, last_event_id or 0, job_id):
        yield event


async def _stream(
    request: Request, settings: Settings, after: int | None, job_id: str | None
) -> AsyncIterator[ServerSentEvent]:
    tail: EventTail = request.app.state.event_tail
    until = time.monotonic() + settings.server.stream_seconds
    async with tail.subscribe() as subscription:
        yield ServerSentEvent(comment="connected", retry=1000)
        # Subscribed first, then read: what happens in between arrives twice and is dropped once.
        newest_id = await tail.newest_id()
        # More than the newest was seen on another database, before the data folder was replaced.
        last_id = newest_id if after is None or after > newest_id else after
        while batch := await tail.read(last_id, job_id):
            for heard in batch:
                last_id = heard.event.id
                if may_hear(heard, subscription.actor):
                    yield _frame(heard.event)
        while time.monotonic() < until and not subscription.is_over:
            event_or_none = await subscription.next(_PATIENCE_S)
            if event_or_none is None:
                if await request.is_disconnected():
                    return
                continue
            if event_or_none.id > last_id and job_id in (None, event_or_none.job_id):
                last_id = event_or_none.id
                yield _frame(event_or_none)


def _frame(event: JobEvent) -> ServerSentEvent:
    return ServerSentEvent(data=event, event=event.type, id=str(event.id))
