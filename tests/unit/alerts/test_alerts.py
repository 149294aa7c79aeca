"""What needs somebody is noticed once, told once, and over when it is over."""

import shutil
import socketserver
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from fluxtune.alerts import service
from fluxtune.alerts.schemas import Alert
from fluxtune.alerts.telling import EVENT, AlertTeller, webhook_shape
from fluxtune.alerts.watching import Down, Watch, WorkerWatch
from fluxtune.backups import service as backups
from fluxtune.backups.tables import BackupRow
from fluxtune.backups.vault import BackupFolderUnusable
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import EngineCrashed, OutOfMemory
from fluxtune.core.ids import new_id
from fluxtune.db import Database
from fluxtune.hosted.schemas import Budget
from fluxtune.hosted.service import HostedService
from fluxtune.hosted.tables import LedgerRow
from fluxtune.jobs import repository as job_rows
from fluxtune.jobs import service as jobs
from fluxtune.storage import Blobs
from fluxtune.webhooks.service import newest_deliveries


class Clock:
    def __init__(self) -> None:
        self.at = now()

    def __call__(self) -> datetime:
        return self.at

    def ticks(self) -> float:
        return self.at.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(settings: Settings, database: Database, clock: Clock) -> Watch:
    watch = Watch(settings, database, clock=clock, ticks=clock.ticks)
    watch.look_around()  # from here on
    return watch


def alerts(database: Database, *, is_open: bool = True) -> list[Alert]:
    with database.reading() as session:
        return service.list_(session, is_open=is_open)


def fail_job(database: Database, error: Exception) -> None:
    with database.transaction() as session:
        job = jobs.enqueue(session, "finetune", "f", "Finetune “Rex”", {})
        row = job_rows.find_job(session, job.id)
        assert row is not None
        row.state = "failed"
        jobs.record(session, row, "job.failed", {"error": error.as_record()})  # type: ignore[attr-defined]


def test_failed_jobs_are_told_once_per_cause(database: Database, watch: Watch, clock: Clock) -> None:
    for _ in range(3):
        fail_job(database, OutOfMemory("It did not fit."))
    watch.look_around()
    watch.look_around()
    fail_job(database, EngineCrashed("It was killed."))
    watch.look_around()
    found = {each.target: each for each in alerts(database)}
    assert {name: each.count for name, each in found.items()} == {"out-of-memory": 3, "engine-crashed": 1}
    assert "Finetune “Rex”" in found["out-of-memory"].detail
    clock.at += timedelta(hours=2)
    watch.look_around()
    assert alerts(database) == []
    fail_job(database, OutOfMemory("Again."))
    watch.look_around()
    assert [each.count for each in alerts(database)] == [1]


def test_what_failed_before_anybody_watched_is_no_news(database: Database, settings: Settings) -> None:
    fail_job(database, OutOfMemory("Long ago."))
    Watch(settings, database).look_around()
    Watch(settings, database).look_around()
    assert alerts(database) == []


def test_failed_jobs_can_be_left_out(database: Database, settings: Settings, watch: Watch) -> None:
    settings.alerts.failed_jobs = False
    fail_job(database, OutOfMemory("It did not fit."))
    watch.look_around()
    assert alerts(database) == []


def test_a_budget_that_comes_near_its_end(database: Database, settings: Settings, watch: Watch) -> None:
    with database.transaction() as session:
        HostedService(session, settings).set_budget(Budget(per_day=10, per_month=100))
        session.add(
            LedgerRow(
                id="l1", target_id="g", slot=0, key_name="k", endpoint="e", state="delivered", estimate=9_000,
                created_at=now(),
            )
        )  # fmt: skip
    watch.look_around()
    watch.look_around()
    (found,) = alerts(database)
    assert (found.kind, found.target, found.title, found.count) == (
        "budget", "today", "90 % of what may be spent today is spent", 1,
    )  # fmt: skip
    settings.alerts.budget_percent = 0
    watch.look_around()
    assert alerts(database) == []


