"""What people do to things of a studio stands in its audit log, once each, without secrets."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.bfl_server import KEY
from tests.hosting import hosted, server
from tests.makers import add_dataset, add_model, fill_gallery

__all__ = ["hosted", "server"]


def entries_of(client: TestClient, kind: str) -> list[dict[str, Any]]:
    return list(reversed(client.get("/api/audit", params={"kind": kind}).json()["entries"]))


def test_deleting_and_restoring_is_noted_once(client: TestClient, tmp_path: Any) -> None:
    dataset = add_dataset(client, 1)["id"]
    model = add_model(client, tmp_path).id
    (image,) = fill_gallery(client, {"prompt": "a red cat"})
    things = {"dataset": f"/api/datasets/{dataset}", "model": f"/api/models/{model}", "image": f"/api/gallery/{image}"}
    for kind, address in things.items():
        for _ in range(2):
            assert client.delete(address).status_code < 300
            assert client.post(f"{address}/restoration").status_code < 300
            client.post(f"{address}/restoration")
        found = [(each["action"], each["target_id"]) for each in entries_of(client, kind)]
        here = [address.rpartition("/")[2]] * 4
        done = [f"{kind}.deleted", f"{kind}.restored"] * 2
        assert found == list(zip(done, here, strict=True))
    assert entries_of(client, "image")[0]["name"] == "a red cat"
    assert client.get("/api/audit/verification").json()["is_whole"]


def test_keys_and_budget_are_noted_without_the_key(hosted: TestClient) -> None:
    before = len(entries_of(hosted, "key"))
    added = hosted.post("/api/hosted/keys", json={"name": "mine", "key": KEY, "region": "server"})
    assert added.status_code == 201, added.text
    assert hosted.delete("/api/hosted/keys/mine").status_code == 204
    for _ in range(2):
        assert hosted.put("/api/hosted/budget", json={"per_day": 100}).status_code == 200
    assert [each["action"] for each in entries_of(hosted, "key")[before:]] == ["key.added", "key.removed"]
    (budget,) = [each for each in entries_of(hosted, "budget") if each["after"]["per_day"] == 100]
    assert budget["before"]["per_day"] is None
    assert KEY not in hosted.get("/api/audit/export").text


def test_caption_servers_are_noted(client: TestClient) -> None:
    body = {"name": "vision", "url": "https://example.org/v1", "model": "m", "key": "very-secret"}
    answer = client.post("/api/captioners/endpoints", json=body)
    if answer.status_code != 201:
        pytest.skip("Names can't be looked up here.")
    client.delete("/api/captioners/endpoints/vision")
    added, removed = entries_of(client, "caption_server")
    assert (added["after"]["has_key"], removed["action"]) == (True, "caption_server.removed")
    assert "very-secret" not in client.get("/api/audit/export").text
