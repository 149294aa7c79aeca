"""Live events: everything in order, nothing twice, resumed where they broke off. Over a real socket, as browsers do."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

from fluxtune.accounts import people
from fluxtune.accounts.schemas import PersonCreate, PersonUpdate
from fluxtune.adjustments.schemas import SettingsUpdate
from fluxtune.adjustments.service import AdjustmentService
from fluxtune.api.server import StudioServer, open_socket
from fluxtune.db import Database
from fluxtune.flags import service as flags
from fluxtune.flags.schemas import FlagChange
from fluxtune.jobs import service

BEARER = {"authorization": "Bearer studio-token-of-the-tests"}


@pytest.fixture
def url(app: FastAPI) -> Iterator[str]:
    listener = open_socket("127.0.0.1", 0)
    server = StudioServer(uvicorn.Config(app, log_config=None), app.state.event_tail)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def add_job(database: Database, title: str) -> str:
    with database.transaction() as session:
        return service.enqueue(session, "finetune", "f", title, {}).id


class Listener:
    """Reads a stream in a thread."""

    def __init__(self, url: str, **headers: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.is_connected = threading.Event()
        self.is_over = threading.Event()
        self._client = httpx2.Client(headers={**BEARER, **headers}, trust_env=False, timeout=30)
        threading.Thread(target=self._listen, args=(url,), daemon=True).start()
        assert self.is_connected.wait(30)

    def _listen(self, url: str) -> None:
        try:
            with self._client.stream("GET", url) as response:
                for line in response.iter_lines():
                    self.is_connected.set()
                    if line.startswith("data: "):
                        self.events.append(json.loads(line.removeprefix("data: ")))
        except httpx2.TransportError:
            pass
        self.is_over.set()

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        until = time.monotonic() + 30
        while len(self.events) < count:
            assert time.monotonic() < until, self.events
            time.sleep(0.01)
        return list(self.events)


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_from_now_on(url: str, database: Database) -> None:
    add_job(database, "before")
    listener = Listener(f"{url}/api/events")
    time.sleep(0.2)
    job_id = add_job(database, "after")
    events = listener.wait_for(1)
    assert [(event["job_id"], event["type"], event["kind"]) for event in events] == [(job_id, "job.queued", "finetune")]


def test_everyone_gets_everything(url: str, database: Database) -> None:
    listeners = [Listener(f"{url}/api/events") for _ in range(3)]
    time.sleep(0.2)
    for number in range(20):
        add_job(database, str(number))
    stories = [[event["id"] for event in listener.wait_for(20)] for listener in listeners]
    assert stories[0] == sorted(stories[0])
    assert len(set(stories[0])) == 20
    assert stories[0] == stories[1] == stories[2]


def test_resumed_without_a_gap_or_a_repetition(url: str, database: Database) -> None:
    jobs = [add_job(database, str(number)) for number in range(5)]
    everything = Listener(f"{url}/api/events", **{"Last-Event-ID": "0"}).wait_for(5)
    assert [event["job_id"] for event in everything] == jobs
    rest = Listener(f"{url}/api/events", **{"Last-Event-ID": str(everything[2]["id"])})
    add_job(database, "later")
    time.sleep(0.3)
    assert [event["id"] for event in rest.wait_for(3)] == [event["id"] for event in everything[3:]] + [
        everything[-1]["id"] + 1
    ]


def test_one_job_from_its_beginning(url: str, database: Database) -> None:
    first, second = add_job(database, "first"), add_job(database, "second")
    listener = Listener(f"{url}/api/jobs/{second}/events")
    with database.transaction() as session:
        service.cancel(session, first)
        service.cancel(session, second)
    events = listener.wait_for(2)
    time.sleep(0.2)
    assert [(event["job_id"], event["type"]) for event in events] == [(second, "job.queued"), (second, "job.cancelled")]


def test_open_pages_hear_that_flags_settings_or_roles_have_changed(url: str, database: Database, app: FastAPI) -> None:
    listener, of_a_job = Listener(f"{url}/api/events"), Listener(f"{url}/api/jobs/{add_job(database, 'x')}/events")
    with database.transaction() as session:
        flags.change_flag(session, "automatic-captions", FlagChange(state="off"))
    told = {"type": "studio.changed"}
    wait_until(lambda: listener.events.count(told) == 1)
    with database.transaction() as session:
        AdjustmentService(session, app.state.settings).update_settings(SettingsUpdate(values={"trash.keep_days": 3}))
    wait_until(lambda: listener.events.count(told) == 2)
    with database.transaction() as session:
        create = PersonCreate(email="ann@x.test", name="Ann", role="viewer")
        person = people.invite(session, create, timedelta(days=1)).person
    wait_until(lambda: listener.events.count(told) == 3)
    with database.transaction() as session:
        people.update(session, person.id, PersonUpdate(role="trainer"))
    wait_until(lambda: listener.events.count(told) == 4)
    assert told not in of_a_job.events


def test_a_stream_ends_by_itself(url: str, app: FastAPI) -> None:
    app.state.settings.server.stream_seconds = 0.5
    listener = Listener(f"{url}/api/events")
    assert listener.is_over.wait(30)


def test_nobody_listens_nobody_looks(url: str, app: FastAPI) -> None:
    app.state.settings.server.stream_seconds = 0.5
    listener = Listener(f"{url}/api/events")
    assert app.state.event_tail.listener_count == 1
    assert listener.is_over.wait(30)
    until = time.monotonic() + 10
    while app.state.event_tail.listener_count:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_broken_place_to_resume_from_is_refused(url: str) -> None:
    answer = httpx2.get(f"{url}/api/events", headers={**BEARER, "Last-Event-ID": "x"}, trust_env=False)
    assert answer.status_code == 422
