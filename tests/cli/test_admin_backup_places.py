"""Copied while it is written to, destroyed, restored: on both databases and both stores, and from one to the other."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from fluxtune.api.app import create_app
from fluxtune.cli.main import run
from fluxtune.config import Settings, load_settings
from fluxtune.db import Database
from fluxtune.jobs import service as jobs
from fluxtune.storage import Blobs
from tests.conftest import BASE_URL, STUDIO_TOKEN
from tests.places import Places

LOCAL, SHARED = "SQLite and files", "PostgreSQL and S3"
CHANGED = {"audit_entry", "audit_head"}
"""The log tells of the restore."""
Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power is cut here, and whatever else the computer writes would be waited for."""
    monkeypatch.setattr(os, "sync", lambda: None)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command that succeeds and return what it printed as JSON."""

    def command(*arguments: str) -> Any:
        capsys.readouterr()
        assert run([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return command


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch, places: Places) -> Iterator[Callable[[str], None]]:
    """Let all programs from now on use an empty database and an empty store of a kind."""
    made: list[str] = []

    def move(kind: str) -> None:
        for name in ("FLUXTUNE_DATABASE_URL", "FLUXTUNE_STORAGE_URL"):
            monkeypatch.delenv(name, raising=False)
        if kind == SHARED:
            made.append(places.any_postgresql.create(migrated=False))
            monkeypatch.setenv("FLUXTUNE_DATABASE_URL", made[-1])
            monkeypatch.setenv("FLUXTUNE_STORAGE_URL", places.any_s3.create())

    yield move
    for url in made:
        places.any_postgresql.remove(url)


def fill(settings: Settings) -> None:
    """Make a studio with a dataset, a token, a secret that is encrypted, and a checkpoint."""
    app = create_app(settings, studio_token=STUDIO_TOKEN)
    with TestClient(app, base_url=BASE_URL) as client:
        client.post("/api/session", json={"token": STUDIO_TOKEN}).raise_for_status()
        sample = client.get("/api/samples").json()[0]["name"]
        client.post("/api/datasets", json={"sample": sample}).raise_for_status()
        client.post("/api/tokens", json={"name": "nightly", "scopes": ["read"]}).raise_for_status()
        client.patch("/api/settings", json={"values": {"alerts.webhook_secret": "s" * 24}}).raise_for_status()
    run_folder = settings.paths.runs / "f1" / "checkpoints" / "step-000010"
    run_folder.mkdir(parents=True)
    (run_folder / "adapter.safetensors").write_bytes(b"weights" * 1000)


@contextmanager
def being_written_to(settings: Settings) -> Iterator[None]:
    """Add blobs and rows that need them until the block ends; some are there when it begins."""
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        database = Database.at(settings.paths.database, settings.database_url)
        blobs = Blobs.at(settings.paths.blobs, settings.storage_url)
        number = 0
        while not stop.is_set():
            key = blobs.put_content("images", f"meanwhile {number}".encode(), "png")
            with database.transaction() as session:
                jobs.cancel(session, jobs.enqueue(session, "generation", key[-36:], "ü “é”", {"no": None, "x": 1.5}).id)
            number += 1
            begun.set()
        database.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(60)
        yield
    finally:
        stop.set()
        writer.join()


def destroy(settings: Settings, places: Places) -> None:
    """Remove the database, the store and the data folder."""
    if settings.database_url is not None:
        places.any_postgresql.remove(settings.database_url)
        database = Database(settings.database_url)
        with pytest.raises(DBAPIError), database.reading() as session:
            session.connection()
        database.close()
    if settings.storage_url is not None:
        places.any_s3.remove(settings.storage_url)
        assert not list(Blobs.at(settings.paths.blobs, settings.storage_url).list_())
    shutil.rmtree(settings.data)


def hashes(folder: Path, made: Any) -> dict[str, str]:
    """Return the hash of the content of every table and of every file of a backup."""
    from fluxtune.backups.vault import Vault

    vault = Vault(folder)
    tables = {table["name"]: table["content"] for table in made["tables"] if table["name"] not in CHANGED}
    return tables | {file.path: file.sha256 for file in vault.files(vault.find(made["id"]))}


@pytest.mark.parametrize(
    ("source", "target"), [(LOCAL, LOCAL), (SHARED, SHARED), (LOCAL, SHARED), (SHARED, LOCAL)], ids=str
)
def test_copied_destroyed_restored(
    command: Command, move: Callable[[str], None], places: Places, tmp_path: Path, source: str, target: str
) -> None:
    folder = tmp_path / "backups"
    data = ("--data", str(tmp_path / "data"))
    move(source)
    settings = load_settings(tmp_path / "data")
    fill(settings)
    with being_written_to(settings):
        made = command("admin", "backup", "--to", str(folder), *data)
    before = hashes(folder, made)
    assert sum(name.startswith("images/") for name in before) > 5
    destroy(settings, places)

    assert command("admin", "verify", "--from", str(folder))["problems"] == []
    move(target)
    command("admin", "restore", "--from", str(folder), *data)
    again = command("admin", "backup", "--to", str(folder), *data)
    assert hashes(folder, again) == before
