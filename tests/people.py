"""People of one studio, each with a browser of their own, without going through signing in."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from fluxtune.api.gate import Gate
from fluxtune.core.actor import Actor, Role, acting_as
from tests.conftest import BASE_URL

As = Callable[..., TestClient]


async def _let_in(self: Gate, scope: Any, receive: Any, send: Any) -> None:
    """Believe what the request says of who sends it."""
    actor = Actor("local owner")
    for name, value in scope.get("headers", ()):
        if name == b"x-as":
            person, _, role = value.decode().partition(":")
            actor = Actor(person, person, role)
    if scope["type"] == "http":
        scope.setdefault("state", {})["actor"] = actor
    with acting_as(actor):
        await self._app(scope, receive, send)


@pytest.fixture
def people(shared_client: TestClient, monkeypatch: pytest.MonkeyPatch) -> As:
    """Return a browser of somebody, whose name is also their id: `people("ann", "trainer")`."""
    monkeypatch.setattr(Gate, "__call__", _let_in)

    def browser(name: str, role: Role = "trainer") -> TestClient:
        return TestClient(shared_client.app, base_url=BASE_URL, headers={"x-as": f"{name}:{role}"})

    return browser
