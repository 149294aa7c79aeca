"""Enqueue, watch and steer jobs. Everything here happens in the caller's transaction."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from sqlalchemy.orm import Session

from fluxtune.core.actor import acting
from fluxtune.core.clock import now
from fluxtune.core.errors import Problem
from fluxtune.core.ids import new_id
from fluxtune.db import announce
from fluxtune.jobs import repository
from fluxtune.jobs.audiences import OTHERS, hidden_jobs, thing_of
from fluxtune.jobs.errors import JobMissing, JobNotPaused, JobNotRunning, JobNotWaiting, JobOver
from fluxtune.jobs.liveness import is_alive
from fluxtune.jobs.schemas import BACKGROUND_KINDS, ROOM, Job, JobEvent, JobEventType, JobKind, JobLane, PauseReason
from fluxtune.jobs.tables import JobRow
from fluxtune.sharing import service as sharing
from fluxtune.sharing.schemas import Access

JobRequest = Literal["cancel", "stop", "pause"]
Wish = Literal["sample", "save"]
NO_WORKER = "the worker, which is starting"
QUIET = "a quiet moment"
EARLIER = "earlier work over the network"
_FEW = 3


def enqueue(
    session: Session,
    kind: JobKind,
    target_id: str,
    title: str,
    payload: dict[str, Any],
    *,
    steps: int = 0,
    lane: JobLane = "device",
) -> Job:
    """Add a job of whoever is acting. A worker sees it as soon as the caller's transaction is committed, not before.

    `payload` must be plain JSON. `title` is what the user sees ("Finetune “Rex”"). What needs only the network waits
    for nothing that needs the device.
    """
    at, actor_id = now(), acting().id
    place = repository.next_place(session, actor_id, lane)
    row = JobRow(
        id=new_id(),
        kind=kind,
        title=title,
        target_id=target_id,
        payload=payload,
        lane=lane,
        state="queued",
        phase="waiting",
        steps=steps,
        actor_id=actor_id,
        round=place.round,
        turn=place.turn,
        created_at=at,
        queued_at=at,
    )
    repository.add_job(session, row)
    record(session, row, "job.queued", {})
    announce(session, lane)
    if lane == "network" and place.unfinished < ROOM[lane]:
        # However many workers there are, it is among those that have room: no need to look at all that wait.
        return _to_schema(row, None if is_worker_alive(session) else NO_WORKER)
    return _show(session, [row])[0]


def get_(session: Session, job_id: str) -> Job:
    """Return one job."""
    return _show(session, [_find(session, job_id)])[0]


def check(session: Session, job_id: str, access: Access) -> None:
    """Raise `NotFound` unless the actor may see a job, `NotYours` unless they may steer it where that is asked for."""
    row = _find(session, job_id)
    sharing.check(session, thing_of(row)[0], row.target_id, access)


def get_many(session: Session, ids: Collection[str]) -> dict[str, Job]:
    """Return jobs by id; ids that don't exist are left out."""
    return {job.id: job for job in _show(session, list(repository.find_jobs(session, ids)))}


def list_(session: Session, *, active: bool = False, kind: JobKind | None = None, limit: int = 200) -> list[Job]:
    """Return jobs, newest first; `active` leaves out those that ended."""
    states = repository.ACTIVE_STATES if active else None
    return _show(session, list(repository.list_jobs(session, states, kind, limit)))


def list_in_turn(session: Session) -> list[Job]:
    """Return what runs, then what waits in the order it will run; what the actor may not see is left out."""
    rows = list(repository.list_in_turn(session))
    hidden = hidden_jobs(session, rows)
    return _show(session, [row for row in rows if row.id not in hidden])


def move(session: Session, job_id: str, before: str | None) -> list[Job]:
    """Let a waiting job run before another one of its lane that waits, or last; return all jobs in turn.

    Jobs that the actor may not steer keep their turns: people can't move theirs before those of others.
    """
    if before is not None:
        check(session, before, "change")
    row = _find(session, job_id, lock=True)
    waiting = [each for each in repository.list_in_turn(session) if each.state == "queued" and each.lane == row.lane]
    fixed = hidden_jobs(session, waiting, "change")
    waiting = [each for each in waiting if each.id not in fixed]
    for each in (row, *([_find(session, before, lock=True)] if before is not None else [])):
        if each.lane != row.lane:
            raise JobNotWaiting(f"“{each.title}” and “{row.title}” don't wait for the same.")
        if each not in waiting:
            raise JobNotWaiting(f"“{each.title}” is {each.state}.")
    turns = sorted((each.round, each.turn) for each in waiting)
    if before != job_id:
        waiting.remove(row)
        places = [each.id for each in waiting]
        waiting.insert(places.index(before) if before is not None else len(waiting), row)
    for (round_, turn), each in zip(turns, waiting, strict=True):
        each.round, each.turn = round_, turn
    session.flush()
    return list_in_turn(session)


