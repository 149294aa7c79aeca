"""The log and the support bundle over HTTP and on the command line; no secret gets out with either."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from fluxtune.cli.main import run
from fluxtune.config import Settings
from fluxtune.db import Database
from fluxtune.jobs import repository
from fluxtune.jobs import service as jobs

SECRETS = (
    "Zq8vK2mN4pR7-hosted", "Yw3xL9kP5sT6-mail", "Hn4bV7cX2zQ1-signing", "Tr5yU8iO3pA6-collector", "pw-of-postgres-1",
    "T0K3N-of-old-logs", "B1Nd-of-slack",
)  # fmt: skip


@pytest.fixture
def secretive(settings: Settings) -> Settings:
    """A studio with a secret wherever one can be."""
    settings.hosted.key = SecretStr(SECRETS[0])
    settings.alerts.smtp_password = SecretStr(SECRETS[1])
    settings.alerts.webhook_secret = SecretStr(SECRETS[2])
    settings.telemetry.headers = {"x-api": SecretStr(SECRETS[3])}
    settings.jobs_database_url = f"postgresql://studio:{SECRETS[4]}@db.example/jobs"
    settings.alerts.webhook_url = f"https://hooks.example/services/{SECRETS[6]}"
    settings.alerts.mail_to = ["ada@example.org"]
    lines = [
        {"event": "signed in", "level": "info", "logger": "fluxtune.api.gate", "token": SECRETS[5]},
        {"event": f"GET /?token={SECRETS[5]}", "level": "error", "job_id": "j1", "process": "server"},
        {"event": f"the server said {SECRETS[0]}", "level": "warning"},
    ]
    settings.paths.log_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings.paths.log_file.with_name("fluxtune.log.1").write_text(f"half a line, password={SECRETS[5]}\n")
    return settings


def test_the_log_is_read_in_the_browser(client: TestClient, secretive: Settings) -> None:
    page = client.get("/api/logs").json()
    assert [line["level"] for line in page["lines"]] == ["warning", "error", "info"]
    assert not any(secret in json.dumps(page) for secret in SECRETS)
    found = client.get("/api/logs", params={"job_id": "j1", "level": "warning"}).json()
    assert [line["job_id"] for line in found["lines"]] == ["j1"]
    assert client.get("/api/logs", params={"level": "loud"}).status_code == 422


def test_a_request_can_be_followed_in_the_log(client: TestClient) -> None:
    request_id = client.get("/api/jobs/nothing").headers["x-request-id"]
    assert len(request_id) == 12
    assert client.get("/api/logs", params={"request_id": request_id}).status_code == 200


def test_the_bundle_has_everything_but_secrets(client: TestClient, secretive: Settings, database: Database) -> None:
    with database.transaction() as session:
        job = jobs.enqueue(session, "finetune", "f", "Finetune “my secret project”", {})
        row = repository.find_job(session, job.id)
        assert row is not None
        row.state, row.error = "failed", {**_problem(), "technical": f"401 for Bearer {SECRETS[5]}"}
    answer = client.get("/api/system/support-bundle")
    assert answer.headers["content-type"] == "application/zip"
    content = read(answer.content)
    assert set(content) == {
        "README.txt", "about.json", "settings.json", "jobs.json", "metrics.json", "alerts.json",
        "logs/fluxtune.log", "logs/fluxtune.log.1",
    }  # fmt: skip
    whole = "".join(content.values())
    assert not [secret for secret in (*SECRETS, "ada@example.org", "my secret project") if secret in whole]
    assert "could_not_be_found_out" not in whole
    settings = json.loads(content["settings.json"])
    assert settings["alerts.webhook_url"]["value"] == "https://hooks.example/…"
    assert settings["server.port"] == {"value": 7860, "source": "default"}
    assert json.loads(content["jobs.json"])[0]["error"]["title"] == "It failed"
    assert json.loads(content["about.json"])["database"]["kind"] in ("sqlite", "postgresql")


def test_a_bundle_is_made_even_where_the_database_is_gone(
    client: TestClient, app: FastAPI, secretive: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fluxtune.api.bundle import write_bundle

    content = read(write_bundle(secretive, Database("sqlite:////nowhere/at/all.sqlite")))
    assert "could_not_be_found_out" in content["jobs.json"]
    assert json.loads(content["about.json"])["database"]["revision"] is None


def test_only_who_is_signed_in_gets_either(anonymous: TestClient) -> None:
    for path in ("/api/logs", "/api/system/support-bundle"):
        assert anonymous.get(path).status_code == 403


def test_the_command_writes_the_same(secretive: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bundle.zip"
    assert run(["admin", "bundle", "--data", str(secretive.data), "--to", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(file), "byte_count": file.stat().st_size}
    assert "settings.json" in read(file.read_bytes())


def read(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def _problem() -> dict[str, object]:
    return {
        "type": "/errors/x", "title": "It failed", "status": 500, "detail": "", "action": "", "errors": [],
        "technical": None,
    }  # fmt: skip