def test_a_disk_that_fills_up_and_gets_room_again(
    database: Database, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
        watch.look_around()
    (found,) = alerts(database)
    assert found.kind == "disk"
    watch.look_around()
    assert alerts(database) == []


class TestBackups:
    """A scheduled backup that failed, and none for too long, are told until there is a good one again."""

    @pytest.fixture
    def schedule(self, settings: Settings) -> None:
        settings.backups.every_hours = 24

    def add(self, database: Database, state: str, at: datetime, **more: object) -> None:
        row = {"origin": "scheduled", "state": state, "heartbeat_at": at, "created_at": at} | more
        with database.transaction() as session:
            session.add(BackupRow(id=new_id(), **row))

    def test_one_that_failed(self, database: Database, schedule: None, settings: Settings, watch: Watch) -> None:
        settings.backups.folder = settings.data / "a file"
        settings.backups.folder.write_text("")
        with database.transaction() as session:
            job = backups.start(session, "scheduled", slot="1")
        assert job is not None
        with pytest.raises(BackupFolderUnusable, match="a file"):
            backups.run(settings, database, Blobs.at(settings.paths.blobs), job.target_id, "scheduled")
        with database.transaction() as session:
            row = job_rows.find_job(session, job.id)
            assert row is not None
            row.state = "failed"
            jobs.record(session, row, "job.failed", {"error": OutOfMemory("x").as_record()})
        watch.look_around()
        watch.look_around()
        (found,) = alerts(database)  # no second one of the failed job
        assert (found.kind, found.title, found.count) == ("backup", "A scheduled backup failed", 1)
        assert "There is no good one yet." in found.detail
        self.add(database, "done", now())
        watch.look_around()
        assert alerts(database) == []

    def test_none_for_too_long(self, database: Database, schedule: None, watch: Watch, clock: Clock) -> None:
        self.add(database, "done", clock.at, origin="asked")
        clock.at += timedelta(hours=47)
        watch.look_around()
        assert alerts(database) == []
        clock.at += timedelta(hours=2)
        watch.look_around()
        (found,) = alerts(database)
        assert (found.title, found.cleared_at) == ("The last good backup is too old", None)
        assert "One is wanted every 24 hours." in found.detail
        self.add(database, "running", clock.at)  # it is being seen to
        watch.look_around()
        assert alerts(database) == []

    def test_where_none_are_wanted(self, database: Database, settings: Settings, watch: Watch, clock: Clock) -> None:
        self.add(database, "failed", clock.at)
        watch.look_around()
        assert alerts(database) == []
        settings.backups.every_hours = 1
        settings.alerts.backups = False
        watch.look_around()
        assert alerts(database) == []


def test_a_backend_is_down_only_after_a_while(database: Database, settings: Settings, clock: Clock) -> None:
    down = [Down("Big box", "s1", "It refused the connection.")]
    watch = Watch(settings, database, lambda: down, clock=clock, ticks=clock.ticks)
    watch.look_around()
    assert alerts(database) == []
    clock.at += timedelta(minutes=6)
    watch.look_around()
    assert [each.title for each in alerts(database)] == ["Big box does not answer"]
    down.clear()
    watch.look_around()
    assert alerts(database) == []
    assert [each.cleared_by for each in alerts(database, is_open=False)] == [None]


def test_a_server_sees_that_no_worker_lives(database: Database, settings: Settings, clock: Clock) -> None:
    watch = WorkerWatch(settings, database, ticks=clock.ticks)
    with database.transaction() as session:
        job = jobs.enqueue(session, "finetune", "f", "Finetune “Rex”", {})
    assert watch.look_around() is False
    clock.at += timedelta(minutes=6)
    assert watch.look_around() is True
    assert watch.look_around() is True
    assert [each.title for each in alerts(database)] == ["Jobs wait and no worker lives"]
    with database.transaction() as session:
        jobs.cancel(session, job.id)
    assert watch.look_around() is False
    assert alerts(database) == []


class MailServer(socketserver.ThreadingTCPServer):
    """Just enough SMTP to take a message, or to refuse it."""

    allow_reuse_address = True

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.refuses = False
        super().__init__(("127.0.0.1", 0), _Talk)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class _Talk(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.say("220 hello")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb == "DATA":
                self.say("354 go on")
                text = ""
                while (part := self.rfile.readline().decode()) != ".\r\n":
                    text += part
                self.server.mails.append(text)
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("451 later" if self.server.refuses and verb == "MAIL" else "250 fine")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def post(settings: Settings) -> Iterator[MailServer]:
    server = MailServer()
    settings.alerts.smtp_host, settings.alerts.smtp_port = server.server_address[:2]  # type: ignore[assignment]
    settings.alerts.smtp_security = "none"
    settings.alerts.mail_to = ["ada@example.org", "bo@example.org"]
    yield server
    server.shutdown()
    server.server_close()


def test_a_mail_is_sent_once_and_nothing_in_it_becomes_a_header(
    database: Database, settings: Settings, post: MailServer, clock: Clock
) -> None:
    with database.transaction() as session:
        service.raise_(session, "test", "It broke\nBcc: eve@example.org", "Look.", "a")
    clock.at = now()
    for _ in range(2):
        AlertTeller(settings, database, clock=clock).tell()
    (mail,) = post.mails
    head, _, body = mail.partition("\r\n\r\n")
    assert "To: ada@example.org, bo@example.org" in head
    assert "\r\nBcc:" not in head
    assert "Look." in body
    assert [each.mail_state for each in alerts(database)] == ["sent"]


def test_a_mail_that_is_refused_is_tried_again_and_given_up_in_the_end(
    database: Database, settings: Settings, post: MailServer, clock: Clock
) -> None:
    post.refuses = True
    with database.transaction() as session:
        service.raise_(session, "test", "It broke", "Look.")
    clock.at = now()
    teller = AlertTeller(settings, database, clock=clock)
    for _ in range(8):
        teller.tell()
        clock.at += timedelta(hours=3)
    (found,) = alerts(database)
    assert found.mail_state == "given-up"
    assert "451" in (found.mail_error or "")


def test_webhooks_of_alerts_go_the_way_of_all_webhooks(database: Database, settings: Settings) -> None:
    settings.alerts.webhook_url = "https://hooks.example/x"
    with database.transaction() as session:
        row = service.raise_(session, "test", "It broke", "Look.", "a")
        service.raise_(session, "test", "It broke", "Look.", "a")
    AlertTeller(settings, database).tell()
    AlertTeller(settings, database).tell()
    with database.reading() as session:
        delivery = newest_deliveries(session, [row.id])[row.id]
    assert (delivery.type, delivery.state) == (EVENT, "waiting")
    body = webhook_shape().body({"title": "It broke"}, now())
    assert (body["type"], body["alert"]) == (EVENT, {"title": "It broke"})
    assert [each.mail_state for each in alerts(database)] == ["none"]