def go_last(session: Session, job_id: str) -> None:
    """Let everything that waits run before this job, which is about to wait again."""
    row = _find(session, job_id, lock=True)
    row.round, row.turn = repository.last_round(session, row.lane), repository.last_turn(session) + 1
    session.flush()


def is_other_waiting(session: Session, kind: JobKind) -> bool:
    """Return whether a job of another kind waits for the device."""
    rows = repository.list_in_turn(session)
    return any(row.state == "queued" and row.kind != kind and row.lane == "device" for row in rows)


def wish(session: Session, job_id: str, what: Wish) -> Job:
    """Ask a running job for something that does not end it; asking twice before it is done is asking once."""
    row = _find(session, job_id, lock=True)
    shown = _show(session, [row])[0]
    if shown.state != "running":
        raise JobNotRunning(f"“{row.title}” is {shown.state}.", action="Wait until it runs.")
    if row.request is not None:
        raise JobNotRunning(f"“{row.title}” is about to {row.request}.", action="Wait until it runs again.")
    if what not in row.wishes:
        row.wishes = [*row.wishes, what]
    session.flush()
    return shown


def extend(session: Session, job_id: str, payload: dict[str, Any], steps: int) -> Job:
    """Queue a job that has ended once more, to go on to so many steps."""
    row = _find(session, job_id, lock=True)
    if row.state in repository.ACTIVE_STATES:
        raise JobNotRunning(f"“{row.title}” is {row.state}.", action="Wait for its end.")
    row.payload, row.steps = {**row.payload, **payload}, steps
    _queue_again(session, row, None)
    session.flush()
    return _show(session, [row])[0]


def count_waiting(session: Session) -> int:
    """Return how many jobs a new one that needs the device would wait behind."""
    return repository.count_unfinished(session, "device")


def count_active_of(session: Session, actor_id: str, kind: JobKind) -> int:
    """Return how many jobs of a kind somebody has that wait, run or are paused."""
    return repository.count_active_of(session, actor_id, kind)


def device_holder(session: Session) -> str | None:
    """Return the title of the job that holds the device, if one does."""
    for row in repository.list_running(session):
        if row.lane == "device" and is_alive(row.owner, row.heartbeat_at):
            return OTHERS if hidden_jobs(session, [row]) else row.title
    return None


def count_by_lane(session: Session) -> dict[tuple[str, str], int]:
    """Return how many jobs are queued or running, by state and lane."""
    return repository.count_by_lane(session)


def count_workers(session: Session) -> int:
    """Return how many workers live."""
    return sum(is_alive(worker.owner, worker.heartbeat_at) for worker in repository.list_workers(session))


def is_worker_alive(session: Session) -> bool:
    """Return whether any worker lives."""
    return any(is_alive(worker.owner, worker.heartbeat_at) for worker in repository.list_workers(session))


def cancel(session: Session, job_id: str) -> Job:
    """Cancel a job: at once if it waits or is paused, else as soon as its task obeys."""
    row = _find(session, job_id, lock=True)
    if row.state not in repository.ACTIVE_STATES:
        raise JobOver(f"“{row.title}” is {row.state}.")
    # A run that waits to be taken up again may have a trainer at work; a check that gave way has no process any more.
    has_process = row.started_at is not None and row.kind != "health"
    if row.state == "paused" or (row.state == "queued" and not has_process):
        row.state, row.phase, row.finished_at, row.request = "cancelled", "", now(), None
        record(session, row, "job.cancelled", {})
    else:
        row.request = "cancel"
    session.flush()
    return _show(session, [row])[0]


def request(session: Session, job_id: str, what: Literal["stop", "pause", "resume"]) -> Job:
    """Ask a job to stop and keep what it has, to pause, or to go on."""
    row = _find(session, job_id, lock=True)
    if what == "resume":
        _resume(session, row)
    elif row.state not in repository.ACTIVE_STATES:
        raise JobOver(f"“{row.title}” is {row.state}.")
    elif what == "pause" and row.state == "queued" and row.started_at is None:
        _pause_queued(session, row)
    elif what == "stop" and row.state == "paused":
        _queue_again(session, row, "stop")
    elif row.state == "paused":
        raise JobNotRunning(f"“{row.title}” is paused already.", action="Resume it to go on.")
    elif row.started_at is None:
        raise JobNotRunning(f"“{row.title}” has not started yet.", action="Cancel it instead.")
    elif row.request != "cancel":
        row.request = what
    session.flush()
    return _show(session, [row])[0]


def _resume(session: Session, row: JobRow) -> None:
    if row.state not in ("paused", "failed"):
        raise JobNotPaused(f"“{row.title}” is {row.state}.")
    _queue_again(session, row, None)


def _pause_queued(session: Session, row: JobRow) -> None:
    row.state, row.phase = "paused", ""
    record(session, row, "job.paused", {"reason": "user"})


