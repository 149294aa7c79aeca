"""Alerts over HTTP."""

from starlette.testclient import TestClient


def test_an_alert_is_tried_seen_and_seen_to(client: TestClient) -> None:
    made = client.post("/api/alerts/trial").json()
    assert (made["kind"], made["mail_state"], made["cleared_at"]) == ("test", "new", None)
    again = client.post("/api/alerts/trial").json()
    assert [each["id"] for each in client.get("/api/alerts", params={"is_open": True}).json()] == [again["id"]]
    cleared = client.post(f"/api/alerts/{again['id']}/clearing").json()
    assert cleared["cleared_by"] == "local owner"
    assert client.get("/api/alerts", params={"is_open": True}).json() == []
    assert [each["id"] for each in client.get("/api/alerts").json()] == [again["id"], made["id"]]
    assert client.post("/api/alerts/nothing/clearing").status_code == 404
