"""What a task tells keeps the job's row in line, and does not flood the listeners."""

import pytest

from fluxtune.db import Database
from fluxtune.jobs import repository, service
from fluxtune.jobs.schemas import Job, JobEventType
from fluxtune.jobs.tasks import JobContext


@pytest.fixture
def job(database: Database) -> JobContext:
    with database.transaction() as session:
        queued = service.enqueue(session, "finetune", "f", "Finetune", {"a": 1}, steps=100)
    return JobContext(database, job_id=queued.id, target_id="f", payload={"a": 1})


def shown(job: JobContext) -> Job:
    with job.reading() as session:
        return service.get_(session, job.job_id)


def count(job: JobContext, event_type: JobEventType) -> int:
    with job.reading() as session:
        return [event.type for event in service.list_events(session, 0)].count(event_type)


def test_progress_moves_the_row(job: JobContext) -> None:
    job.tell("job.phase", {"phase": "training", "done": 0, "total": 100})
    job.tell("job.progressed", {"step": 100, "steps": 100, "eta_s": 0.0})
    assert (shown(job).phase, shown(job).step) == ("training", 100)


def test_progress_is_thinned_out(job: JobContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxtune.jobs.tasks.PROGRESS_INTERVAL_S", 3600)
    with job.transaction() as session:
        for step in range(1, 101):
            job.emit(session, "job.progressed", {"step": step, "steps": 100, "eta_s": None})
        for done in range(51):
            job.emit(session, "job.phase", {"phase": "caching", "done": done, "total": 50})
    assert shown(job).step == 100
    # The first and the last of each.
    assert count(job, "job.progressed") == 2
    assert count(job, "job.phase") == 2


def test_logs_and_samples_are_not(job: JobContext) -> None:
    for _ in range(5):
        job.tell("job.logged", {"level": "info", "message": "x"})
    assert count(job, "job.logged") == 5


def test_requests_are_seen(job: JobContext, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxtune.jobs.asked.LOOK_EVERY_S", 0)
    assert job.request() is None
    with database.transaction() as session:
        row = repository.find_job(session, job.job_id)
        assert row is not None
        row.request = "pause"
    assert job.request() == "pause"


def test_nothing_is_told_of_a_transaction_that_fails(job: JobContext) -> None:
    def fail() -> None:
        with job.transaction() as session:
            job.emit(session, "job.logged", {"message": "x"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert count(job, "job.logged") == 0