def _queue_again(session: Session, row: JobRow, wanted: JobRequest | None) -> None:
    row.state, row.phase, row.request, row.error = "queued", "waiting", wanted, None
    row.queued_at, row.worker_id, row.finished_at, row.owner = now(), None, None, None
    place = repository.next_place(session, row.actor_id, row.lane)
    row.round, row.turn, row.wishes = place.round, place.turn, []
    record(session, row, "job.queued", {})
    announce(session, row.lane)


def is_at_work_on(session: Session, target_id: str) -> bool:
    """Return whether any job on a thing waits, runs or is paused."""
    return any(row.state in repository.ACTIVE_STATES for row in repository.list_of_targets(session, [target_id]))


def forget(session: Session, target_ids: Collection[str]) -> None:
    """Remove the jobs on things that were removed for good."""
    repository.remove_jobs(session, [row.id for row in repository.list_of_targets(session, target_ids)])


def list_events(session: Session, after: int, *, job_id: str | None = None, limit: int = 500) -> list[JobEvent]:
    """Return events after an id, oldest first."""
    return [
        JobEvent.model_validate(
            {
                "id": event.id,
                "job_id": job.id,
                "kind": job.kind,
                "target_id": job.target_id,
                "type": event.type,
                "at": event.at,
                "data": event.data,
            }
        )
        for event, job in repository.list_events(session, after, limit, job_id)
    ]


def why_paused(session: Session, jobs: Collection[Job]) -> dict[str, PauseReason]:
    """Return, for each of these jobs that is paused, why, by its id."""
    paused = [job.id for job in jobs if job.state == "paused"]
    if not paused:
        return {}
    return {event.job_id: event.data["reason"] for event in repository.last_of_type(session, paused, "job.paused")}


def newest_event_id(session: Session) -> int:
    """Return the id of the newest event, 0 if there is none."""
    return repository.newest_event_id(session)


def record(session: Session, row: JobRow, event_type: JobEventType, data: dict[str, Any]) -> None:
    """Append an event to a job's story."""
    repository.add_event(session, row.id, event_type, now(), data)


def _find(session: Session, job_id: str, *, lock: bool = False) -> JobRow:
    row = repository.find_job(session, job_id, lock=lock)
    if row is None:
        raise JobMissing(f"There is no job “{job_id[:64]}”.")
    return row


def _show(session: Session, rows: list[JobRow]) -> list[Job]:
    queued = [row for row in rows if row.state == "queued"]
    # One by one where there are few: a thousand jobs that wait are not read for each that is added to them.
    waits = {row.id: _wait_of(session, row) for row in queued} if len(queued) <= _FEW else _waits(session)
    return [_to_schema(row, waits.get(row.id)) for row in rows]


def _wait_of(session: Session, row: JobRow) -> str | None:
    """Return what a queued job has to wait for, if for anything."""
    workers = count_workers(session)
    if not workers:
        return NO_WORKER
    if row.lane == "network":
        return EARLIER if repository.count_before(session, row) >= workers * ROOM["network"] else None
    before = repository.find_before(session, row)
    if before is None:
        return QUIET if row.kind in BACKGROUND_KINDS else None
    return OTHERS if hidden_jobs(session, [before]) else before.title


def _waits(session: Session) -> Mapping[str, str | None]:
    """Return, for every queued job that has to wait, what for."""
    rows = repository.list_in_turn(session)
    workers = count_workers(session)
    if not workers:
        return {row.id: NO_WORKER for row in rows}
    hidden = hidden_jobs(session, rows)
    waits: dict[str, str | None] = {}
    before: str | None = None
    for row in (row for row in rows if row.lane == "device"):
        if row.state == "queued" and before is not None:
            waits[row.id] = before
        elif row.state == "queued" and row.kind in BACKGROUND_KINDS:
            waits[row.id] = QUIET
        before = OTHERS if row.id in hidden else row.title
    network = [row.id for row in rows if row.lane == "network"]
    return waits | dict.fromkeys(network[workers * ROOM["network"] :], EARLIER)


def _to_schema(row: JobRow, waiting_for: str | None) -> Job:
    state, phase = row.state, row.phase
    if state == "running" and not is_alive(row.owner, row.heartbeat_at):
        # Its worker is gone. It is queued until the next one takes it up, whatever the row still says.
        state, phase = "queued", "recovering"
    return Job.model_validate(
        {
            "id": row.id,
            "kind": row.kind,
            "title": row.title,
            "target_id": row.target_id,
            "lane": row.lane,
            "state": state,
            "phase": phase,
            "step": row.step,
            "steps": row.steps,
            "eta_s": row.eta_s if state == "running" else None,
            "waiting_for": waiting_for if state == "queued" else None,
            "error": Problem.model_validate(row.error) if row.error else None,
            "created_at": row.created_at,
            "started_at": row.started_at,
            "finished_at": row.finished_at,
            "heartbeat_at": row.heartbeat_at,
        }
    )
