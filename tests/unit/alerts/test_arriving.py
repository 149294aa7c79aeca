"""Every alert there is arrives, from what is wrong to another program and a mail server that take it."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest

from fluxtune.alerts.telling import EVENT, AlertTeller, webhook_shape
from fluxtune.alerts.watching import Down, Watch
from fluxtune.backups.tables import BackupRow
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import DiskFull, OutOfMemory
from fluxtune.core.ids import new_id
from fluxtune.db import Database
from fluxtune.hosted.schemas import Budget
from fluxtune.hosted.service import HostedService
from fluxtune.hosted.tables import LedgerRow
from fluxtune.webhooks.sender import SIGNATURE, WebhookSender
from tests.unit.alerts.test_alerts import Clock, MailServer, clock, fail_job, post
from tests.unit.webhooks.test_sender import Receiver, receiver

__all__ = ["clock", "post", "receiver"]


def budget_spent(database: Database, settings: Settings, _monkeypatch: pytest.MonkeyPatch) -> None:
    with database.transaction() as session:
        HostedService(session, settings).set_budget(Budget(per_day=None, per_month=10))
        session.add(
            LedgerRow(
                id="l1", target_id="g", slot=0, key_name="k", endpoint="e", state="delivered", estimate=9_500,
                created_at=now(),
            )
        )  # fmt: skip


def disk_full(_database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=settings.alerts.disk_free_bytes - 1))


def backup_failed(database: Database, settings: Settings, _monkeypatch: pytest.MonkeyPatch) -> None:
    settings.backups.every_hours = 24
    with database.transaction() as session:
        session.add(
            BackupRow(
                id=new_id(), origin="scheduled", state="failed", heartbeat_at=now(), created_at=now(),
                error=DiskFull("Nothing is left.").problem().model_dump(mode="json"),
            )
        )  # fmt: skip


def job_failed(database: Database, _settings: Settings, _monkeypatch: pytest.MonkeyPatch) -> None:
    fail_job(database, OutOfMemory("It needed 30 GB."))


def nothing(*_args: object) -> None:
    """The backend is down from the beginning on."""


@pytest.fixture
def arrive(
    settings: Settings, database: Database, clock: Clock, receiver: Receiver, post: MailServer
) -> Callable[[Watch], None]:
    """Look around twice, with time between, and tell whoever is to be told, as a worker does."""
    settings.webhooks.allow_private = True
    settings.alerts.webhook_url = f"http://127.0.0.1:{receiver.port}/alerts"
    teller = AlertTeller(settings, database, clock=clock)
    sender = WebhookSender(
        settings, database, look_up=lambda *_: ["127.0.0.1"], clock=clock, shapes={EVENT: webhook_shape()}
    )

    def arrive(watch: Watch) -> None:
        for _ in range(2):
            clock.at += timedelta(minutes=6)
            watch.look_around()
            teller.tell()
            while sender.send_next():
                pass

    return arrive


@pytest.mark.parametrize(
    ("go_wrong", "kind", "title"),
    [
        (job_failed, "job-failed", "memory"),
        (budget_spent, "budget", "95 % of what may be spent this month is spent"),
        (disk_full, "disk", "nearly full"),
        (nothing, "backend-down", "Big box does not answer"),
        (backup_failed, "backup", "A scheduled backup failed"),
    ],
)
def test_it_arrives_once_by_webhook_and_by_mail(
    settings: Settings, database: Database, clock: Clock, receiver: Receiver, post: MailServer,
    arrive: Callable[[Watch], None], monkeypatch: pytest.MonkeyPatch, go_wrong: Callable[..., None], kind: str,
    title: str,
) -> None:  # fmt: skip
    down = [Down("Big box", "s1", "It refused the connection.")] if go_wrong is nothing else []
    watch = Watch(settings, database, lambda: down, clock=clock, ticks=clock.ticks)
    watch.look_around()
    go_wrong(database, settings, monkeypatch)
    arrive(watch)
    ((headers, _),) = receiver.got
    (message,) = receiver.messages
    assert (message["type"], message["alert"]["kind"]) == (EVENT, kind)
    assert title in message["alert"]["title"]
    assert message["alert"]["detail"]
    assert (SIGNATURE.lower() in headers) is (settings.alerts.webhook_secret is not None)
    (mail,) = post.mails
    assert title.split()[-1] in mail
