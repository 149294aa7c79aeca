"""Keys, budgets and the ledger's pages."""

import csv
import io
from datetime import timedelta

import pytest

from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.hosted import ledger
from fluxtune.hosted.tables import HostedKeyRow, LedgerRow
from tests.bfl_server import KEY
from tests.hosting import ask, lines, work
from tests.makers import state_of

OURS = {"name": "Studio", "key": KEY, "region": "server"}


def line(**values):
    base = {
        "id": new_id(), "target_id": new_id(), "slot": 0, "attempt": 1, "key_name": "k", "endpoint": "flux-2-pro",
        "state": "delivered", "estimate": 3000, "cost": 3000, "is_settled": True, "created_at": now(),
    }  # fmt: skip
    return LedgerRow(**(base | values))


def put(client, *rows):
    with state_of(client).database.transaction() as session:
        session.add_all(rows)


class TestKeys:
    def test_a_key_is_tried_kept_encrypted_and_never_shown(self, hosted, server, monkeypatch):
        monkeypatch.setattr(state_of(hosted).settings.hosted, "key", None)
        response = hosted.post("/api/hosted/keys", json=OURS)
        assert response.status_code == 201
        assert response.json()["credits"] == server.credits
        (shown,) = hosted.get("/api/hosted/status").json()["keys"]
        assert shown["name"] == "Studio"
        with state_of(hosted).database.reading() as session:
            stored = session.query(HostedKeyRow).one().secret
        assert KEY not in stored
        for path in ("status", "accounts", "ledger"):
            assert KEY not in hosted.get(f"/api/hosted/{path}").text
        assert work(hosted, ask(hosted))["state"] == "succeeded"
        assert lines(hosted)[0]["key_name"] == "Studio"

    def test_of_several_keys_the_one_that_is_named_pays(self, hosted, server):
        server.keys.add("another-key")
        assert hosted.post("/api/hosted/keys", json=OURS).status_code == 201
        other = {**OURS, "name": "Agency", "key": "another-key"}
        assert hosted.post("/api/hosted/keys", json=other).status_code == 201
        accounts = hosted.get("/api/hosted/accounts").json()
        assert [(each["key"]["name"], each["credits"]) for each in accounts] == [
            ("Studio", server.credits), ("Agency", server.credits), ("settings", server.credits),
        ]  # fmt: skip
        for name, key in (("Agency", "another-key"), ("settings", KEY), (None, KEY)):
            assert work(hosted, ask(hosted, key_name=name))["state"] == "succeeded"
            assert server.keys_at_submit[-1] == key
        assert [line["key_name"] for line in lines(hosted)] == ["Agency", "settings", "Studio"]

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"key": "wrong"}, 409), ({"key": "two words"}, 422), ({"key": "ключ"}, 422), ({"name": ""}, 422),
            ({"name": "settings"}, 409), ({"region": "mars"}, 422),
        ],
    )  # fmt: skip
    def test_a_key_that_can_not_be_used_is_not_kept(self, hosted, change, status):
        response = hosted.post("/api/hosted/keys", json=OURS | change)
        assert response.status_code == status, response.text
        assert [key["source"] for key in hosted.get("/api/hosted/status").json()["keys"]] == ["settings"]

    def test_names_are_unique(self, hosted):
        assert hosted.post("/api/hosted/keys", json=OURS).status_code == 201
        assert hosted.post("/api/hosted/keys", json=OURS).status_code == 409

    def test_forgotten(self, hosted):
        hosted.post("/api/hosted/keys", json=OURS)
        assert hosted.delete("/api/hosted/keys/Studio").status_code == 204
        assert hosted.delete("/api/hosted/keys/Studio").status_code == 404

    def test_a_server_that_is_down_says_so_for_its_account(self, hosted, server):
        server.close()
        (account,) = hosted.get("/api/hosted/accounts").json()
        assert account["credits"] is None
        assert "can't be reached" in account["error"]["title"]

    def test_no_other_server_without_settings(self, hosted, monkeypatch):
        monkeypatch.setattr(state_of(hosted).settings.hosted, "server", "")
        response = hosted.post("/api/hosted/keys", json=OURS)
        assert response.status_code == 422
        assert "FLUXTUNE_HOSTED__SERVER" in response.json()["action"]

    def test_strangers_see_nothing(self, stranger):
        assert stranger.get("/api/hosted/status").status_code == 403
        assert stranger.get("/api/hosted/ledger.csv").status_code == 403


