"""Flags and the audit log over HTTP."""

import csv
import io
import json

import pytest
from starlette.testclient import TestClient

from fluxtune.flags.registry import NAMES


def test_a_flag_is_changed_at_once_and_noted(client: TestClient) -> None:
    assert client.get("/api/session").json()["flags"] == list(NAMES)
    answer = client.put("/api/flags/v1-server", json={"state": "off"})
    assert answer.status_code == 200, answer.text
    assert "v1-server" not in client.get("/api/session").json()["flags"]
    shown = {flag["name"]: flag for flag in client.get("/api/flags").json()}
    assert shown["v1-server"]["state"] == "off"
    assert client.delete("/api/flags/v1-server").json()["is_on"]
    actions = [entry["action"] for entry in client.get("/api/audit").json()["entries"]]
    assert actions[:2] == ["flag.reset", "flag.changed"]


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("nonsense", {"state": "off"}, 404),
        ("v1-server", {"state": "maybe"}, 422),
        ("v1-server", {"state": "some"}, 422),
        ("v1-server", {"state": "off", "until": "2030-01-01T00:00:00"}, 422),
        ("v1-server", {"state": "off", "until": "0001-01-01T00:00:00+14:00"}, 422),
        ("v1-server", {"state": "off", "until": "9999-12-31T23:59:59-12:00"}, 422),
        ("v1-server", {"state": "some", "people": ["a\x00b"]}, 422),
        ("v1-server", {"state": "some", "roles": ["emperor"]}, 422),
    ],
)
def test_nonsense_is_refused(client: TestClient, name: str, body: dict[str, object], status: int) -> None:
    assert client.put(f"/api/flags/{name}", json=body).status_code == status


def test_the_log_is_paged_filtered_verified_and_exported(client: TestClient) -> None:
    for name in NAMES[:3]:
        client.put(f"/api/flags/{name}", json={"state": "off"})
    first = client.get("/api/audit", params={"limit": 2, "kind": "flag"}).json()
    second = client.get("/api/audit", params={"kind": "flag", "before": first["next_before"]}).json()
    assert [each["target_id"] for each in first["entries"] + second["entries"]] == list(reversed(NAMES[:3]))
    assert client.get("/api/audit", params={"query": "image prompts"}).json()["entries"][0]["name"] == "Image prompts"
    assert client.get("/api/audit/filters").json()["actors"] == [{"id": "local", "name": "local owner"}]
    found = client.get("/api/audit/verification").json()
    assert found["is_whole"]
    assert found["entries"] >= 3
    lines = [json.loads(line) for line in client.get("/api/audit/export").text.splitlines()]
    rows = list(csv.DictReader(io.StringIO(client.get("/api/audit/export", params={"format": "csv"}).text)))
    assert lines[-1]["hash"] == rows[-1]["hash"] == found["head"]


@pytest.mark.parametrize("query", ["before=0", "before=99999999999999999999", "since=2020-01-01", "limit=501"])
def test_bad_questions_are_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/api/audit?{query}").status_code == 422
