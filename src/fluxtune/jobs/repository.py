"""Every query about jobs, their events and workers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, delete, func, or_, select, text, tuple_, update
from sqlalchemy.orm import Session

from fluxtune.jobs.schemas import THINGS
from fluxtune.jobs.tables import JobEventRow, JobRow, WorkerRow
from fluxtune.sharing import service as sharing
from fluxtune.sharing.schemas import Kind

ACTIVE_STATES = ("queued", "running", "paused")
# Any number, the same for all processes on one PostgreSQL database.
_EVENT_LOCK = 7_105_208_922
_IN_TURN = (JobRow.round, JobRow.turn, JobRow.id)


class Taken(NamedTuple):
    """A job that a worker has taken."""

    job_id: str
    attempt: int
    lane: str


class Asked(NamedTuple):
    """What is asked of a job, and by which attempt it is done."""

    attempt: int
    request: str | None
    wishes: list[str]


_ASKED = select(JobRow.id, JobRow.attempt, JobRow.request, JobRow.wishes).where(
    JobRow.id.in_(bindparam("ids", expanding=True))
)


def find_asked(session: Session, ids: Collection[str]) -> dict[str, Asked]:
    """Return what is asked of each of these jobs, five times a second: three columns, not whole rows."""
    rows = session.execute(_ASKED, {"ids": list(ids)})
    return {row.id: Asked(row.attempt, row.request, row.wishes) for row in rows}


def find_job(session: Session, job_id: str, *, lock: bool = False) -> JobRow | None:
    """Return one job; locked, nobody else changes it before this transaction ends (SQLite has one writer anyway)."""
    return session.get(JobRow, job_id, with_for_update=True if lock else None)


def find_jobs(session: Session, ids: Collection[str], *, lock: bool = False) -> Sequence[JobRow]:
    """Return the jobs with these ids; locked as in `find_job`."""
    query = select(JobRow).where(JobRow.id.in_(ids)).order_by(JobRow.id)
    return session.scalars(query.with_for_update() if lock else query).all()


def list_jobs(session: Session, states: Collection[str] | None, kind: str | None, limit: int) -> Sequence[JobRow]:
    """Return jobs, newest first."""
    query = select(JobRow).order_by(JobRow.id.desc()).limit(limit)
    if states is not None:
        query = query.where(JobRow.state.in_(states))
    if kind is not None:
        query = query.where(JobRow.kind == kind)
    return session.scalars(_only_visible(query)).all()


def _only_visible(query: Select[JobRow]) -> Select[JobRow]:
    """Leave out the jobs that work on what the actor may not see."""
    for kind, job_kinds in _by_thing().items():
        condition = sharing.visible(kind, JobRow.target_id)
        if condition is None:
            return query
        query = query.where(or_(JobRow.kind.not_in(job_kinds), condition))
    return query


def _by_thing() -> dict[Kind, list[str]]:
    found: dict[Kind, list[str]] = {}
    for job_kind, kind in THINGS.items():
        found.setdefault(kind, []).append(job_kind)
    return found


def list_in_turn(session: Session) -> Sequence[JobRow]:
    """Return all running and queued jobs: the running first, then in the order they will run."""
    query = select(JobRow).where(JobRow.state.in_(("running", "queued"))).order_by(*_IN_TURN)
    return sorted(session.scalars(query), key=lambda row: row.state != "running")


def find_before(session: Session, row: JobRow) -> JobRow | None:
    """Return the job of its lane that a queued job comes right after; what runs comes before all that wait."""
    last_first = [column.desc() for column in _IN_TURN]
    mine = select(JobRow).where(JobRow.lane == row.lane).order_by(*last_first).limit(1)
    found = session.scalar(mine.where(JobRow.state == "queued", _comes_before(row)))
    return found if found is not None else session.scalar(mine.where(JobRow.state == "running"))


def count_before(session: Session, row: JobRow) -> int:
    """Return how many jobs of its lane run or wait before a queued job."""
    is_before = or_(JobRow.state == "running", and_(JobRow.state == "queued", _comes_before(row)))
    return session.scalar(select(func.count()).select_from(JobRow).where(JobRow.lane == row.lane, is_before)) or 0


def _comes_before(row: JobRow) -> ColumnElement[bool]:
    return tuple_(*_IN_TURN) < tuple_(row.round, row.turn, row.id)


def take_next(
    session: Session, worker_id: str, *, lane: str = "device", most: int = 1, except_kinds: Collection[str] = ()
) -> Sequence[JobRow]:
    """Give the jobs of a lane whose turn it is to a worker. Of two that ask at once each gets others, or none."""
    query = (
        select(JobRow)
        .where(
            JobRow.state == "queued", JobRow.worker_id.is_(None), JobRow.lane == lane, JobRow.kind.not_in(except_kinds)
        )
        .order_by(*_IN_TURN)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    rows = session.scalars(query).all()
    for row in rows:
        row.worker_id = worker_id
        row.attempt += 1
    return rows


def last_turn(session: Session) -> int:
    """Return the turn of the job that was queued last."""
    return session.scalar(select(func.max(JobRow.turn))) or 0


class Place(NamedTuple):
    """Where a new job goes: its round and turn, and how many of its lane have not ended."""

    round: int
    turn: int
    unfinished: int


_LAST_TURN = select(func.max(JobRow.turn)).scalar_subquery()
_IS_WAITING = JobRow.state == "queued"
_PLACE = select(
    func.min(case((_IS_WAITING, JobRow.round))),
    func.max(case((JobRow.state == "running", JobRow.round))),
    func.max(case((JobRow.actor_id == bindparam("actor_id"), JobRow.round))),
    func.count(),
    _LAST_TURN,
).where(JobRow.state.in_(("queued", "running")), JobRow.lane == bindparam("lane"))


def next_place(session: Session, actor_id: str, lane: str) -> Place:
    """Return where a person's next job of a lane goes.

    Start-time fair queueing (Goyal, Vin & Chen 1996) with jobs of equal weight: a job starts in the round that is on
    now, or in the one after the person's last that waits or runs. Who comes later waits for one job of everybody, not
    for all that anybody has queued.
    """
    found = session.execute(_PLACE, {"actor_id": actor_id, "lane": lane}).one()
    waiting, running, own, unfinished, turn = found
    on_now = waiting if waiting is not None else running or 0
    return Place(max(on_now, own + 1) if own is not None else on_now, (turn or 0) + 1, unfinished)


def last_round(session: Session, lane: str) -> int:
    """Return the round of the job of a lane that runs last of all."""
    query = select(func.max(JobRow.round)).where(JobRow.state.in_(("queued", "running")), JobRow.lane == lane)
    return session.scalar(query) or 0


def list_waiting(session: Session) -> set[tuple[str, str]]:
    """Return lane and kind of the jobs that wait for a worker to take them, each pair once."""
    query = select(JobRow.lane, JobRow.kind).where(JobRow.state == "queued", JobRow.worker_id.is_(None)).distinct()
    return {(lane, kind) for lane, kind in session.execute(query)}


def list_taken(session: Session, worker_id: str) -> list[Taken]:
    """Return the jobs a worker has taken and not ended."""
    query = select(JobRow.id, JobRow.attempt, JobRow.lane).where(
        JobRow.worker_id == worker_id, JobRow.state.in_(("queued", "running"))
    )
    return [Taken(*row) for row in session.execute(query)]


def list_taken_by_others(session: Session, worker_id: str) -> Sequence[JobRow]:
    """Return the jobs that other workers have taken and not ended; those somebody is changing now are left out."""
    query = (
        select(JobRow)
        .where(JobRow.worker_id.is_not(None), JobRow.worker_id != worker_id, JobRow.state.in_(("queued", "running")))
        .order_by(*_IN_TURN)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(query).all()


def is_any_taken_by_others(session: Session, worker_id: str) -> bool:
    """Return whether other workers have taken jobs and not ended them."""
    query = select(JobRow.id).where(
        JobRow.worker_id.is_not(None), JobRow.worker_id != worker_id, JobRow.state.in_(("queued", "running"))
    )
    return session.scalars(query.limit(1)).first() is not None


def list_running(session: Session) -> Sequence[JobRow]:
    """Return jobs that some worker says it runs."""
    return session.scalars(select(JobRow).where(JobRow.state == "running")).all()


def count_unfinished(session: Session, lane: str | None = None) -> int:
    """Return how many jobs wait or run, of one lane or of all."""
    query = select(func.count()).select_from(JobRow).where(JobRow.state.in_(("queued", "running")))
    if lane is not None:
        query = query.where(JobRow.lane == lane)
    return session.scalar(query) or 0


def count_by_lane(session: Session) -> dict[tuple[str, str], int]:
    """Return how many jobs wait or run, by state and lane."""
    query = (
        select(JobRow.state, JobRow.lane, func.count())
        .where(JobRow.state.in_(("queued", "running")))
        .group_by(JobRow.state, JobRow.lane)
    )
    return {(state, lane): count for state, lane, count in session.execute(query)}


def count_active_of(session: Session, actor_id: str, kind: str) -> int:
    """Return how many jobs of a kind somebody has that have not ended."""
    mine = (JobRow.actor_id == actor_id, JobRow.kind == kind, JobRow.state.in_(ACTIVE_STATES))
    return session.scalar(select(func.count()).select_from(JobRow).where(*mine)) or 0


def beat(session: Session, owner: str, at: datetime) -> None:
    """Renew the heartbeat of everything this owner runs.

    A job that is being changed at this moment has its turn next time: waiting for many rows, one after the other, could
    deadlock with those who change them.
    """
    mine = select(JobRow.id).where(JobRow.owner == owner, JobRow.state == "running").with_for_update(skip_locked=True)
    ids = session.scalars(mine).all()
    session.execute(update(JobRow).where(JobRow.id.in_(ids)).values(heartbeat_at=at))
    session.execute(update(WorkerRow).where(WorkerRow.owner == owner).values(heartbeat_at=at))


def add_job(session: Session, row: JobRow) -> None:
    """Add a job."""
    session.add(row)
    session.flush()


def add_event(session: Session, job_id: str, event_type: str, at: datetime, data: dict[str, Any]) -> JobEventRow:
    """Append an event."""
    if session.get_bind().dialect.name == "postgresql":
        # Ids are drawn before commit: without this a reader could see 8, move on, and never see a late 7.
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _EVENT_LOCK})
    row = JobEventRow(job_id=job_id, type=event_type, at=at, data=data)
    session.add(row)
    session.flush()
    return row


def list_events(
    session: Session, after: int, limit: int, job_id: str | None = None
) -> Sequence[tuple[JobEventRow, JobRow]]:
    """Return events after an id, oldest first, each with its job."""
    query = (
        select(JobEventRow, JobRow)
        .join(JobRow, JobRow.id == JobEventRow.job_id)
        .where(JobEventRow.id > after)
        .order_by(JobEventRow.id)
        .limit(limit)
    )
    if job_id is not None:
        query = query.where(JobEventRow.job_id == job_id)
    return [(event, job) for event, job in session.execute(query)]


def last_of_type(session: Session, job_ids: Collection[str], event_type: str) -> Sequence[JobEventRow]:
    """Return the last event of this type of each of these jobs that has one."""
    last = (
        select(func.max(JobEventRow.id))
        .where(JobEventRow.job_id.in_(job_ids), JobEventRow.type == event_type)
        .group_by(JobEventRow.job_id)
    )
    return session.scalars(select(JobEventRow).where(JobEventRow.id.in_(last))).all()


def prune_events(session: Session, types: Collection[str], ended_before: datetime) -> int:
    """Remove events of these types of jobs that ended long ago; return how many there were."""
    ended = select(JobRow.id).where(JobRow.finished_at < ended_before, JobRow.state.not_in(ACTIVE_STATES))
    gone = session.execute(delete(JobEventRow).where(JobEventRow.type.in_(types), JobEventRow.job_id.in_(ended)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def list_of_targets(session: Session, target_ids: Collection[str]) -> Sequence[JobRow]:
    """Return the jobs that work or worked on these things."""
    return session.scalars(select(JobRow).where(JobRow.target_id.in_(target_ids))).all()


def remove_jobs(session: Session, job_ids: Collection[str]) -> None:
    """Remove jobs and everything that happened to them."""
    session.execute(delete(JobEventRow).where(JobEventRow.job_id.in_(job_ids)))
    session.execute(delete(JobRow).where(JobRow.id.in_(job_ids)))


def newest_event_id(session: Session) -> int:
    """Return the id of the newest event, 0 if there is none."""
    return session.scalar(select(func.max(JobEventRow.id))) or 0


def list_workers(session: Session) -> Sequence[WorkerRow]:
    """Return all workers that said hello and not goodbye."""
    return session.scalars(select(WorkerRow)).all()


def replace_worker(session: Session, row: WorkerRow) -> None:
    """Write a worker's row, in place of the one its predecessor left."""
    session.execute(delete(WorkerRow).where(WorkerRow.id == row.id))
    session.add(row)
    session.flush()


def remove_worker(session: Session, owner: str) -> None:
    """Remove a worker that ended."""
    session.execute(delete(WorkerRow).where(WorkerRow.owner == owner))
