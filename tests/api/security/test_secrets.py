"""A secret that was given is never said again: not in an answer, an address, an error or the log."""

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from tests.conftest import BASE_URL, STUDIO_TOKEN
from tests.makers import state_of

SECRET = "hunter2-and-much-longer"


def said(response) -> str:
    """Return all of an answer, its header lines as well."""
    return f"{response.text} {response.headers}"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/session", {"token": SECRET}),
        ("POST", "/api/session", {"token": [SECRET]}),
        ("POST", "/api/session/password", {"email": "a@b.example", "password": SECRET}),
        ("POST", "/api/session/password", {"email": "a@b.example", "password": {"x": SECRET}}),
        ("POST", "/api/session/password", {"email": "a@b.example", "password": SECRET * 500}),
        ("PUT", "/api/session/password", {"current": SECRET, "password": SECRET}),
        ("POST", "/api/people/first", {"email": 1, "name": "", "password": SECRET}),
        ("POST", "/api/invitations/acceptance", {"token": SECRET, "password": "x", "name": "n"}),
        ("POST", "/api/invitations/reading", {"token": SECRET}),
        ("POST", "/api/servers", {"name": "x", "url": "nowhere", "token": SECRET}),
        ("POST", "/api/servers", {"name": "x", "url": f"http://user:{SECRET}@a.example", "token": "t"}),
        ("POST", "/api/captioners/endpoints", {"name": "x", "url": "http://10.0.0.1", "model": "m", "key": SECRET}),
        ("POST", "/api/captioners/endpoints", {"name": "x", "url": "https://a.example", "model": "m", "key": SECRET}),
        ("POST", "/api/hosted/keys", {"name": "x" * 500, "key": SECRET}),
        (
            "POST",
            "/api/finetunes",
            {"dataset_id": "0" * 32, "base": "x", "webhook_url": "no", "webhook_secret": SECRET},
        ),
        ("PATCH", "/api/settings", {"values": {"hosted.api_key": SECRET}}),
        ("PATCH", "/api/settings", {"values": {"alerts.smtp_password": SECRET}}),
        ("PATCH", "/api/settings", {"values": {"alerts.smtp_password": [SECRET]}}),
        ("POST", "/api/settings/import", {"text": f'[alerts]\nsmtp_password = "{SECRET}"\n'}),
    ],
)
def test_no_answer_and_no_log_line_says_it(shared_client, method, path, body):
    with capture_logs() as lines:
        response = shared_client.request(method, path, json=body)
    assert response.status_code < 500
    assert SECRET not in said(response)
    assert SECRET not in str(lines)
    for place in ("/api/settings", "/api/settings/export", "/api/settings/changes", "/api/audit", "/api/audit/export"):
        assert SECRET not in shared_client.get(place).text, place


def test_a_token_in_the_printed_address_is_gone_at_once(shared_client):
    browser = TestClient(shared_client.app, base_url=BASE_URL)
    token = shared_client.post("/api/session/links").json()["token"]
    with capture_logs() as lines:
        response = browser.get("/", params={"token": token}, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert token not in said(response)
    assert token not in str(lines)
    stranger = TestClient(shared_client.app, base_url=BASE_URL)
    refused = stranger.get("/", params={"token": f"<script>{SECRET}"})
    assert SECRET not in refused.text


def test_what_breaks_says_its_number_and_nothing_else(shared_client, monkeypatch):
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError(f"could not connect with {SECRET}")

    monkeypatch.setattr("fluxtune.datasets.service.DatasetService.list_datasets", break_down)
    browser = TestClient(shared_client.app, base_url=BASE_URL, raise_server_exceptions=False)
    response = browser.get("/api/datasets", headers={"authorization": f"Bearer {STUDIO_TOKEN}"})
    assert response.status_code == 500
    assert SECRET not in said(response)
    assert "RuntimeError" not in response.text
    assert response.headers["x-request-id"] in response.text


def test_keys_are_listed_without_their_values(shared_client):
    made = shared_client.post("/api/tokens", json={"name": "script"}).json()
    assert made["token"] not in shared_client.get("/api/tokens").text
    assert made["token"] not in shared_client.get("/api/audit").text
    settings = state_of(shared_client).settings
    assert STUDIO_TOKEN not in settings.model_dump_json()
