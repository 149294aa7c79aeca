"""The queue runs jobs once, in order, over the death of workers in the middle of any step."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI

from fluxtune.db import Database
from fluxtune.jobs import repository, service
from fluxtune.jobs.runner import JobRunner
from fluxtune.jobs.schemas import Job, JobKind, JobLane

PROGRAM = Path(__file__).with_name("queue_program.py")


@pytest.fixture
def work(app: FastAPI, database: Database) -> Callable[..., "subprocess.Popen[bytes]"]:
    """Start a process that runs the queue on the data folder until nothing is left to do."""

    def start(*worker_id: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, str(PROGRAM), str(app.state.settings.data), *worker_id])

    return start


def add(database: Database, behaviour: str, kind: JobKind = "generation", lane: JobLane = "device") -> str:
    with database.transaction() as session:
        return service.enqueue(session, kind, behaviour, behaviour, {"behaviour": behaviour}, lane=lane).id


def job(database: Database, job_id: str) -> Job:
    with database.reading() as session:
        return service.get_(session, job_id)


def story(database: Database, job_id: str) -> list[str]:
    with database.reading() as session:
        return [str(e.data.get("message", e.type)) for e in service.list_events(session, 0, job_id=job_id)]


def wait_for_event(database: Database, job_id: str, what: str) -> None:
    until = time.monotonic() + 60
    while what not in story(database, job_id):
        assert time.monotonic() < until, story(database, job_id)
        time.sleep(0.02)


def test_jobs_end_as_their_tasks_say(database: Database, work: Callable[..., "subprocess.Popen[bytes]"]) -> None:
    names = ["succeed", "fail", "break", "pause", "cancel", "break at the end"]
    ids = {name: add(database, name) for name in names}
    assert work().wait(90) == 0
    states = {name: job(database, job_id).state for name, job_id in ids.items()}
    assert states == {
        "succeed": "succeeded", "fail": "failed", "break": "failed", "pause": "paused", "cancel": "cancelled",
        "break at the end": "failed",
    }  # fmt: skip
    assert story(database, ids["succeed"]) == ["job.queued", "job.started", "one", "two", "job.succeeded"]
    failed = job(database, ids["fail"]).error
    broken = job(database, ids["break"]).error
    assert failed is not None
    assert broken is not None
    assert failed.title == "Out of memory"
    assert "ZeroDivisionError" in (broken.technical or "")
    with database.reading() as session:
        rows = [repository.find_job(session, job_id) for job_id in ids.values()]
        starts = [row.started_at for row in rows if row is not None and row.started_at is not None]
    assert starts == sorted(starts)
    assert len(starts) == len(names)


def test_a_killed_worker_loses_nothing(database: Database, work: Callable[..., "subprocess.Popen[bytes]"]) -> None:
    slow, after = add(database, "slow"), add(database, "succeed")
    worker = work()
    wait_for_event(database, slow, "two")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    shown = job(database, slow)
    assert (shown.state, shown.phase) == ("queued", "recovering")
    assert work().wait(90) == 0
    assert job(database, slow).state == "succeeded"
    # Step one is not repeated; the one that was interrupted is; the end comes once.
    steps = [item for item in story(database, slow) if item in ("one", "two", "job.succeeded")]
    assert steps == ["one", "two", "two", "job.succeeded"]
    assert job(database, after).state == "succeeded"


def test_what_needs_only_the_network_runs_beside_the_device(
    database: Database, work: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    slow, after = add(database, "slow"), add(database, "succeed")
    hosted = [add(database, "succeed", lane="network") for _ in range(3)]
    worker = work()
    for job_id in hosted:
        wait_for_event(database, job_id, "job.succeeded")
    assert job(database, slow).state == "running"
    assert job(database, after).state == "queued"
    # Several that are interrupted at once go on at once, and each once.
    slow_too = [add(database, "slow", lane="network") for _ in range(2)]
    for job_id in slow_too:
        wait_for_event(database, job_id, "two")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert work().wait(90) == 0
    # What keeps records of its own is done again from its beginning, and ends once like everything else.
    for job_id, again in ((slow, []), *((each, ["one"]) for each in slow_too)):
        steps = [item for item in story(database, job_id) if item in ("one", "two", "job.succeeded")]
        assert steps in (["one", "two", "job.succeeded"], ["one", "two", *again, "two", "job.succeeded"])
    assert job(database, after).state == "succeeded"


def test_a_worker_that_leaves_hands_back(database: Database, work: Callable[..., "subprocess.Popen[bytes]"]) -> None:
    slow = add(database, "slow")
    worker = work()
    wait_for_event(database, slow, "two")
    worker.terminate()
    assert worker.wait(60) == 0
    assert job(database, slow).state == "queued"
    assert work().wait(90) == 0
    assert job(database, slow).state == "succeeded"


def test_a_lost_queue_file_loses_no_job(
    app: FastAPI, database: Database, work: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    slow = add(database, "slow")
    worker = work()
    wait_for_event(database, slow, "two")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    for file in app.state.settings.data.glob("jobs.sqlite*"):
        file.unlink()
    assert work().wait(90) == 0
    assert job(database, slow).state == "succeeded"


def test_what_nobody_waits_for_is_held_back_for_what_the_user_does_next(
    app: FastAPI, database: Database, work: Callable[..., "subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUXTUNE_WORKER__QUIET_SECONDS", "3")
    first = add(database, "until told")
    process = work()
    wait_for_event(database, first, "two")
    check = add(database, "check", "health")
    assert job(database, check).waiting_for == "until told"
    second = add(database, "second")
    (app.state.settings.data / "told").touch()
    assert process.wait(90) == 0
    started, ended = job(database, check).started_at, job(database, second).finished_at
    assert started is not None
    assert ended is not None
    assert (started - ended).total_seconds() > 2


def test_what_is_held_back_says_so(database: Database) -> None:
    JobRunner(database, [], lambda: False).hello("local")
    check = add(database, "check", "health")
    assert job(database, check).waiting_for == service.QUIET


def test_of_two_workers_that_ask_at_once_each_gets_another_job(database: Database) -> None:
    ids = [add(database, f"job {number}") for number in range(60)]
    start = threading.Barrier(3)
    taken: list[tuple[str, int]] = []

    def take(worker_id: str) -> None:
        start.wait()
        while True:
            with database.transaction() as session:
                rows = repository.take_next(session, worker_id, most=2)
                if not rows:
                    return
                taken.extend((row.id, row.attempt) for row in rows)

    workers = [threading.Thread(target=take, args=(f"worker {number}",)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sorted(taken) == sorted((job_id, 1) for job_id in ids)


def test_two_workers_at_work_on_one_queue_run_every_job_once(
    database: Database, work: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    ids = [add(database, "short") for _ in range(4)]
    workers = [work("one"), work("two")]
    assert [worker.wait(90) for worker in workers] == [0, 0]
    for job_id in ids:
        assert story(database, job_id) == ["job.queued", "job.started", "one", "two", "job.succeeded"]