class TestBudget:
    @pytest.mark.parametrize("limit", ["per_request", "per_day", "per_month"])
    def test_a_limit_stops_before_anything_is_sent(self, hosted, server, limit):
        hosted.put("/api/hosted/budget", json={limit: 2.8})
        ask(hosted, count=2)
        body = {"model_id": "bfl:flux-2-klein-4b", "prompt": "a cat", "count": 3}
        response = hosted.post("/api/generations", json=body)
        assert response.status_code == 409
        assert "$0.028" in response.json()["detail"]
        assert hosted.post("/api/generations/estimate", json=body).status_code == 409
        assert len(lines(hosted)) == 2
        assert server.tasks == {}

    def test_a_warning_comes_before(self, hosted):
        hosted.put("/api/hosted/budget", json={"per_day": 10})
        body = {"model_id": "bfl:flux-2-klein-4b", "prompt": "a cat", "count": 5}
        assert hosted.post("/api/generations/estimate", json=body).json()["warnings"] == []
        estimate = hosted.post("/api/generations/estimate", json=body | {"count": 6}).json()
        assert estimate["credits"] == pytest.approx(8.4)
        assert len(estimate["warnings"]) == 1

    def test_what_was_set_aside_counts_and_what_failed_does_not(self, hosted, server):
        hosted.put("/api/hosted/budget", json={"per_day": 1.4})
        server.faults["submit"].append(402)
        work(hosted, ask(hosted))
        assert work(hosted, ask(hosted))["state"] == "succeeded"
        response = hosted.post("/api/generations", json={"model_id": "bfl:flux-2-klein-4b", "prompt": "x", "count": 1})
        assert response.status_code == 409

    def test_days_and_months(self, hosted):
        at = now()
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        put(
            hosted,
            line(cost=1000),
            line(cost=None, estimate=2000, state="unknown"),
            line(cost=4000, created_at=day - timedelta(days=40)),
        )
        status = hosted.get("/api/hosted/status").json()
        assert (status["spent_today"], status["spent_this_month"]) == (3, 3)

    def test_a_limit_can_be_lifted(self, hosted):
        hosted.put("/api/hosted/budget", json={"per_day": 0})
        assert hosted.put("/api/hosted/budget", json={}).json() == {
            "per_request": None, "per_day": None, "per_month": None,
        }  # fmt: skip
        ask(hosted)

    def test_a_negative_limit(self, hosted):
        assert hosted.put("/api/hosted/budget", json={"per_day": -1}).status_code == 422


class TestLedger:
    def test_pages(self, hosted):
        put(hosted, *[line(task_id=f"t{number}") for number in range(5)])
        first = hosted.get("/api/hosted/ledger", params={"limit": 2}).json()
        assert [each["task_id"] for each in first["lines"]] == ["t4", "t3"]
        second = hosted.get("/api/hosted/ledger", params={"limit": 3, "before": first["next_before"]}).json()
        assert [each["task_id"] for each in second["lines"]] == ["t2", "t1", "t0"]
        assert second["next_before"] is None

    def test_csv(self, hosted):
        put(hosted, line(task_id="=cmd()", error={"type": "x", "title": "A, “title”", "status": 1, "detail": "",
                                                  "action": "", "errors": [], "technical": None}), line())  # fmt: skip
        response = hosted.get("/api/hosted/ledger.csv")
        assert response.headers["content-type"].startswith("text/csv")
        first, second = csv.DictReader(io.StringIO(response.text))
        assert first["task_id"] == "'=cmd()"
        assert (first["error"], first["cost_credits"], first["state"]) == ("A, “title”", "3.0", "delivered")
        assert second["model_id"] == "bfl:flux-2-pro"

    def test_not_delivered_lists_what_was_sent_only(self, hosted):
        put(hosted, *[line(state=state, sent_at=now()) for state in ("submitted", "ready", "unknown", "delivered")])
        put(hosted, line(state="reserved", sent_at=None))
        states = {each["state"] for each in hosted.get("/api/hosted/not-delivered").json()["lines"]}
        assert states == {"submitted", "ready", "unknown"}

    def test_amounts(self):
        assert [ledger.show(units) for units in (0, 1400, 100_000, 123_456)] == ["$0.00", "$0.014", "$1.00", "$1.23456"]


def test_models_say_what_forms_need(hosted):
    models = {each["id"]: each for each in hosted.get("/api/hosted/models").json()}
    klein = models["bfl:flux-2-klein-4b"]
    assert (klein["stage"], klein["price"], klein["max_images"]) == ("live", 1.4, 4)
    assert models["bfl:flux-3-image"]["price"] == 4.1  # the cheapest tier, not the dearest
    assert klein["parameters"]["properties"]["safety_tolerance"]["maximum"] == 5
    gone = models["bfl:flux-pro-finetuned"]
    assert (gone["stage"], gone["parameters"], gone["replaced_by"]) == (
        "retired", None, "bfl:flux-2-klein-9b-finetuned",
    )  # fmt: skip


def test_a_local_model_takes_no_parameters_of_hosted_ones(hosted):
    response = hosted.post("/api/generations", json={"model_id": "pocket", "prompt": "x", "parameters": {"raw": True}})
    assert response.status_code == 422
