"""Webhooks reach a real server, signed, at least once, and are given up in the end."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.webhooks import service
from fluxtune.webhooks.schemas import Delivery
from fluxtune.webhooks.sender import SIGNATURE, WebhookSender
from tests.places import stored_bytes

SECRET = "a secret nobody knows"


class Receiver:
    """A server that remembers what it got and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = now()

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender(settings: Settings, database: Database, clock: Clock) -> WebhookSender:
    settings.webhooks.allow_private = True
    return WebhookSender(settings, database, look_up=lambda *_: ["127.0.0.1"], clock=clock)


@pytest.fixture
def tell(
    settings: Settings, database: Database, receiver: Receiver, sender: WebhookSender, clock: Clock
) -> Callable[..., None]:
    def write(secret: str | None = SECRET, url: str | None = None, hours: float = 24) -> None:
        sealed = settings.secrets.seal(secret) if secret else None
        with database.transaction() as session:
            service.enqueue(
                session, "f1", "finetune.succeeded", url or f"http://studio.example:{receiver.port}/hook?x=1", sealed,
                {"id": "f1", "name": "Rex"}, timedelta(hours=hours),
            )  # fmt: skip
        clock.at = now()

    return write


def delivery(database: Database) -> Delivery:
    with database.reading() as session:
        return service.newest_deliveries(session, ["f1"])["f1"]


def test_delivered_and_signed(
    tell: Callable[..., None], sender: WebhookSender, receiver: Receiver, database: Database
) -> None:
    tell()
    assert sender.is_any_new()
    assert sender.send_next()
    headers, body = receiver.got[0]
    assert headers[SIGNATURE] == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["host"] == f"studio.example:{receiver.port}"
    assert headers["content-type"] == "application/json"
    message = receiver.messages[0]
    assert (message["type"], message["finetune"]["name"], message["attempt"]) == ("finetune.succeeded", "Rex", 1)
    assert datetime.fromisoformat(message["sent_at"])
    shown = delivery(database)
    assert (shown.state, shown.attempts, shown.last_status, shown.next_at) == ("delivered", 1, 204, None)
    assert not sender.send_next()
    assert not sender.is_any_new()
    assert len(receiver.got) == 1


def test_without_a_secret_there_is_no_signature(
    tell: Callable[..., None], sender: WebhookSender, receiver: Receiver
) -> None:
    tell(None)
    sender.send_next()
    assert SIGNATURE not in receiver.got[0][0]


def test_tried_again_with_longer_waits(
    tell: Callable[..., None], sender: WebhookSender, receiver: Receiver, database: Database, clock: Clock
) -> None:
    tell()
    receiver.answers = [500, 503, 200]
    waits = []
    while delivery(database).state == "waiting":
        assert sender.send_next()
        assert not sender.send_next(), "not before its time"
        due = delivery(database).next_at
        if due is not None:
            waits.append((due - clock.at).total_seconds())
            clock.at = due
    assert waits == [5, 10]
    assert [message["attempt"] for message in receiver.messages] == [1, 2, 3]
    assert len({message["id"] for message in receiver.messages}) == 1
    assert len({message["sent_at"] for message in receiver.messages}) == 3
    assert delivery(database).state == "delivered"


def test_given_up_after_the_stated_time_and_said_so(
    tell: Callable[..., None], sender: WebhookSender, receiver: Receiver, database: Database, clock: Clock
) -> None:
    tell(hours=1)
    receiver.answers = [500] * 100
    begun = clock.at
    while (due := delivery(database).next_at) is not None:
        clock.at = max(clock.at, due)
        sender.send_next()
    shown = delivery(database)
    assert shown.state == "given-up"
    assert "500" in (shown.last_error or "")
    assert timedelta(hours=1) <= clock.at - begun < timedelta(hours=3)
    assert 8 < shown.attempts < 20
    assert not sender.send_next()


def test_a_clock_that_jumps_ahead_does_not_give_up_at_once(
    tell: Callable[..., None], sender: WebhookSender, receiver: Receiver, database: Database, clock: Clock
) -> None:
    tell(hours=1)
    receiver.answers = [500]
    clock.at += timedelta(days=400)
    sender.send_next()
    assert delivery(database).state == "waiting"
    clock.at += timedelta(seconds=6)
    sender.send_next()
    assert delivery(database).state == "delivered"


def test_a_clock_set_back_does_not_put_off_for_years(
    tell: Callable[..., None], sender: WebhookSender, receiver: Receiver, database: Database, clock: Clock
) -> None:
    tell()
    receiver.answers = [500]
    sender.send_next()
    clock.at -= timedelta(days=400)
    assert sender.send_next()
    assert delivery(database).state == "delivered"


def test_a_worker_that_dies_over_a_message_leaves_it_to_the_next(
    tell: Callable[..., None],
    sender: WebhookSender,
    receiver: Receiver,
    database: Database,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell()

    def die(*_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(WebhookSender, "_post", die)
        with pytest.raises(KeyboardInterrupt):
            sender.send_next()
    assert not sender.send_next(), "another worker might be sending it this moment"
    clock.at += timedelta(minutes=5)
    assert sender.send_next()
    assert delivery(database).state == "delivered"


def test_redirects_are_not_followed(
    tell: Callable[..., None], sender: WebhookSender, receiver: Receiver, database: Database
) -> None:
    tell()
    receiver.answers = [302]
    sender.send_next()
    assert len(receiver.got) == 1
    assert "not followed" in (delivery(database).last_error or "")


def test_a_receiver_can_say_never_again(
    tell: Callable[..., None], sender: WebhookSender, receiver: Receiver, database: Database
) -> None:
    tell()
    receiver.answers = [410]
    sender.send_next()
    assert delivery(database).state == "given-up"


def test_nobody_there(tell: Callable[..., None], sender: WebhookSender, database: Database) -> None:
    tell(url="http://studio.example:9/")
    sender.send_next()
    shown = delivery(database)
    assert shown.state == "waiting"
    assert "could not be reached" in (shown.last_error or "")


def test_a_name_that_leads_home_by_now_is_not_followed(
    tell: Callable[..., None], sender: WebhookSender, settings: Settings, receiver: Receiver, database: Database
) -> None:
    tell()
    settings.webhooks.allow_private = False
    sender.send_next()
    assert receiver.got == []
    assert "127.0.0.1" in (delivery(database).last_error or "")


def test_a_secret_of_another_key_is_given_up(
    tell: Callable[..., None], sender: WebhookSender, settings: Settings, receiver: Receiver, database: Database
) -> None:
    tell()
    settings.paths.secret_key.unlink()
    sender.send_next()
    assert receiver.got == []
    assert delivery(database).state == "given-up"


def test_the_secret_is_not_in_the_database(tell: Callable[..., None], settings: Settings) -> None:
    tell()
    stored = stored_bytes(settings)
    assert stored
    assert SECRET.encode() not in stored
    assert settings.paths.secret_key.stat().st_mode & 0o077 == 0
