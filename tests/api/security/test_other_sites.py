"""Another site in the same browser: forged requests, names of its own that point here, frames, reading along."""

import pytest
from starlette.testclient import TestClient

from fluxtune.api.permissions import RULES
from tests.conftest import BASE_URL, STUDIO_TOKEN

CHANGES = [
    rule.split(" ", 1) for rule in RULES if rule.startswith(("POST /api", "PUT /api", "PATCH /api", "DELETE /api"))
]
READS = [
    "/api/datasets",
    "/api/session/ways",
    "/v1/credits",
    "/v1/openapi.json",
    "/metrics",
    "/healthz",
    "/",
    "/datasets",
]
EVIL = (
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example:7860",
    "",
    "127.0.0.1@evil.example",
    "[::1",
    "0x7f.1",
    "127.1",
)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
    ids=["origin", "sandboxed", "fetch metadata"],
)
def test_no_route_that_changes_something_obeys_another_site(shared_client, headers):
    assert len(CHANGES) > 90
    for method, path in CHANGES:
        response = shared_client.request(method, path, headers=headers, content=b"{}")
        assert response.json()["type"] == "/errors/wrong-origin", (method, path, response.text)


def test_what_a_form_can_send_is_not_taken_for_json(shared_client):
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = shared_client.post("/api/datasets", content=b'{"name":"x"}', headers={"content-type": kind})
        assert response.status_code == 422, kind
    assert shared_client.get("/api/datasets").json() == []


def test_reading_changes_nothing():
    """Another site can make a browser follow a link; the cookie does not go along, and no GET does anything anyway."""
    doing = ("/cancellation", "/restoration", "/revocation", "/stop", "/retry", "/undo", "/restart", "/cleanings")
    assert not [rule for rule in RULES if rule.startswith("GET") and rule.endswith(doing)]


@pytest.mark.parametrize("host", EVIL)
def test_a_name_that_was_pointed_here_reaches_nothing(shared_client, host):
    for path in READS:
        response = shared_client.get(path, headers={"host": host})
        assert response.status_code == 403, path
        assert response.json()["type"] == "/errors/wrong-host"


def test_a_name_that_was_pointed_here_reaches_nothing_of_a_team(shared_client, monkeypatch):
    gate = _gate_of(shared_client)
    monkeypatch.setattr(gate, "_is_team", True)
    assert shared_client.get("/healthz", headers={"host": "evil.example"}).status_code == 403
    monkeypatch.setattr(gate._settings.server, "allowed_hosts", ["studio.example"])
    assert shared_client.get("/healthz", headers={"host": "studio.example"}).status_code == 200
    assert shared_client.get("/healthz", headers={"host": "studio.example.evil.example"}).status_code == 403


def test_no_other_site_may_read_along(shared_client):
    for path in (*READS, "/api/nothing"):
        headers = shared_client.get(path, headers={"origin": "https://evil.example"}).headers
        assert "access-control-allow-origin" not in headers, path
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
    preflight = shared_client.options("/api/datasets", headers={"origin": "https://evil.example"})
    assert "access-control-allow-methods" not in preflight.headers


def test_a_cookie_opens_nothing_of_the_other_api(shared_client):
    """Under /v1 the origin is not looked at, so what a browser sends by itself must not count there."""
    assert shared_client.get("/v1/credits").status_code == 403
    assert shared_client.get("/v1/credits", headers={"authorization": f"Bearer {STUDIO_TOKEN}"}).status_code == 403


def test_a_cookie_is_of_no_use_elsewhere(shared_client):
    stranger = TestClient(shared_client.app, base_url=BASE_URL)
    cookie = stranger.post("/api/session", json={"token": STUDIO_TOKEN}).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "domain=" not in cookie


def _gate_of(client):
    layer = client.app.middleware_stack
    while type(layer).__name__ != "Gate":
        layer = getattr(layer, "app", None) or layer._app
    return layer
