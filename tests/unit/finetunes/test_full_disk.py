"""Disk full at each write of the studio's side of a finetune: a clear state, a clear message, and the run goes on."""

import errno

import pytest
from sqlalchemy.exc import OperationalError

from fluxtune.finetunes import folders, tasks
from fluxtune.finetunes.runs import RunRecorder
from fluxtune.jobs import repository
from fluxtune.jobs.tasks import JobContext
from tests.makers import state_of
from tests.unit.finetunes.test_going_on import Trainer, dataset, finetune, run, start, studio

__all__ = ["dataset", "finetune", "studio"]


def full(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def database_full(*_args, **_kwargs):
    raise OperationalError("INSERT", {}, Exception("database or disk is full"))


@pytest.mark.parametrize(
    ("place", "name", "how"),
    [
        (folders, "write_snapshot", full),
        (folders, "write_atomic", full),
        (RunRecorder, "receive", database_full),
        (tasks, "store_adapter", full),
        (JobContext, "emit", database_full),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_the_run_is_paused_and_goes_on_when_there_is_room(studio, finetune, monkeypatch, place, name, how):
    with monkeypatch.context() as patched:
        patched.setattr(place, name, how)
        shown = run(studio, finetune, Trainer())
        assert (shown["state"], shown["error"]) == ("paused", None)
    events = studio.get(f"/api/finetunes/{finetune['id']}/log")
    assert events.status_code == 200
    assert studio.post(f"/api/finetunes/{finetune['id']}/resumption").json()["state"] == "queued"
    assert run(studio, finetune, Trainer(), attempt=2)["state"] == "succeeded"


def test_a_webhook_tells_of_it(studio, dataset, monkeypatch):
    finetune = start(studio, dataset, webhook_url="https://example.com/hook")
    monkeypatch.setattr(folders, "write_snapshot", full)
    run(studio, finetune, Trainer())
    assert studio.get(f"/api/finetunes/{finetune['id']}").json()["webhook"]["type"] == "finetune.paused"


def test_what_a_request_can_not_write_is_said_and_not_half_done(studio, dataset, monkeypatch):
    monkeypatch.setattr(repository, "add_job", database_full)
    response = studio.post("/api/finetunes", json={"dataset_id": dataset["id"], "base": "tiny"})
    assert (response.status_code, response.json()["type"]) == (500, "/errors/disk-full")
    assert "Free some room" in response.json()["action"]
    assert studio.get("/api/finetunes").json() == []


def test_the_key_of_secrets_finds_no_room(studio, dataset, monkeypatch):
    from fluxtune.config.secrets import SecretBox

    state_of(studio).settings.paths.secret_key.unlink(missing_ok=True)
    monkeypatch.setattr(SecretBox, "_create", full)
    body = {
        "dataset_id": dataset["id"], "base": "tiny", "webhook_url": "https://example.com/",
        "webhook_secret": "long enough",
    }  # fmt: skip
    response = studio.post("/api/finetunes", json=body)
    assert (response.status_code, response.json()["type"]) == (500, "/errors/disk-full")
    assert studio.get("/api/finetunes").json() == []
