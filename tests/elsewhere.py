"""Two studios in one process: one on a laptop, and one that another computer would run."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from fluxtune.api.app import create_app
from fluxtune.backends.fluxtune.client import ServerClient
from fluxtune.backends.local import readiness
from fluxtune.config import load_settings
from fluxtune.db import Base
from fluxtune.generations import service as generations
from fluxtune.servers import connecting
from tests.conftest import BASE_URL, STUDIO_TOKEN
from tests.makers import state_of
from tests.places import Places
from tests.shared import KEPT
from tests.zoo import make_base

URL = BASE_URL


class Wire(httpx2.BaseTransport):
    """What lies between: requests are seen, can be answered otherwise, or be lost before or after they arrive."""

    def __init__(self, far: httpx2.BaseTransport) -> None:
        self._far = far
        self.requests: list[httpx2.Request] = []
        self.bodies: list[bytes] = []
        self.before: Callable[[httpx2.Request], httpx2.Response | None] | None = None
        self.after: Callable[[httpx2.Request, httpx2.Response], httpx2.Response] | None = None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        body = request.read()
        self.requests.append(request)
        self.bodies.append(body)
        if self.before is not None:
            answer = self.before(request)
            if answer is not None:
                return answer
        plain = httpx2.Request(request.method, request.url, headers=request.headers, content=body)
        response = self._far.handle_request(plain)
        return self.after(request, response) if self.after is not None else response

    def close(self) -> None:
        """Stay open: the studio there outlives its visitors."""

    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]


@pytest.fixture(scope="session")
def far_app(tmp_path_factory: pytest.TempPathFactory, places: Places) -> FastAPI:
    folder = tmp_path_factory.mktemp("far") / "data"
    places.prepare(folder)
    return create_app(load_settings(folder), studio_token=STUDIO_TOKEN)


@pytest.fixture
def far(far_app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A signed-in browser on the studio of the other computer, which has one base and an engine."""
    state = far_app.state
    with state.database.transaction() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in KEPT:
                session.execute(table.delete())
    monkeypatch.setattr(readiness, "require_engine", lambda: None)
    monkeypatch.setattr(generations, "require_engine", lambda: None)
    if not (state.settings.paths.bases / "tiny").exists():
        make_base(state.settings.paths.bases)
    monkeypatch.setattr(state.settings.contract, "base", "tiny")
    with TestClient(far_app, base_url=BASE_URL) as client:
        client.post("/api/session", json={"token": STUDIO_TOKEN})
        yield client


@pytest.fixture
def token(far: TestClient) -> str:
    made: str = far.post("/api/tokens", json={"name": "laptop"}).json()["token"]
    return made


@pytest.fixture
def wire(far: TestClient, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The way from the laptop to the other computer."""
    wire = Wire(far._transport)

    def connect(settings: Any, server: connecting.OpenServer) -> ServerClient:
        return ServerClient(server.name, server.url, server.token, timeout_s=5.0, transport=wire)

    monkeypatch.setattr(connecting, "connect", connect)
    return wire


def add_server(near: TestClient, token: str, **values: Any) -> dict[str, Any]:
    """Add the other studio to the one on the laptop."""
    response = near.post("/api/servers", json={"name": "gpu", "url": URL, "token": token} | values)
    assert response.status_code == 201, response.text
    server: dict[str, Any] = response.json()
    return server


def database_text(client: TestClient) -> bytes:
    """Return everything a studio's database file holds."""
    database = state_of(client).settings.paths.database
    return b"".join(file.read_bytes() for file in database.parent.glob(f"{database.name}*"))
