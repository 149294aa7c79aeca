"""Adding, testing and removing other servers; what they are is found out, never assumed."""

import httpx2
import pytest

from tests.elsewhere import URL, add_server, database_text
from tests.makers import add_model


class TestAdding:
    def test_a_fluxtune(self, shared_client, far, wire, token, tmp_path):
        add_model(far, tmp_path, finetune_id=None)
        server = add_server(shared_client, token)
        assert (server["kind"], server["is_live"], server["problem"]) == ("fluxtune", True, None)
        assert server["notes"] == ["The address is this computer's own: a tunnel, or a second studio here."]
        (tiny,) = [base for base in server["bases"] if base["name"] == "tiny"]
        assert (tiny["is_usual"], tiny["is_trainable"]) == (True, True)
        assert shared_client.get("/api/servers").json() == [server]
        models = shared_client.get("/api/servers/models").json()
        assert {model["kind"] for model in models} == {"base", "finetuned"}
        assert all(model["id"].startswith("at:") and model["name"].endswith("· gpu") for model in models)
        (rex,) = [model for model in models if model["kind"] == "finetuned"]
        assert (rex["name"], rex["trigger_word"], rex["base"]) == ("Rex · gpu", "rexo", "tiny")

    def test_the_token_is_kept_encrypted_and_never_shown(self, shared_client, far, wire, token):
        added = add_server(shared_client, token)
        assert token not in str(added)
        assert token not in shared_client.get("/api/servers").text
        assert token.encode() not in database_text(shared_client)
        assert {request.headers["x-key"] for request in wire.requests} == {token}

    @pytest.mark.parametrize("url", [f"{URL}/", f" {URL} ", f"{URL}/v1", f"{URL}/v1/"])
    def test_addresses_as_people_give_them(self, shared_client, far, wire, token, url):
        assert add_server(shared_client, token, url=url)["url"] == URL

    @pytest.mark.parametrize(
        "url",
        ["", "gpu.local", "ftp://gpu", "http://", "http://me:secret@gpu", "http://gpu/finetunes/1", "http://gpu?x=1",
         "file:///etc/passwd", "http://gpu:99999", "http://[::1", "http://gp u", "javascript:alert(1)"],
    )  # fmt: skip
    def test_addresses_that_are_none(self, shared_client, wire, url):
        body = {"name": "gpu", "url": url, "token": "t"}
        refused = shared_client.post("/api/servers", json=body)
        assert (refused.status_code, wire.requests) == (422, [])
        assert "secret" not in refused.text

    def test_a_wrong_token(self, shared_client, far, wire):
        refused = shared_client.post("/api/servers", json={"name": "gpu", "url": URL, "token": "nonsense"})
        assert (refused.status_code, refused.json()["title"]) == (409, "The server does not accept the token")
        assert "nonsense" not in refused.text
        assert shared_client.get("/api/servers").json() == []

    def test_nobody_there(self, shared_client):
        body = {"name": "gpu", "url": "http://127.0.0.1:9", "token": "t"}
        refused = shared_client.post("/api/servers", json=body)
        assert (refused.status_code, refused.json()["title"]) == (503, "The server can't be reached")

    @pytest.mark.parametrize(
        ("response", "title"),
        [
            (httpx2.Response(200, html="<h1>It works!</h1>"), "This is no fluxtune and no server of BFL's API"),
            (httpx2.Response(404, text="not found"), "This is no fluxtune and no server of BFL's API"),
            (httpx2.Response(403, text="forbidden"), "This is no fluxtune and no server of BFL's API"),
            (httpx2.Response(301, headers={"location": "/login"}), "This is no fluxtune and no server of BFL's API"),
            (httpx2.Response(502, text="bad gateway"), "The server does not answer as it should"),
            (httpx2.Response(200, json={"name": "fluxtune", "bases": 7}), "The server does not answer as it should"),
        ],
    )
    def test_something_else_there(self, shared_client, far, wire, response, title):
        wire.before = lambda request: response
        refused = shared_client.post("/api/servers", json={"name": "gpu", "url": URL, "token": "t"})
        assert (refused.status_code, refused.json()["title"]) == (503, title)

    def test_a_name_is_given_once(self, shared_client, far, wire, token):
        add_server(shared_client, token)
        again = shared_client.post("/api/servers", json={"name": "gpu", "url": URL, "token": token})
        assert again.status_code == 409

    def test_a_server_that_only_speaks_the_contract(self, shared_client, far, wire, token):
        def plain(request):
            path = request.url.path
            if path.startswith("/v1/fluxtune") or path == "/openapi.json":
                return httpx2.Response(404, json={"detail": "Not found"})
            if path == "/v1/openapi.json":
                return httpx2.Response(200, json={"paths": {"/v1/flux-dev": {}, "/v1/flux-pro-finetuned": {}}})
            return None

        wire.before = plain
        server = add_server(shared_client, token)
        assert (server["kind"], server["is_live"], server["bases"]) == ("contract", False, [])
        assert "nothing more" in server["notes"][1]
        models = shared_client.get("/api/servers/models").json()
        assert [(model["kind"], model["name"]) for model in models] == [("base", "flux-dev · gpu")]

    def test_an_older_fluxtune(self, shared_client, far, wire, token):
        told = {"name": "fluxtune", "version": "0.1", "extensions": ["adapter", "cancel"], "bases": ["tiny"]}
        wire.before = lambda request: httpx2.Response(200, json=told) if request.url.path == "/v1/fluxtune" else None
        server = add_server(shared_client, token)
        assert (server["kind"], server["is_live"]) == ("fluxtune", False)
        assert "It is fluxtune 0.1" in server["notes"][1]
        assert "progress" in server["notes"][1]


class TestLater:
    def test_testing_finds_what_is_new_and_forgets_what_is_gone(self, shared_client, far, wire, token, tmp_path):
        server = add_server(shared_client, token)
        model = add_model(far, tmp_path, name="Later", finetune_id=None)
        tested = shared_client.post(f"/api/servers/{server['id']}/test").json()
        assert tested["model_count"] == server["model_count"] + 1
        far.delete(f"/api/models/{model.id}")
        assert shared_client.post("/api/servers/gpu/test").json()["model_count"] == server["model_count"]

    def test_one_that_is_away_is_shown_and_its_models_stay(self, shared_client, far, wire, token):
        add_server(shared_client, token)

        def away(request):
            raise httpx2.ConnectError("no route to host")

        wire.before = away
        tested = shared_client.post("/api/servers/gpu/test").json()
        assert tested["problem"]["title"] == "The server can't be reached"
        models = shared_client.get("/api/servers/models").json()
        assert models
        assert not any(model["is_ready"] for model in models)
        wire.before = None
        assert shared_client.post("/api/servers/gpu/test").json()["problem"] is None

    def test_removing(self, shared_client, far, wire, token):
        server = add_server(shared_client, token)
        assert shared_client.delete(f"/api/servers/{server['id']}").status_code == 204
        assert shared_client.get("/api/servers").json() == []
        assert shared_client.get("/api/servers/models").json() == []
        assert shared_client.delete("/api/servers/gpu").status_code == 404
        assert shared_client.post("/api/servers/gpu/test").status_code == 404
