"""Who gets in, and who does not."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from fluxtune.accounts import service as accounts
from fluxtune.accounts.keys import hash_token
from fluxtune.api.permissions import rule_of
from fluxtune.config import Settings
from fluxtune.db import Database
from tests.places import stored_bytes

TOKEN = "studio-token-of-the-tests"


@pytest.fixture
def link(database: Database) -> str:
    with database.transaction() as session:
        return accounts.create_link(session)


class TestSignIn:
    def test_a_stranger_sees_nothing(self, anonymous: TestClient) -> None:
        response = anonymous.get("/api/session")
        assert response.status_code == 403
        assert response.headers["content-type"] == "application/problem+json"
        assert "fluxtune serve" in response.json()["action"]

    def test_every_route_of_the_api_is_closed(self, app: FastAPI, anonymous: TestClient) -> None:
        paths = app.openapi()["paths"]
        for path, methods in paths.items():
            for method in methods:
                if rule_of(method.upper(), path) == "open":
                    continue
                response = anonymous.request(method, path.replace("{", "").replace("}", ""))
                assert response.status_code == 403, (method, path)

    def test_the_studio_token_signs_in_again_and_again(self, new_client: Callable[[], TestClient]) -> None:
        for _ in range(2):
            client = new_client()
            response = client.post("/api/session", json={"token": TOKEN})
            assert response.json()["actor"] == "local owner"
            cookie = response.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=strict" in cookie
            assert client.get("/api/session").status_code == 200

    def test_a_link_signs_in_once(self, new_client: Callable[[], TestClient], link: str) -> None:
        first, second = new_client(), new_client()
        response = first.get("/", params={"token": link}, follow_redirects=False)
        assert (response.status_code, response.headers["location"]) == (303, "/")
        assert first.get("/api/session").status_code == 200
        refused = second.get("/", params={"token": link}, follow_redirects=False)
        assert refused.status_code == 403
        assert "fluxtune open" in refused.text
        # In the browser that used it, the same address just opens the studio.
        assert first.get("/", params={"token": link}, follow_redirects=False).status_code == 303

    def test_a_wrong_token_is_refused(self, anonymous: TestClient) -> None:
        assert anonymous.post("/api/session", json={"token": "guess"}).status_code == 403
        assert not anonymous.cookies

    def test_studios_on_two_ports_do_not_sign_each_other_out(self, client: TestClient) -> None:
        client.cookies.set("fluxtune_session_7861", "of the other studio")
        assert client.get("/api/session").status_code == 200

    def test_an_address_without_a_port(self, anonymous: TestClient) -> None:
        headers = {"host": "localhost"}
        response = anonymous.post("/api/session", json={"token": TOKEN}, headers=headers)
        assert response.headers["set-cookie"].startswith("fluxtune_session=")

    def test_more_links_can_be_made(self, client: TestClient, new_client: Callable[[], TestClient]) -> None:
        token = client.post("/api/session/links").json()["token"]
        assert new_client().post("/api/session", json={"token": token}).status_code == 200

    def test_signing_out_ends_this_session_at_once(
        self, client: TestClient, new_client: Callable[[], TestClient]
    ) -> None:
        other = new_client()
        assert other.post("/api/session", json={"token": TOKEN}).status_code == 200
        kept = dict(client.cookies)
        assert client.get("/api/session").status_code == 200  # it is remembered now
        assert client.delete("/api/session").status_code == 204
        assert not client.cookies
        # Who has copied the cookie is out, too.
        client.cookies.update(kept)
        assert client.get("/api/session").status_code == 403
        assert other.get("/api/session").status_code == 200

    def test_bearer(self, anonymous: TestClient) -> None:
        good, bad = {"authorization": f"Bearer {TOKEN}"}, {"authorization": "Bearer guess"}
        assert anonymous.get("/api/session", headers=good).status_code == 200
        assert anonymous.get("/api/session", headers=bad).status_code == 403

    def test_only_hashes_are_stored(self, client: TestClient, settings: Settings, link: str) -> None:
        stored = stored_bytes(settings)
        assert hash_token(link).encode() in stored
        assert link.encode() not in stored
        assert client.cookies["fluxtune_session_7860"].encode() not in stored


class TestBrowserAttacks:
    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "evil.example:7860"])
    def test_other_names_for_us_are_refused(self, client: TestClient, host: str) -> None:
        assert client.get("/api/session", headers={"host": host}).status_code == 403

    @pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1:1", "[::1]:7860"])
    def test_our_names_are_fine(self, client: TestClient, host: str) -> None:
        assert client.get("/healthz", headers={"host": host}).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example"},
            {"origin": "http://127.0.0.1:9999"},
            {"origin": "null"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
        ],
    )
    def test_changes_from_elsewhere_are_refused(self, client: TestClient, headers: dict[str, str]) -> None:
        response = client.post("/api/datasets", json={"name": "x"}, headers=headers)
        assert response.status_code == 403
        assert client.get("/api/datasets").json() == []

    def test_changes_from_here_are_fine(self, client: TestClient) -> None:
        headers = {"origin": "http://127.0.0.1:7860", "sec-fetch-site": "same-origin"}
        assert client.post("/api/datasets", json={"name": "x"}, headers=headers).status_code == 201

    def test_a_page_may_run_only_what_we_serve(self, anonymous: TestClient) -> None:
        headers = anonymous.get("/").headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
