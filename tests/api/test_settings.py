"""Settings over the API: what holds, where it comes from, change, undo, export and import."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from fluxtune.api.app import create_app
from fluxtune.config import Settings, load_settings
from fluxtune.db import Database
from tests.conftest import BASE_URL, STUDIO_TOKEN


def setting(client: TestClient, key: str) -> dict[str, Any]:
    groups = client.get("/api/settings").json()["groups"]
    return next(each for group in groups for each in group["settings"] if each["key"] == key)


def change(client: TestClient, **values: Any) -> Any:
    answer = client.patch("/api/settings", json={"values": {k.replace("__", "."): v for k, v in values.items()}})
    assert answer.status_code == 200, answer.text
    return answer.json()


def changes(client: TestClient) -> Any:
    return client.get("/api/settings/changes").json()


def test_a_change_holds_when_the_answer_is_there(client: TestClient) -> None:
    before = setting(client, "trash.keep_days")
    assert (before["value"], before["source"], before["locked"]) == (30, "default", None)
    assert change(client, trash__keep_days=5)["change"]["id"] == 1
    assert client.get("/api/system").json()["trash_keep_days"] == 5
    after = setting(client, "trash.keep_days")
    assert (after["value"], after["default"], after["source"], after["changed_by"]) == (5, 30, "browser", "local owner")
    assert client.patch("/api/settings", json={"reset": ["trash.keep_days"]}).status_code == 200
    assert client.get("/api/system").json()["trash_keep_days"] == 30


def test_a_change_is_one_or_none(client: TestClient) -> None:
    answer = client.patch(
        "/api/settings",
        json={"values": {"trash.keep_days": 5, "engine.max_tries": 0, "no.such": 1, "server.port": 80}, "reset": []},
    )
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == {"engine.max_tries", "no.such", "server.port"}
    assert setting(client, "trash.keep_days")["source"] == "default"
    assert changes(client) == []


def test_saving_what_is_there_is_no_change(client: TestClient) -> None:
    change(client, trash__keep_days=5)
    again = change(client, trash__keep_days=5)
    assert (again["change"], again["settings"]["revision"]) == (None, 1)


def test_undo_and_undo_of_undo(client: TestClient) -> None:
    change(client, trash__keep_days=5, engine__max_tries=9)
    change(client, trash__keep_days=6)
    refused = client.post("/api/settings/changes/1/undo")
    assert refused.status_code == 409
    assert "Keep deleted things for" in refused.json()["detail"]
    assert client.post("/api/settings/changes/2/undo").status_code == 200
    assert setting(client, "trash.keep_days")["value"] == 5
    assert client.post("/api/settings/changes/2/undo").status_code == 409
    assert client.post("/api/settings/changes/1/undo").status_code == 200
    assert [setting(client, key)["source"] for key in ("trash.keep_days", "engine.max_tries")] == ["default"] * 2
    newest = changes(client)[0]
    assert (newest["kind"], newest["id"]) == ("undo", 4)
    assert client.post("/api/settings/changes/4/undo").status_code == 200
    assert setting(client, "engine.max_tries")["value"] == 9
    assert client.post("/api/settings/changes/99/undo").status_code == 404


def test_every_change_is_in_the_audit_log(client: TestClient, database: Database) -> None:
    change(client, trash__keep_days=5, hosted__key="bfl-secret-key")
    with database.reading() as session:
        rows = session.connection().exec_driver_sql("SELECT * FROM audit_entry").mappings().all()
    told = [row for row in rows if row["action"] == "setting.changed"]
    assert {row["target_id"] for row in told} == {"trash.keep_days", "hosted.key"}
    assert "bfl-secret-key" not in str(rows)


def test_secrets_are_kept_encrypted_and_never_shown(client: TestClient, database: Database, settings: Settings) -> None:
    change(client, hosted__key="bfl-secret-key")
    assert settings.hosted.key is not None
    assert settings.hosted.key.get_secret_value() == "bfl-secret-key"
    shown = setting(client, "hosted.key")
    assert (shown["value"], shown["is_set"], shown["is_secret"]) == (None, True, True)
    answers = [client.get(f"/api/settings{path}").text for path in ("", "/changes", "/export")]
    with database.reading() as session:
        answers += [str(session.connection().exec_driver_sql("SELECT * FROM adjustment").all())]
        answers += [str(session.connection().exec_driver_sql("SELECT * FROM adjustment_change").all())]
    assert not any("bfl-secret-key" in answer for answer in answers)
    change(client, hosted__key="bfl-secret-key")
    assert len(changes(client)) == 1  # sealed anew, it is still the same
    assert client.post("/api/settings/changes/1/undo").status_code == 200
    assert settings.hosted.key is None


def test_what_file_and_environment_say_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fluxtune.toml").write_text("[trash]\nkeep_days = 7\n")
    monkeypatch.setenv("FLUXTUNE_ENGINE__MAX_TRIES", "4")
    app = create_app(load_settings(tmp_path), studio_token=STUDIO_TOKEN)
    with TestClient(app, base_url=BASE_URL) as client:
        client.post("/api/session", json={"token": STUDIO_TOKEN})
        by_file, by_environment = setting(client, "trash.keep_days"), setting(client, "engine.max_tries")
        assert (by_file["value"], by_file["source"]) == (7, "file")
        assert str(tmp_path / "fluxtune.toml") in by_file["locked"]
        assert by_environment["source_name"] == "FLUXTUNE_ENGINE__MAX_TRIES"
        answer = client.patch("/api/settings", json={"values": {"trash.keep_days": 1}})
        assert answer.status_code == 422
        assert "goes before the browser" in answer.json()["detail"]


def test_what_needs_a_start_says_that_it_waits(client: TestClient, settings: Settings) -> None:
    change(client, server__max_body_bytes=1_000_000)
    shown = setting(client, "server.max_body_bytes")
    assert (shown["value"], shown["source"], shown["is_waiting"]) == (1_000_000, "browser", True)
    assert settings.server.max_body_bytes != 1_000_000
    after = load_settings(settings.data)
    create_app(after, studio_token=STUDIO_TOKEN)
    assert after.server.max_body_bytes == 1_000_000


def test_export_and_import_carry_settings_to_another_studio(client: TestClient, tmp_path: Path) -> None:
    change(client, trash__keep_days=5, captions__local_endpoints=["http://box:1"], hosted__key="bfl-secret-key")
    change(client, engine__bases={"own": "/bases/own"})
    exported = client.get("/api/settings/export")
    assert "fluxtune-settings.toml" in exported.headers["content-disposition"]
    app = create_app(load_settings(tmp_path / "other"), studio_token=STUDIO_TOKEN)
    with TestClient(app, base_url=BASE_URL) as other:
        other.post("/api/session", json={"token": STUDIO_TOKEN})
        text = exported.text + '\n[server]\nport = 99\n[gone]\nx = 1\n[hosted]\nkey = "abc"\n'
        trial = other.post("/api/settings/import", json={"text": text, "is_trial": True}).json()
        assert trial["change_id"] is None
        assert {each["key"] for each in trial["changes"]} == {
            "trash.keep_days", "captions.local_endpoints", "engine.bases",
        }  # fmt: skip
        assert {each["key"] for each in trial["skipped"]} == {"server.port", "gone", "hosted.key"}
        assert setting(other, "trash.keep_days")["value"] == 30
        done = other.post("/api/settings/import", json={"text": text}).json()
        assert done["changes"] == trial["changes"]
        assert setting(other, "engine.bases")["value"] == {"own": "/bases/own"}
        assert other.get("/api/settings/export").text == exported.text
        assert other.post("/api/settings/changes/1/undo").status_code == 200
        assert setting(other, "captions.local_endpoints")["source"] == "default"


def test_a_file_with_a_bad_value_changes_nothing(client: TestClient) -> None:
    for text in ("[trash]\nkeep_days = -1\n[engine]\nmax_tries = 5\n", "no file", "[trash\n"):
        answer = client.post("/api/settings/import", json={"text": text})
        assert answer.status_code == 422, text
    assert changes(client) == []
