"""A studio whose hosted models are made by a server of the tests."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from fluxtune.backends.bfl.pace import Pace
from fluxtune.generations.tasks import GenerationTask
from fluxtune.hosted import runner
from tests.bfl_server import KEY, BflServer
from tests.makers import run_job, state_of


@pytest.fixture
def server() -> Iterator[BflServer]:
    """A server that speaks BFL's API, and misbehaves when told."""
    server = BflServer()
    yield server
    server.close()


@pytest.fixture
def hosted(shared_client: TestClient, server: BflServer, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A signed-in browser on a studio with a key for that server, and little patience."""
    settings = state_of(shared_client).settings.hosted
    values: dict[str, Any] = {
        "key": SecretStr(KEY), "server": server.url, "region": "server",
        "timeout_seconds": 5.0, "deadline_seconds": 20.0, "patience_seconds": 0.3,
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setattr(settings, name, value)
    # No waiting for what real models take.
    monkeypatch.setattr(Pace, "first_wait", lambda *_: 0.0)
    monkeypatch.setattr(runner, "_LOST_AFTER_S", 0.1)
    monkeypatch.setattr(runner, "FETCH_TRIES", 2)
    return shared_client


def hurry(client: TestClient, monkeypatch: pytest.MonkeyPatch, **values: float) -> None:
    """Let a test that waits for the end of patience not wait long."""
    for name, value in values.items():
        monkeypatch.setattr(state_of(client).settings.hosted, f"{name}_seconds", value)


class NoEngine:
    """The local backend, which hosted generations don't use."""

    def generate(self, *_: Any) -> Any:
        raise AssertionError("a hosted generation asked for the engine")


def ask(client: TestClient, **more: Any) -> dict[str, Any]:
    """Ask for images of a hosted model."""
    body = {"model_id": "bfl:flux-2-klein-4b", "prompt": "a cat", "count": 1, "seed": 5} | more
    response = client.post("/api/generations", json=body)
    assert response.status_code == 201, response.text
    generation: dict[str, Any] = response.json()
    return generation


def work(client: TestClient, generation: dict[str, Any], attempt: int = 1) -> dict[str, Any]:
    """Let a worker run a generation; return how it is shown then."""
    state = state_of(client)
    run_job(client, GenerationTask(state.settings, state.blobs, NoEngine()), generation["job_id"], attempt)
    shown: dict[str, Any] = client.get(f"/api/generations/{generation['id']}").json()
    return shown


def lines(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    """Return the ledger, oldest line first."""
    found: list[dict[str, Any]] = client.get("/api/hosted/ledger", params=query).json()["lines"]
    return found[::-1]
