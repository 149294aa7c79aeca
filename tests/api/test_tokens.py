"""Tokens of programs: shown once, good for /v1 only, gone at once when revoked."""

import pytest
from sqlalchemy import select

from fluxtune.accounts import tokens
from fluxtune.accounts.tables import TokenRow
from fluxtune.core.clock import now
from tests.makers import state_of

REFUSED = (403, {"detail": "Not authenticated"})


@pytest.fixture
def made(shared_client):
    """A token that was just made."""
    response = shared_client.post("/api/tokens", json={"name": "my script"})
    assert response.status_code == 201
    return response.json()


def answer(client, **headers):
    response = client.get("/v1/credits", headers=headers)
    return response.status_code, response.json()


class TestTokens:
    def test_only_its_hash_is_kept(self, shared_client, made):
        with state_of(shared_client).database.reading() as session:
            row = session.scalars(select(TokenRow)).one()
        assert made["token"] not in str(vars(row))
        assert made["token"].endswith(row.ending)
        listed = shared_client.get("/api/tokens").json()
        assert [each["name"] for each in listed] == ["my script"]
        assert "token" not in listed[0]

    def test_revoking_twice_is_revoking_once(self, shared_client, made):
        first = shared_client.post(f"/api/tokens/{made['id']}/revocation").json()
        assert first["revoked_at"]
        assert shared_client.post(f"/api/tokens/{made['id']}/revocation").json() == first

    def test_unknown(self, shared_client):
        assert shared_client.post("/api/tokens/nope/revocation").status_code == 404

    @pytest.mark.parametrize("name", ["", "  ", "\x00", "x" * 61])
    def test_names_have_words(self, shared_client, name):
        response = shared_client.post("/api/tokens", json={"name": name})
        assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "name")

    def test_a_stranger_makes_none(self, stranger):
        assert stranger.post("/api/tokens", json={"name": "x"}).status_code == 403
        assert stranger.get("/api/tokens").status_code == 403


class TestGate:
    @pytest.mark.parametrize("name", ["x-key", "X-Key", "X-KEY"])
    def test_the_header_lets_in_whatever_its_case(self, stranger, made, name):
        assert answer(stranger, **{name: made["token"]})[0] == 200

    @pytest.mark.parametrize("key", ["", "nope", "fluxtune-", "x" * 10_000])
    def test_a_wrong_key_does_not(self, stranger, made, key):
        assert answer(stranger, **{"x-key": key}) == REFUSED

    def test_no_key_and_no_cookie_does(self, shared_client, stranger, made):
        assert answer(stranger) == REFUSED
        assert answer(shared_client) == REFUSED

    def test_a_revoked_one_stops_at_once(self, shared_client, stranger, made):
        assert answer(stranger, **{"x-key": made["token"]})[0] == 200
        shared_client.post(f"/api/tokens/{made['id']}/revocation")
        assert answer(stranger, **{"x-key": made["token"]}) == REFUSED

    def test_it_opens_nothing_else(self, stranger, made):
        for headers in ({"x-key": made["token"]}, {"authorization": f"Bearer {made['token']}"}):
            assert stranger.get("/api/datasets", headers=headers).status_code == 403

    def test_the_host_is_checked_first(self, stranger, made):
        response = stranger.get("/v1/credits", headers={"x-key": made["token"], "host": "evil.example"})
        assert (response.status_code, response.json()["type"]) == (403, "/errors/wrong-host")


def test_last_use_is_noted_and_not_at_every_poll(shared_client, made):
    database = state_of(shared_client).database

    def used_at():
        with database.reading() as session:
            return session.get(TokenRow, made["id"]).last_used_at

    actor = tokens.find_token_actor(database, made["token"])
    assert actor
    assert (actor.name, actor.scopes) == ("my script", frozenset({"v1"}))
    first = used_at()
    assert tokens.find_token_actor(database, made["token"])
    assert used_at() == first
    with database.transaction() as session:
        session.get(TokenRow, made["id"]).last_used_at = now() - 2 * tokens.USED_EVERY
    assert tokens.find_token_actor(database, made["token"])
    assert used_at() >= first
