"""A job's row is true at every moment: who waits, who runs, who is gone."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.jobs import repository, service
from fluxtune.jobs.errors import JobMissing, JobNotPaused, JobNotRunning, JobNotWaiting, JobOver
from fluxtune.jobs.liveness import owner_name
from fluxtune.jobs.runner import JobRunner
from fluxtune.jobs.schemas import ROOM, Job, JobLane
from fluxtune.jobs.tables import WorkerRow


def add_job(session: Session, title: str = "Finetune “Rex”") -> Job:
    return service.enqueue(session, "finetune", "f1", title, {"a": 1}, steps=10)


def run(session: Session, job: Job, **values: Any) -> None:
    row = repository.find_job(session, job.id)
    assert row is not None
    row.state, row.owner, row.heartbeat_at, row.started_at, row.phase = (
        "running", owner_name(), now(), now(), "training",
    )  # fmt: skip
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()


def add_worker(session: Session) -> None:
    repository.replace_worker(session, WorkerRow(id="local", owner=owner_name(), started_at=now(), heartbeat_at=now()))


def types(session: Session, job: Job) -> list[str]:
    return [event.type for event in service.list_events(session, 0, job_id=job.id)]


class TestEnqueue:
    def test_waits_for_the_worker_then_for_its_turn(self, session: Session) -> None:
        first = add_job(session, "Finetune “First”")
        assert (first.state, first.phase, first.steps) == ("queued", "waiting", 10)
        assert first.waiting_for == service.NO_WORKER
        add_worker(session)
        second = add_job(session)
        assert service.get_(session, first.id).waiting_for is None
        assert second.waiting_for == "Finetune “First”"
        assert types(session, first) == ["job.queued"]

    def test_counts_what_waits(self, session: Session) -> None:
        assert service.count_waiting(session) == 0
        add_job(session)
        assert service.count_waiting(session) == 1


class TestOwner:
    def test_a_living_owner_runs(self, session: Session) -> None:
        job = add_job(session)
        run(session, job)
        assert service.get_(session, job.id).state == "running"
        assert service.device_holder(session) == job.title

    @pytest.mark.parametrize(
        "values",
        [
            {"owner": None},
            {"owner": owner_name().rsplit(":", 1)[0] + ":1"},  # the number was used again
            {"owner": owner_name().split(":")[0] + ":4194303:1"},
            {"heartbeat_at": now() - timedelta(minutes=2)},
            {"heartbeat_at": None},
        ],
    )
    def test_without_one_it_is_not_shown_as_running(self, session: Session, values: dict[str, Any]) -> None:
        job = add_job(session)
        run(session, job, **values)
        shown = service.get_(session, job.id)
        assert (shown.state, shown.phase, shown.eta_s) == ("queued", "recovering", None)
        assert service.device_holder(session) is None


class TestCancel:
    def test_a_waiting_job_at_once(self, session: Session) -> None:
        job = add_job(session)
        assert service.cancel(session, job.id).state == "cancelled"
        assert types(session, job)[-1] == "job.cancelled"

    def test_a_running_job_is_asked(self, session: Session) -> None:
        job = add_job(session)
        run(session, job)
        assert service.cancel(session, job.id).state == "running"
        row = repository.find_job(session, job.id)
        assert row is not None
        assert row.request == "cancel"

    def test_an_ended_job_says_so(self, session: Session) -> None:
        job = add_job(session)
        service.cancel(session, job.id)
        with pytest.raises(JobOver):
            service.cancel(session, job.id)


class TestRequest:
    def test_pause_and_resume_while_waiting(self, session: Session) -> None:
        job = add_job(session)
        assert service.request(session, job.id, "pause").state == "paused"
        resumed = service.request(session, job.id, "resume")
        assert resumed.state == "queued"
        assert types(session, job) == ["job.queued", "job.paused", "job.queued"]

    def test_stop_needs_a_start(self, session: Session) -> None:
        job = add_job(session)
        with pytest.raises(JobNotRunning):
            service.request(session, job.id, "stop")

    def test_stop_of_a_paused_run_takes_it_up_again_to_finish(self, session: Session) -> None:
        job = add_job(session)
        run(session, job, state="paused")
        assert service.request(session, job.id, "stop").state == "queued"
        row = repository.find_job(session, job.id)
        assert row is not None
        assert (row.request, row.worker_id) == ("stop", None)

    def test_a_failed_job_can_be_resumed(self, session: Session) -> None:
        job = add_job(session)
        run(session, job, state="failed", error={"type": "", "title": "", "status": 500, "detail": "", "action": "",
                                                 "errors": [], "technical": None})  # fmt: skip
        resumed = service.request(session, job.id, "resume")
        assert (resumed.state, resumed.error) == ("queued", None)

    def test_a_running_job_can_not(self, session: Session) -> None:
        job = add_job(session)
        run(session, job)
        with pytest.raises(JobNotPaused):
            service.request(session, job.id, "resume")

    def test_cancel_is_stronger(self, session: Session) -> None:
        job = add_job(session)
        run(session, job)
        service.cancel(session, job.id)
        service.request(session, job.id, "pause")
        row = repository.find_job(session, job.id)
        assert row is not None
        assert row.request == "cancel"


def test_a_job_that_is_not_there(session: Session) -> None:
    with pytest.raises(JobMissing):
        service.get_(session, "nix")


def test_lists(session: Session) -> None:
    first, second = add_job(session), add_job(session)
    service.cancel(session, first.id)
    assert [job.id for job in service.list_(session)] == [second.id, first.id]
    assert [job.id for job in service.list_(session, active=True)] == [second.id]
    assert set(service.get_many(session, [first.id, "nix"])) == {first.id}


def test_progress_of_jobs_that_ended_long_ago_is_forgotten(database: Database) -> None:
    runner = JobRunner(database, [], lambda: False)
    with database.transaction() as session:
        old, new, running = (add_job(session) for _ in range(3))
        for job, state, ended in ((old, "succeeded", 30), (new, "succeeded", 1), (running, "running", 30)):
            run(session, job, state=state, finished_at=now() - timedelta(days=ended))
            row = repository.find_job(session, job.id)
            assert row is not None
            for kind in ("job.progressed", "job.phase", "job.checkpointed", "job.succeeded"):
                service.record(session, row, kind, {})
    runner.tidy()
    with database.reading() as session:
        assert types(session, old) == ["job.queued", "job.checkpointed", "job.succeeded"]
        assert len(types(session, new)) == len(types(session, running)) == 5


class TestLanes:
    def add(self, session: Session, title: str, lane: JobLane = "network") -> Job:
        return service.enqueue(session, "generation", title, title, {}, lane=lane)

    def test_what_needs_the_network_waits_for_nothing_on_the_device(self, session: Session) -> None:
        add_worker(session)
        run(session, add_job(session))
        first, hosted, second = self.add(session, "a", "device"), self.add(session, "b"), self.add(session, "c")
        assert first.waiting_for == "Finetune “Rex”"
        assert (hosted.waiting_for, second.waiting_for) == (None, None)
        assert service.count_waiting(session) == 2

    def test_a_full_lane_says_so(self, session: Session) -> None:
        add_worker(session)
        jobs = [self.add(session, str(number)) for number in range(ROOM["network"] + 1)]
        shown = service.get_many(session, [job.id for job in jobs])
        assert [job.id for job in jobs if shown[job.id].waiting_for] == [jobs[-1].id]
        assert shown[jobs[-1].id].waiting_for == service.EARLIER

    def test_the_device_is_held_by_what_needs_it(self, session: Session) -> None:
        run(session, self.add(session, "hosted"))
        assert service.device_holder(session) is None
        local = self.add(session, "local", "device")
        run(session, local)
        assert service.device_holder(session) == "local"

    def test_turns_are_changed_within_a_lane(self, session: Session) -> None:
        a, n, b, m = (
            self.add(session, "a", "device"), self.add(session, "n"), self.add(session, "b", "device"),
            self.add(session, "m"),
        )  # fmt: skip
        assert [job.id for job in service.move(session, b.id, a.id)] == [b.id, n.id, a.id, m.id]
        assert [job.id for job in service.move(session, n.id, None)] == [b.id, m.id, a.id, n.id]
        with pytest.raises(JobNotWaiting, match="same"):
            service.move(session, a.id, n.id)

    def test_a_check_does_not_give_way_to_what_needs_no_device(self, session: Session) -> None:
        self.add(session, "hosted")
        assert not service.is_other_waiting(session, "health")
        self.add(session, "local", "device")
        assert service.is_other_waiting(session, "health")


def test_one_job_and_all_jobs_are_told_the_same_of_what_they_wait_for(session: Session) -> None:
    add_worker(session)
    service.enqueue(session, "health", "f0", "Check", {})
    for number in range(3):
        add_job(session, f"Finetune {number}")
    for number in range(ROOM["network"] + 2):
        service.enqueue(session, "generation", f"g{number}", f"Images {number}", {}, lane="network")
    rows = repository.list_in_turn(session)
    for runs in (None, rows[1], rows[-1]):
        if runs is not None:
            runs.state = "running"
            session.flush()
        waiting = [row for row in repository.list_in_turn(session) if row.state == "queued"]
        everything = service._waits(session)
        assert {row.id: service._wait_of(session, row) for row in waiting} == {
            row.id: everything.get(row.id) for row in waiting
        }
