"""A worker is alone on its data folder, and ends when nobody needs it."""

import threading
from pathlib import Path

import pytest

from fluxtune.config import Settings, load_settings
from fluxtune.db import Database
from fluxtune.jobs import service
from fluxtune.storage import FileLock
from fluxtune.worker import WorkerRunning, run_worker
from fluxtune.worker.process import Worker


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxtune.worker.process.set_up_logs", lambda *_, **__: None)


def test_there_is_only_one(settings: Settings) -> None:
    lock = FileLock(settings.paths.worker_lock)
    assert lock.acquire()
    with pytest.raises(WorkerRunning):
        run_worker(settings)
    lock.release()


def test_two_that_share_a_database_have_names_of_their_own(tmp_path: Path) -> None:
    names = set()
    for folder in ("one", "two", "one"):
        settings = load_settings(tmp_path / folder, database_url="postgresql+psycopg://localhost/studio")
        names.add(Worker(settings)._worker_id())
    assert len(names) == 2
    assert max(map(len, names)) <= 64


@pytest.mark.usefixtures("database")
def test_one_of_a_team_stays(settings: Settings) -> None:
    settings.worker.idle_exit_seconds = 1e-9
    assert not Worker(settings, stays=True)._is_done(until_idle=False)


def test_it_ends_when_nobody_needs_it_and_leaves_nothing_behind(settings: Settings) -> None:
    settings.worker.idle_exit_seconds = 0.5
    server = FileLock(settings.paths.server_lock)
    assert server.acquire()
    worker = Worker(settings)
    thread = threading.Thread(target=worker.run, kwargs={"until_idle": False})
    thread.start()
    thread.join(3)
    assert thread.is_alive(), "it stays while a server lives"
    server.release()
    thread.join(60)
    assert not thread.is_alive()
    with Database.at(settings.paths.database, settings.database_url).reading() as session:
        assert not service.is_worker_alive(session)
