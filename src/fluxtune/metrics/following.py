"""Counts jobs by what happened to them: every event once, whichever process looks, also after a crash."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import Job, JobEvent
from fluxtune.metrics import repository
from fluxtune.metrics.meter import Key

BATCH = 500
_AT_SERVER = "at:"
"""Before the id of a model that another server of one's own draws with."""
_FIRST_START_S = 1.0


class Seen(NamedTuple):
    """One value of a measure, and when it was so."""

    at: datetime
    key: Key
    value: float


def follow(session: Session) -> tuple[list[Seen], bool]:
    """Return what the next events say, and whether there may be more; what was read is read in this transaction.

    Call only while holding `repository.lock`.
    """
    cursor = repository.lock(session)
    events = jobs.list_events(session, cursor.event_id, limit=BATCH)
    if not events:
        return [], False
    told_of = jobs.get_many(session, {event.job_id for event in events})
    seen = [one for event in events if (job := told_of.get(event.job_id)) for one in _read(event, job)]
    cursor.event_id = events[-1].id
    return seen, len(events) == BATCH


def _read(event: JobEvent, job: Job) -> list[Seen]:
    """Return what one event says."""
    if event.type == "job.started":
        # One that goes on after a pause or a restart has started before; what it waited then is no wait in the queue.
        is_first = job.started_at is None or abs((event.at - job.started_at).total_seconds()) < _FIRST_START_S
        waited = max((event.at - job.created_at).total_seconds(), 0.0)
        return [Seen(event.at, ("job_wait_seconds", event.kind), waited)] if is_first else []
    if event.type in ("job.succeeded", "job.failed", "job.cancelled"):
        outcome = event.type.partition(".")[2]
        ended = Seen(event.at, ("jobs_ended", f"{event.kind} {outcome}"), 1.0)
        return [ended, Seen(event.at, ("job_errors", cause(event)), 1.0)] if outcome == "failed" else [ended]
    if event.type == "job.image_finished":
        return [Seen(event.at, ("images_made", _maker(event, job)), 1.0)]
    pace = event.data.get("seconds_per_step")
    if event.type == "job.progressed" and isinstance(pace, int | float):
        return [Seen(event.at, ("step_seconds", ""), float(pace))]
    return []


def cause(event: JobEvent) -> str:
    """Return the name of the error that ended a failed job, as the last part of its problem type."""
    error = event.data.get("error") or {}
    return str(error.get("type", "")).rpartition("/")[2][:64] or "unknown"


def _maker(event: JobEvent, job: Job) -> str:
    facts = (event.data.get("result") or {}).get("facts") or {}
    if job.lane == "device":
        return "local"
    return "server" if str(facts.get("model_id", "")).startswith(_AT_SERVER) else "bfl"
