"""Shared pieces: a data folder that is thrown away, an application on it, a browser that is signed in."""

import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from fastapi import FastAPI
from hypothesis import settings as property_settings
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from fluxtune.api.app import create_app
from fluxtune.config import Settings, load_settings
from fluxtune.db import Database, migrate
from fluxtune.storage import Blobs
from fluxtune.worker.manners import give_way
from tests.places import ON_POSTGRESQL, ONE_THREAD, Places, memory

# How long an example takes says how busy the computer is, not whether the code is right.
property_settings.register_profile("fluxtune", deadline=None)
property_settings.load_profile("fluxtune")

STUDIO_TOKEN = "studio-token-of-the-tests"
BASE_URL = "http://127.0.0.1:7860"
HANGS_AFTER_S = 1_200
"""No test takes a quarter of it, however busy the computer is."""


# Plain lines: the default draws every traceback as a picture, which takes seconds on a busy computer.
structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])


# Files that take a minute or more begin first, so that no worker is left with one of them at the end.
LONGEST = (
    "e2e/test_first_visit.py", "e2e/test_run_controls.py", "kill/test_finetune.py", "e2e/test_servers.py",
    "cli/test_whole_way.py", "health/test_acceptance.py", "jobs/test_queue.py", "e2e/test_places.py",
    "health/test_check.py", "kill/test_team.py", "kill/test_old_program.py", "e2e/test_team.py",
    "e2e/test_own_images.py", "kill/test_generation.py", "contract/test_no_breakdowns.py", "engine/test_methods.py",
    "engine/test_generator.py", "e2e/test_new_finetune.py",
)  # fmt: skip


ROOM_BYTES = 4 * 1024**3
"""More than a whole run of the tests ever holds."""


def pytest_configure() -> None:
    """Keep data folders in memory where there is room: most of what many tests took was the disk's word for a write."""
    os.environ["OMP_NUM_THREADS"] = "1"  # read once, when torch is loaded
    # Where this is set, as in many containers, each of the hundreds of programs that start would compile everything.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # As nice as workers are: beside tests that compute they would hardly get a turn.
    give_way()
    if folder := memory(ROOM_BYTES):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, in their order."""
    items.sort(key=lambda item: next((at for at, end in enumerate(LONGEST) if item.path.as_posix().endswith(end)), 99))


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them, and what they start to one core each."""
    for name in list(os.environ):
        if name.startswith("FLUXTUNE_"):
            monkeypatch.delenv(name)
    for name, value in ONE_THREAD.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _no_log_of_another_test() -> Iterator[None]:
    """Close the log files that a test has opened: their folder is gone when the next one writes a line."""
    before, level = list(logging.root.handlers), logging.root.level
    yield
    for handler in logging.root.handlers[:]:
        if handler not in before and isinstance(handler, logging.FileHandler):
            logging.root.removeHandler(handler)
            handler.close()
    logging.root.setLevel(level)


@pytest.fixture(autouse=True)
def _no_waiting_for_ever() -> Iterator[None]:
    """End a test that hangs: what waits for it would wait for ever, and nobody would learn which it is."""

    def give_up(*_: object) -> None:
        raise TimeoutError("The test hangs.")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(HANGS_AFTER_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def places() -> Iterator[Places]:
    """Where data folders keep their database and blobs in this run of the tests."""
    places = Places()
    yield places
    places.close()


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest schema: migrating once and copying is much faster than migrating every time."""
    folder = tmp_path_factory.mktemp("migrated")
    database = Database.at(folder / "fluxtune.sqlite")
    migrate(database, folder / "lock")
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    database.close()
    return folder / "fluxtune.sqlite"


@pytest.fixture
def settings(tmp_path: Path, places: Places, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Settings of a studio on a data folder of its own, whose database is there already."""
    with places.prepared(tmp_path / "data"):
        settings = load_settings(tmp_path / "data")
        settings.paths.create()
        if not ON_POSTGRESQL:
            shutil.copy(request.getfixturevalue("migrated_database"), settings.paths.database)
        yield settings


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """The web application on that folder, with its database at the newest schema."""
    return create_app(settings, studio_token=STUDIO_TOKEN)


@pytest.fixture
def database(app: FastAPI) -> Database:
    """The application's database."""
    database: Database = app.state.database
    return database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A transaction that is committed when the test ends well. It holds the write lock: don't call the API within."""
    with database.transaction() as session:
        yield session


@pytest.fixture
def blobs(app: FastAPI) -> Blobs:
    """The application's blobs."""
    blobs: Blobs = app.state.blobs
    return blobs


@pytest.fixture
def new_client(app: FastAPI) -> Iterator[Callable[[], TestClient]]:
    """Makes browsers that are not signed in."""
    with TestClient(app, base_url=BASE_URL):  # runs the application's start and end once
        yield lambda: TestClient(app, base_url=BASE_URL)


@pytest.fixture
def anonymous(new_client: Callable[[], TestClient]) -> TestClient:
    """A browser that is not signed in."""
    return new_client()


@pytest.fixture
def client(new_client: Callable[[], TestClient]) -> TestClient:
    """A browser that is signed in."""
    client = new_client()
    response = client.post("/api/session", json={"token": STUDIO_TOKEN})
    assert response.status_code == 200, response.text
    return client
