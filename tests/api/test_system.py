"""What the studio says about itself."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import fluxtune
from fluxtune.backends.base import EngineMissing
from fluxtune.backends.local import readiness
from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.engine.doctor import EngineCheck
from fluxtune.jobs import repository
from fluxtune.jobs.liveness import owner_name
from fluxtune.jobs.tables import WorkerRow


def test_health_needs_no_sign_in(anonymous: TestClient) -> None:
    assert anonymous.get("/healthz").json() == {"status": "ok", "version": fluxtune.__version__}


def test_facts(client: TestClient, app: FastAPI) -> None:
    facts = client.get("/api/system").json()
    assert facts["version"] == fluxtune.__version__
    assert facts["data_dir"] == str(app.state.settings.data)
    assert facts["disk_free_bytes"] > 0
    assert 0 < facts["memory_available_bytes"] <= facts["memory_total_bytes"]
    assert facts["engine"]["device"] in ("cpu", "cuda", "mps")


def test_a_missing_engine_comes_with_the_command(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    command = "pip install 'fluxtune[local]'"
    monkeypatch.setattr(
        readiness, "check_engine", lambda: EngineCheck(is_ready=False, missing=["torch"], command=command)
    )
    engine = client.get("/api/system").json()["engine"]
    assert engine["is_ready"] is False
    assert engine["missing"] == [
        {"name": "torch", "reason": "computes on the processor or graphics card", "command": command}
    ]
    with pytest.raises(EngineMissing) as refusal:
        readiness.require_engine()
    assert command in refusal.value.action
    assert refusal.value.status == 503


def test_the_worker(client: TestClient, app: FastAPI, database: Database) -> None:
    assert client.get("/api/system").json()["worker"]["state"] == "lost"
    app.state.is_worker_expected = True
    assert client.get("/api/system").json()["worker"]["state"] == "starting"
    with database.transaction() as session:
        row = WorkerRow(id="local", owner=owner_name(), started_at=now(), heartbeat_at=now())
        repository.replace_worker(session, row)
    assert client.get("/api/system").json()["worker"] == {"state": "ready", "device_holder": None}


@pytest.mark.parametrize("name", ["recipe", "generation"])
def test_schemas_carry_what_a_form_needs(client: TestClient, name: str) -> None:
    properties = client.get(f"/api/schemas/{name}").json()["properties"]
    steps = properties["steps"]
    assert steps["title"] == "Steps"
    assert steps["description"]
    assert steps["level"] == "more"
    assert steps["group"]
    assert steps["unit"] == "steps"


def test_the_contract_is_served(client: TestClient) -> None:
    contract = client.get("/api/openapi.json").json()
    assert "/api/finetunes/{finetune_id}/cancellation" in contract["paths"]
    assert client.get("/docs").status_code == 404
