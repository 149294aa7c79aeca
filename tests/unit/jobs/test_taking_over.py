"""What a lost worker had is taken over, once, by whoever lives; whoever comes back finds that out."""

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from fluxtune.core.actor import Actor, acting, acting_as
from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.jobs import repository, service
from fluxtune.jobs.runner import JobRunner
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tables import JobRow, WorkerRow
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep
from tests.places import ON_POSTGRESQL

ELSEWHERE = "another-computer:1:1"


class Draw:
    """A task that notes who it works for."""

    kind: JobKind = "generation"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        return [("draw", self._draw)]

    def _draw(self, job: JobContext) -> StepEnd | None:
        self.seen.append(acting().id)
        job.tell("job.logged", {"message": "drawn"})
        return None

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        self.seen.append(acting().id)
        return {}


def worker(database: Database, worker_id: str, task: Draw | None = None) -> JobRunner:
    runner = JobRunner(database, [task or Draw()], lambda: False)
    runner.hello(worker_id)
    return runner


def lose(database: Database, worker_id: str, job_id: str) -> None:
    """Let a worker have lived on another computer that has not been heard of for long."""
    with database.transaction() as session:
        workers = [row for row in repository.list_workers(session) if row.id == worker_id]
        rows: list[WorkerRow | JobRow] = [*workers, find(session, job_id)]
        for row in rows:
            if row.owner is not None:
                row.owner, row.heartbeat_at = ELSEWHERE, now() - timedelta(minutes=2)


def find(session: Session, job_id: str) -> JobRow:
    row = repository.find_job(session, job_id)
    assert row is not None
    return row


def take(database: Database, worker_id: str) -> tuple[str, int]:
    with database.transaction() as session:
        (row,) = repository.take_next(session, worker_id)
        return row.id, row.attempt


def events(database: Database, job_id: str) -> list[str]:
    with database.reading() as session:
        return [event.type for event in service.list_events(session, 0, job_id=job_id)]


@pytest.fixture
def job_id(database: Database) -> str:
    with database.transaction() as session:
        return service.enqueue(session, "generation", "g", "Drawing", {}).id


def test_once_and_never_from_the_living(database: Database, job_id: str) -> None:
    gone, first, second = (worker(database, name) for name in ("gone", "first", "second"))
    gone.begin(*take(database, "gone"))
    assert (first.take_over(), second.take_over()) == (0, 0), "it lives"
    lose(database, "gone", job_id)
    assert (first.take_over(), second.take_over()) == (1, 0)
    assert take(database, "second") == (job_id, 2)
    assert second.begin(job_id, 2) == ["draw"]
    assert (first.take_over(), second.take_over()) == (0, 0)
    assert events(database, job_id) == ["job.queued", "job.started", "job.phase", "job.started"]


def test_what_was_taken_and_not_begun(database: Database, job_id: str) -> None:
    worker(database, "gone")
    take(database, "gone")
    lose(database, "gone", job_id)
    assert worker(database, "first").take_over() == 1
    assert take(database, "first") == (job_id, 2)


def test_who_comes_back_does_not_go_on(database: Database, job_id: str) -> None:
    task = Draw()
    gone, first = worker(database, "gone", task), worker(database, "first")
    gone.begin(*take(database, "gone"))
    lose(database, "gone", job_id)
    context, _ = gone._context(job_id, 1)
    assert first.take_over() == 1
    assert gone.begin(job_id, 1) == [], "put back into the queue, and nobody has it yet"

    first.begin(*take(database, "first"))
    context.request()
    assert context.is_leaving(), "what it does has no use any more"
    context.tell("job.logged", {"message": "late"})
    gone.finish(job_id, 1, {"state": "done", "data": {}, "error": None})
    assert gone.begin(job_id, 1) == []
    with database.reading() as session:
        row = find(session, job_id)
        assert (row.state, row.worker_id, row.attempt) == ("running", "first", 2)
    assert "job.logged" not in events(database, job_id)


def test_a_worker_goes_on_with_what_it_had_before(database: Database, job_id: str) -> None:
    worker(database, "one").begin(*take(database, "one"))
    lose(database, "one", job_id)
    again = worker(database, "one")
    assert worker(database, "other").take_over() == 0, "it is back"
    assert again.begin(job_id, 1) == ["draw"]


def test_jobs_are_done_in_the_name_of_whose_they_are(database: Database) -> None:
    with database.transaction() as session, acting_as(Actor("Ann", id="ann", role="creator")):
        job = service.enqueue(session, "generation", "g", "Drawing", {})
    task = Draw()
    runner = worker(database, "one", task)
    runner.begin(*take(database, "one"))
    runner.finish(job.id, 1, runner.run_step(job.id, "draw", 1))
    assert task.seen == ["ann", "ann"]
    assert acting().id == "local"


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite has one writer, so nobody waits for a row")
def test_a_start_does_not_hold_up_events_while_it_waits_for_a_job(database: Database) -> None:
    with database.transaction() as session:
        ids = [service.enqueue(session, "generation", f"g{number}", "Drawing", {}).id for number in range(2)]
        for row in repository.find_jobs(session, ids):
            row.state, row.worker_id, row.owner, row.heartbeat_at = (
                "running",
                "one",
                ELSEWHERE,
                now() - timedelta(minutes=2),
            )
    started = threading.Thread(target=worker, args=(database, "one"))
    with database.transaction() as session:
        assert repository.find_job(session, max(ids), lock=True) is not None
        started.start()
        until = time.monotonic() + 30
        while not is_anybody_waiting(database):
            assert time.monotonic() < until
            time.sleep(0.01)
        repository.add_event(session, max(ids), "job.logged", now(), {"message": "of somebody else"})
    started.join(30)
    with database.reading() as session:
        assert [find(session, job_id).state for job_id in ids] == ["queued", "queued"]


def is_anybody_waiting(database: Database) -> bool:
    """Return whether a connection waits for another one to end its transaction."""
    with database.reading() as session:
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
