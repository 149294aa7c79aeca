"""Every error says what happened, why, and what to do; nothing else leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from fluxtune.api.app import create_app
from fluxtune.config import Settings

BASE_URL = "http://127.0.0.1:7860"
BEARER = {"authorization": "Bearer secret"}


@pytest.fixture
def strict(settings: Settings) -> Iterator[TestClient]:
    """A browser of an application with a small body limit and a route that breaks."""
    settings.server.max_body_bytes = 1000
    app: FastAPI = create_app(settings, studio_token="secret")

    def break_down() -> None:
        raise RuntimeError("password=hunter2")

    app.router.routes.insert(0, APIRoute("/api/broken", break_down))
    with TestClient(app, base_url=BASE_URL, headers=BEARER) as client:
        yield client


def test_unknown_addresses_of_the_api_are_no_pages(client: TestClient) -> None:
    response = client.get("/api/nix", headers={"accept": "text/html"})
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "There is nothing at /api/nix."


def test_fields_are_named_in_plain_sentences(client: TestClient) -> None:
    response = client.post("/api/generations", json={"model_id": "pocket", "prompt": "", "count": 99, "width": 65})
    assert response.status_code == 422
    errors = {error["field"]: error["message"] for error in response.json()["errors"]}
    assert errors == {
        "prompt": "Must have at least 1 characters.",
        "count": "Must be at most 32.",
        "width": "Must be a multiple of 16.",
    }


def test_missing_fields_and_broken_json(client: TestClient) -> None:
    missing = client.post("/api/generations", json={})
    assert {error["field"] for error in missing.json()["errors"]} == {"model_id", "prompt"}
    broken = client.post("/api/generations", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 422
    assert broken.json()["errors"][0]["message"] == "The request is not valid JSON."


def test_an_unexpected_error_tells_its_number_and_nothing_else(strict: TestClient, settings: Settings) -> None:
    response = strict.get("/api/broken")
    assert response.status_code == 500
    assert "hunter2" not in response.text
    assert "Traceback" not in response.text
    number = response.headers["x-request-id"]
    assert number in response.json()["technical"]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_too_large_a_body_is_refused(strict: TestClient, is_chunked: bool) -> None:
    body = b'{"name": "' + b"x" * 2000 + b'"}'
    content = iter([body[:900], body[900:]]) if is_chunked else body
    response = strict.post("/api/datasets", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert response.json()["title"] == "Too large"
    assert strict.get("/api/datasets").json() == []


def test_without_a_built_interface_a_page_says_how_to_build_it(settings: Settings, tmp_path: Path) -> None:
    with TestClient(create_app(settings, ui_dist=tmp_path / "none"), base_url=BASE_URL) as client:
        response = client.get("/")
        assert response.status_code == 503
        assert "make ui" in response.text


def test_the_interface_is_served_with_its_own_addresses(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>fluxtune</title>")
    (tmp_path / "assets" / "index-abc123.js").write_text("let a = 1;")
    with TestClient(create_app(settings, ui_dist=tmp_path), base_url=BASE_URL) as client:
        for path in ("/", "/finetunes/123"):
            page = client.get(path, headers={"accept": "text/html"})
            assert page.text == "<title>fluxtune</title>"
            assert page.headers["cache-control"] == "no-cache"
        script = client.get("/assets/index-abc123.js")
        assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert client.get("/assets/nix.js").status_code == 404
        assert client.get("/../../etc/passwd").status_code == 404


def test_the_contract_describes_errors_as_they_are(client: TestClient) -> None:
    contract = client.get("/api/openapi.json").json()
    assert "HTTPValidationError" not in contract["components"]["schemas"]
    for path, operations in contract["paths"].items():
        for operation in operations.values():
            errors = {status: body for status, body in operation["responses"].items() if status[0] in "45"}
            assert path in ("/healthz", "/readyz") or "403" in errors
            for body in errors.values():
                assert list(body["content"]) == ["application/problem+json"]
