"""BFL's webhooks wake what waits, and nothing that comes to their address can do harm."""

import hashlib
import hmac
import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from fluxtune.backends.bfl.pace import Pace
from fluxtune.core.clock import now
from fluxtune.hosted import repository
from fluxtune.hosted.hooks import MAX_BYTES, Hooks
from tests.bfl_server import BflServer
from tests.hosting import ask, lines, work
from tests.makers import state_of


@pytest.fixture
def public(hosted: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A studio that BFL can reach."""
    monkeypatch.setattr(state_of(hosted).settings.hosted, "public_url", "https://studio.example/fluxtune/")
    return hosted


def hook_of(client: TestClient, line_id: str) -> dict[str, str]:
    return Hooks(state_of(client).settings).fields_of(line_id)


def knock(client: TestClient, hook: dict[str, str], told: Any, signature: str | None = None) -> Any:
    """Do what BFL does when a task has ended."""
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    signed = "sha256=" + hmac.new(hook["webhook_secret"].encode(), body, hashlib.sha256).hexdigest()
    path = urlsplit(hook["webhook_url"]).path.removeprefix("/fluxtune")
    headers = {b"x-bfl-signature": (signed if signature is None else signature).encode()}
    return client.post(path, content=body, headers=headers)


def set_line(client: TestClient, line_id: str, **values: Any) -> None:
    with state_of(client).database.transaction() as session:
        row = repository.find_line(session, line_id)
        for name, value in values.items():
            setattr(row, name, value)


def test_each_request_names_an_address_and_a_secret_of_its_own(public: TestClient, server: BflServer) -> None:
    work(public, ask(public, count=2))
    first, second = (task["body"] for task in server.tasks.values())
    assert first["webhook_url"].startswith("https://studio.example/fluxtune/hooks/bfl/")
    assert first["webhook_url"] != second["webhook_url"]
    assert first["webhook_secret"] != second["webhook_secret"]
    assert first["webhook_secret"] not in public.get("/api/hosted/ledger").text


def test_without_a_public_address_nothing_is_said_of_it(hosted: TestClient, server: BflServer) -> None:
    work(hosted, ask(hosted))
    (task,) = server.tasks.values()
    assert "webhook_url" not in task["body"]


def test_an_endpoint_that_takes_no_webhook_gets_none(public: TestClient, server: BflServer) -> None:
    assert work(public, ask(public, model_id="bfl:flux-3-image", seed=None))["state"] == "succeeded"
    (task,) = server.tasks.values()
    assert "webhook_url" not in task["body"]


def test_it_wakes_what_waits(public: TestClient, server: BflServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # Polling alone would come an hour later.
    monkeypatch.setattr(Pace, "first_wait", lambda *_: 3600.0)
    server.polling_url = lambda _: None  # as in an answer to a request with a webhook
    generation = ask(public)
    worker = threading.Thread(target=work, args=(public, generation))
    worker.start()
    while not (found := lines(public))[0]["task_id"]:
        time.sleep(0.002)
    assert knock(public, hook_of(public, found[0]["id"]), {"id": found[0]["task_id"]}).json() == {"news": True}
    worker.join(20)
    assert lines(public)[0]["state"] == "delivered"


def test_duplicates_and_late_ones_change_nothing(public: TestClient, server: BflServer) -> None:
    work(public, ask(public))
    (line,) = lines(public)
    hook = hook_of(public, line["id"])
    bodies: list[Any] = [{"id": line["task_id"], "status": "Error"}, {"id": "another"}, b"<html>", {"id": 7}, []]
    for told in bodies:
        assert knock(public, hook, told).json() == {"news": False}
    assert lines(public) == [line]


def test_twice_while_it_is_made_is_one_image(public: TestClient, server: BflServer) -> None:
    generation = ask(public)
    (line,) = lines(public)
    hook, accept = hook_of(public, line["id"]), server.accept

    def tell_twice(path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        accepted = accept(path, body)
        assert accepted is not None
        # A computer whose clock is wrong by years, an image that lies where nobody should look.
        told = {
            "id": accepted["id"], "status": "Ready", "timestamp": "1999-01-01T00:00:00Z",
            "result": {"sample": "https://evil.example/x.jpeg"},
        }  # fmt: skip
        for _ in range(2):
            assert knock(public, hook, told).status_code == 200
        return accepted

    server.accept = tell_twice  # type: ignore[method-assign]
    shown = work(public, generation)
    assert shown["state"] == "succeeded", shown["error"]
    assert len(server.tasks) == len(server.keys_at_delivery) == 1
    assert [(each["state"], each["attempt"]) for each in lines(public)] == [("delivered", 1)]


def test_after_a_request_was_refused_changes_nothing(public: TestClient, server: BflServer) -> None:
    server.faults["submit"].append(402)
    work(public, ask(public))
    (line,) = lines(public)
    assert knock(public, hook_of(public, line["id"]), {"id": "task-9", "status": "Ready"}).json() == {"news": False}
    assert lines(public) == [line]
    assert (line["state"], line["cost"], line["task_id"]) == ("failed", 0.0, None)


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "ключ"])
def test_a_wrong_signature(public: TestClient, server: BflServer, signature: str) -> None:
    ask(public)
    (line,) = lines(public)
    assert knock(public, hook_of(public, line["id"]), {"id": "x"}, signature).status_code == 403
    assert lines(public) == [line]


def test_a_body_that_was_changed(public: TestClient, server: BflServer) -> None:
    ask(public)
    hook = hook_of(public, lines(public)[0]["id"])
    signed = "sha256=" + hmac.new(hook["webhook_secret"].encode(), b'{"id": "a"}', hashlib.sha256).hexdigest()
    assert knock(public, hook, b'{"id": "b"}', signed).status_code == 403


def test_the_secret_itself_is_a_signature_too(public: TestClient, server: BflServer) -> None:
    ask(public)
    hook = hook_of(public, lines(public)[0]["id"])
    assert knock(public, hook, {"id": "x"}, hook["webhook_secret"]).json() == {"news": False}


def test_addresses_can_not_be_guessed(public: TestClient, server: BflServer) -> None:
    ask(public, count=2)
    one, two = (hook_of(public, line["id"]) for line in lines(public))
    mixed = one | {"webhook_url": one["webhook_url"].rsplit("/", 1)[0] + "/" + two["webhook_url"].rsplit("/", 1)[1]}
    assert knock(public, mixed, {"id": "x"}).status_code == 404
    assert knock(public, hook_of(public, "0" * 32), {"id": "x"}).status_code == 404
    assert public.get(urlsplit(one["webhook_url"]).path.removeprefix("/fluxtune")).status_code in (404, 405)


def test_a_body_without_end(public: TestClient, server: BflServer) -> None:
    ask(public)
    hook = hook_of(public, lines(public)[0]["id"])
    assert knock(public, hook, b" " * (MAX_BYTES + 1)).status_code == 413


class TestLostAnswers:
    def test_the_task_of_a_request_nobody_answered_becomes_known(self, public: TestClient, server: BflServer) -> None:
        server.faults["submit"].append("cut-after")
        generation = ask(public)
        assert work(public, generation)["error"]["type"] == "/errors/acceptance-unknown"
        (line,) = lines(public)
        assert knock(public, hook_of(public, line["id"]), {"id": "task-0"}).json() == {"news": True}
        assert lines(public)[0]["state"] == "submitted"
        # It is fetched now, and not paid again.
        shown = work(public, public.post(f"/api/generations/{generation['id']}/retry", json={}).json())
        assert shown["state"] == "succeeded", shown["error"]
        assert len(server.tasks) == 1

    def test_before_the_connection_breaks(self, public: TestClient, server: BflServer) -> None:
        generation = ask(public)
        (line,) = lines(public)
        hook = hook_of(public, line["id"])
        accepted = server.accept("/v1/x", {})
        assert accepted is not None
        accept = server.accept

        def tell_first(path: str, body: dict[str, Any]) -> dict[str, Any] | None:
            server.accept = accept  # type: ignore[method-assign]
            assert knock(public, hook, {"id": accepted["id"]}).json() == {"news": True}
            return accepted

        server.accept = tell_first  # type: ignore[method-assign]
        server.faults["submit"].append("cut-after")
        shown = work(public, generation)
        assert shown["state"] == "succeeded", shown["error"]
        assert lines(public)[0]["task_id"] == accepted["id"]

    def test_after_a_crash(self, public: TestClient, server: BflServer) -> None:
        generation = ask(public)
        (line,) = lines(public)
        accepted = server.accept("/v1/x", {})
        assert accepted is not None
        set_line(public, line["id"], sent_at=now())
        assert knock(public, hook_of(public, line["id"]), {"id": accepted["id"]}).json() == {"news": True}
        assert work(public, generation, attempt=2)["state"] == "succeeded"
        assert len(server.tasks) == 1
