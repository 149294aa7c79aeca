"""Backups over the API: begun as a job, listed, checked, removed."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from fluxtune.backups import service
from fluxtune.backups.tasks import BackupTask
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import FluxtuneError
from fluxtune.db import Database
from fluxtune.jobs.runner import JobRunner
from fluxtune.jobs.schemas import Job
from fluxtune.storage import Blobs, FileLock


@pytest.fixture
def work(settings: Settings, database: Database, blobs: Blobs):
    """What a worker does with a job, here and now."""
    runner = JobRunner(database, [BackupTask(settings, database, blobs)], lambda: False)

    def run(job: dict) -> None:
        for step in runner.begin(job["id"], 1):
            runner.finish(job["id"], 1, runner.run_step(job["id"], step))

    return run


def test_make_check_and_remove(client: TestClient, work) -> None:
    assert client.get("/api/backups").json()["backups"] == []
    job = client.post("/api/backups", json={})
    assert job.status_code == 202
    assert client.get("/api/backups").json()["backups"][0]["state"] == "waiting"
    assert client.post("/api/backups", json={}).status_code == 409
    work(job.json())
    listed = client.get("/api/backups").json()
    (made,) = listed["backups"]
    assert (made["state"], made["origin"], made["verified_at"]) == ("done", "asked", None)
    assert made["row_count"] > 0
    assert listed["is_beside_data"]
    assert "fluxtune admin restore --from" in listed["restore_command"]

    work(client.post(f"/api/backups/{made['id']}/verification").json())
    (checked,) = client.get("/api/backups").json()["backups"]
    assert checked["verified_at"] is not None
    assert checked["damage"] == []

    assert client.delete(f"/api/backups/{made['id']}").json()["freed_bytes"] > 0
    assert client.get("/api/backups").json()["backups"] == []
    assert client.delete(f"/api/backups/{made['id']}").status_code == 404
    assert client.post(f"/api/backups/{made['id']}/verification").status_code == 404


def test_damage_is_shown(client: TestClient, work, settings: Settings) -> None:
    work(client.post("/api/backups", json={}).json())
    for path in (settings.backup_folder / "objects").glob("*/*"):
        path.write_bytes(path.read_bytes() + b"x")
    made = client.get("/api/backups").json()["backups"][0]
    job = client.post(f"/api/backups/{made['id']}/verification").json()
    work(job)
    assert client.get(f"/api/jobs/{job['id']}").json()["state"] == "failed"
    assert client.get("/api/backups").json()["backups"][0]["damage"]


def test_a_backup_that_could_not_be_made_says_why(client: TestClient, work, settings: Settings) -> None:
    settings.backup_folder.mkdir()
    lock = FileLock(settings.backup_folder / "lock")
    lock.acquire()
    work(client.post("/api/backups", json={}).json())
    lock.release()
    (failed,) = client.get("/api/backups").json()["backups"]
    assert failed["state"] == "failed"
    assert "already" in failed["error"]["title"]
    assert client.delete(f"/api/backups/{failed['id']}").status_code == 200


@pytest.mark.parametrize("folder", ["a file", "a file/deeper"])
def test_a_folder_that_can_not_be_used_is_named(
    client: TestClient, work, settings: Settings, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "a file").write_text("")
    settings.backups.folder = tmp_path / folder
    work(client.post("/api/backups", json={}).json())
    (failed,) = client.get("/api/backups").json()["backups"]
    assert failed["error"]["type"] == "/errors/backup-folder-unusable"
    assert str(tmp_path / "a file") in failed["error"]["detail"]
    assert "Settings" in failed["error"]["action"]


def test_a_folder_that_was_emptied_is_none(client: TestClient, settings: Settings) -> None:
    for emptied in ("", None):
        client.patch("/api/settings", json={"values": {"backups.folder": emptied}}).raise_for_status()
        assert client.get("/api/backups").json()["folder"] == str(settings.paths.backups)
    settings.backups.folder = Path("copies")
    assert client.get("/api/backups").json()["folder"] == str(settings.data / "copies")


def test_scheduled_ones_begin_once_and_old_ones_go(
    app: FastAPI, settings: Settings, database: Database, work, client: TestClient
) -> None:
    def due() -> Job | None:
        with database.transaction() as session:
            return service.start_if_due(session, settings, now())

    assert due() is None, "no schedule, no backup"
    settings.backups.every_hours = 24
    job = due()
    assert job is not None
    assert due() is None, "one is under way"
    work({"id": job.id})
    assert due() is None, "the next is due tomorrow"
    settings.backups.keep = 1
    work(client.post("/api/backups", json={}).json())
    (left,) = client.get("/api/backups").json()["backups"]
    assert left["origin"] == "asked"


def test_while_one_is_under_way_no_file_is_removed(settings: Settings, database: Database, blobs: Blobs) -> None:
    with database.reading() as session:
        assert not service.is_under_way(session)

    def look(_done: int, _total: int) -> None:
        with database.reading() as session:
            seen.append(service.is_under_way(session))

    seen: list[bool] = []
    blobs.put("images/ab/abc.png", b"image")
    service.run(settings, database, blobs, "b1", "command", progress=look)
    assert seen
    assert all(seen)
    with database.reading() as session:
        assert not service.is_under_way(session)


def test_the_file_of_what_is_purged_meanwhile_is_copied(settings: Settings, database: Database, blobs: Blobs) -> None:
    from datetime import timedelta

    from fluxtune.trash import service as trash

    blobs.put("images/ab/abc.png", b"image")
    with database.transaction() as session:
        trash.leave_blobs(session, ["images/ab/abc.png"], "abc")
    later = now() + timedelta(days=1)

    def sweep(_done: int, _total: int) -> None:
        assert trash.sweep(database, blobs, settings.data, later, service.is_under_way) == 0

    service.run(settings, database, blobs, "b1", "command", progress=sweep)
    assert trash.sweep(database, blobs, settings.data, later, service.is_under_way) == 1


def test_a_full_disk_is_said(settings: Settings, database: Database, blobs: Blobs, monkeypatch) -> None:
    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fluxtune.backups.vault.Vault.put", full)
    with pytest.raises(FluxtuneError, match="disk is full"):
        service.run(settings, database, blobs, "b1", "command")
    with database.reading() as session:
        shown = service.list_(session, settings).backups[0]
    assert shown.state == "failed"
    assert shown.error is not None
