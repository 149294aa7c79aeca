"""A studio that many tests share: building an application takes longer than most of them."""

import shutil
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from fluxtune.api.app import create_app
from fluxtune.config import load_settings
from fluxtune.db import Base
from tests.conftest import BASE_URL, STUDIO_TOKEN
from tests.places import Places

KEPT = {"user_session", "sign_in_link", "alembic_version", "audit_entry", "audit_head"}
"""Tables that stay: the shared browser is signed in once, and nobody takes anything out of the audit log."""


@pytest.fixture(scope="session")
def shared_studio(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Iterator[TestClient]:
    """A browser that stays signed in on one application."""
    folder = tmp_path_factory.mktemp("studio") / "data"
    places.prepare(folder)
    app = create_app(load_settings(folder), studio_token=STUDIO_TOKEN)
    with TestClient(app, base_url=BASE_URL) as client:
        response = client.post("/api/session", json={"token": STUDIO_TOKEN})
        assert response.status_code == 200, response.text
        yield client


@pytest.fixture
def shared_client(shared_studio: TestClient) -> TestClient:
    """A signed-in browser on a studio without any content. Its parts are in `client.app.state`."""
    state = shared_studio.app.state  # type: ignore[attr-defined]
    with state.database.transaction() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in KEPT:
                session.execute(table.delete())
    for folder in (state.settings.paths.bases, state.settings.paths.runs, state.settings.paths.models):
        shutil.rmtree(folder)
        folder.mkdir()
    return shared_studio


@pytest.fixture
def stranger(shared_client: TestClient) -> TestClient:
    """A browser on the same studio that is not signed in."""
    return TestClient(shared_client.app, base_url=BASE_URL)
