"""Models at BFL: linked, looked up, unlinked, added by name."""

import pytest

from fluxtune.models.service import ModelService
from tests.hosting import lines, work
from tests.makers import add_model, state_of

BASE_4B = "bfl:flux-2-klein-base-4b-finetuned"


def link(studio, model, finetune_id="rex", **more):
    return studio.put(f"/api/models/{model.id}/deployment", json={"finetune_id": finetune_id, **more})


def look_up(studio, model):
    response = studio.post(f"/api/models/{model.id}/deployment/lookup")
    assert response.status_code == 200, response.text
    return response.json()["deployment"]


class TestLink:
    def test_takes_the_endpoint_of_the_base_and_the_version_in_use(self, studio, model):
        assert studio.get(f"/api/models/{model.id}").json()["deployment"] is None
        shown = link(studio, model).json()["deployment"]
        assert (shown["finetune_id"], shown["hosted_model_id"], shown["state"]) == ("rex", BASE_4B, "linked")
        assert shown["version_id"] == model.versions[0].id
        assert shown["price"] == pytest.approx(1.4)
        assert shown["checked_at"] is None

    def test_another_endpoint_of_the_base(self, studio, model):
        shown = link(studio, model, endpoint="flux-2-klein-4b-finetuned").json()["deployment"]
        assert shown["hosted_model_id"] == "bfl:flux-2-klein-4b-finetuned"

    def test_endpoints_of_other_bases_are_refused(self, studio, model):
        refused = link(studio, model, endpoint="bfl:flux-2-klein-9b-finetuned")
        assert refused.status_code == 422
        assert "flux-2-klein-base-4b-finetuned" in refused.json()["detail"]

    @pytest.mark.parametrize("name", ["", "with blanks", "a/b/c", "ä", "../x" * 2, "x" * 201])
    def test_names_that_can_be_none(self, studio, model, name):
        assert link(studio, model, name).status_code == 422

    def test_a_base_that_bfl_does_not_host_needs_the_endpoint(self, studio, tmp_path):
        other = add_model(studio, tmp_path, base="tiny")
        assert link(studio, other).status_code == 422
        assert link(studio, other, endpoint=BASE_4B).status_code == 200

    def test_a_name_belongs_to_one_model(self, studio, model, tmp_path):
        link(studio, model)
        other = add_model(studio, tmp_path, base="flux2-klein-base-4b", name="Fox")
        refused = link(studio, other)
        assert (refused.status_code, refused.json()["title"]) == (409, "Another model is linked to this name")
        studio.delete(f"/api/models/{model.id}")
        assert link(studio, other).status_code == 200

    def test_unknown_keys_versions_and_bases(self, studio, model):
        assert link(studio, model, key_name="nobody's").status_code == 404
        assert link(studio, model, version_id="none").status_code == 404
        assert studio.put("/api/models/pocket/deployment", json={"finetune_id": "rex"}).status_code == 409

    def test_unlinked_again(self, studio, model):
        link(studio, model)
        assert studio.delete(f"/api/models/{model.id}/deployment").status_code == 204
        assert studio.get(f"/api/models/{model.id}").json()["deployment"] is None
        assert studio.delete(f"/api/models/{model.id}/deployment").status_code == 404


class TestLookUp:
    def test_found_in_the_list_with_its_details(self, studio, model, server):
        server.finetunes = {"rex": {"finetune_comment": "Rex", "lora_rank": 16, "odd": {"nested": True}}}
        link(studio, model)
        shown = look_up(studio, model)
        assert shown["state"] == "found"
        assert shown["details"] == {"finetune_comment": "Rex", "lora_rank": "16"}
        again = look_up(studio, model)
        assert again["since"] == shown["since"], "since when it is that, not when it was asked"
        assert again["checked_at"] > shown["checked_at"]

    def test_missing_where_the_list_has_others(self, studio, model, server):
        server.finetunes = {"fox": {}}
        link(studio, model)
        shown = look_up(studio, model)
        assert shown["state"] == "missing"
        assert "fox" in shown["told"]

    def test_shared_ones_are_not_in_the_list(self, studio, model, server):
        server.finetunes = {}
        link(studio, model, "organisation/rex")
        assert look_up(studio, model)["state"] == "linked"

    def test_an_api_that_does_not_tell_leaves_it_open(self, studio, model):
        link(studio, model)
        shown = look_up(studio, model)
        assert shown["state"] == "linked"
        assert "Drawing one image" in shown["told"]

    def test_not_linked(self, studio, model):
        assert studio.post(f"/api/models/{model.id}/deployment/lookup").status_code == 404

    def test_one_image_shows_it_and_is_in_the_ledger(self, studio, model, server):
        link(studio, model)
        probe = studio.post(f"/api/models/{model.id}/deployment/probe").json()
        assert probe["model_name"] == "Rex at BFL"
        assert work(studio, probe)["state"] == "succeeded"
        (task,) = server.tasks.values()
        assert task["path"] == "/v1/flux-2-klein-base-4b-finetuned"
        assert (task["body"]["finetune_id"], task["body"]["prompt"]) == ("rex", "a rexo in the rain")
        assert [line["state"] for line in lines(studio)] == ["delivered"]
        assert look_up(studio, model)["state"] == "found"
        shown = studio.get(f"/api/models/{model.id}").json()
        assert shown["image_count"] == 1, "an image drawn with it there is one of its images"

    def test_one_image_shows_that_it_is_missing_and_costs_nothing(self, studio, model, server):
        server.faults["submit"].append((422, {"detail": "Finetune not found or not ready"}))
        link(studio, model)
        probe = studio.post(f"/api/models/{model.id}/deployment/probe").json()
        assert work(studio, probe)["state"] == "failed"
        shown = look_up(studio, model)
        assert shown["state"] == "missing"
        assert "not found or not ready" in shown["told"]
        assert [line["cost"] for line in lines(studio)] == [0.0]


class TestAddedByName:
    def add(self, studio, **more):
        return studio.post("/api/deployments", json={"finetune_id": "fox", "endpoint": BASE_4B, **more})

    def test_with_what_bfl_says(self, studio, server):
        server.finetunes = {"fox": {"finetune_comment": "Fox", "trigger_word": "foxo", "mode": "character"}}
        response = self.add(studio)
        assert response.status_code == 201, response.text
        model = response.json()
        assert (model["name"], model["trigger_word"], model["mode"]) == ("Fox", "foxo", "character")
        assert (model["base"], model["versions"], model["deployment"]["state"]) == ("flux2-klein-base-4b", [], "found")
        assert not model["is_ready"]
        assert "at BFL" in model["missing"]
        assert model["commercial_use"]["answer"] == "unknown"

    def test_drawn_where_its_weights_are(self, studio, server):
        model = self.add(studio, name="Fox", trigger_word="foxo").json()
        body = {"model_id": model["id"], "prompt": "[trigger] at sea", "count": 1, "seed": 3, "finetune_strength": 0.8}
        estimate = studio.post("/api/generations/estimate", json=body)
        assert estimate.json()["credits"] == pytest.approx(1.4)
        generation = work(studio, studio.post("/api/generations", json=body).json())
        assert generation["model_name"] == "Fox at BFL"
        (task,) = server.tasks.values()
        sent = {"finetune_id": "fox", "finetune_strength": 0.8, "prompt": "foxo at sea", "seed": 3}
        assert task["body"] == sent
        facts = generation["slots"][0]["result"]["facts"]
        assert (facts["model_id"], facts["base"]) == (model["id"], "flux2-klein-base-4b")

    def test_what_needs_weights_says_why_not(self, studio):
        model = self.add(studio).json()
        path = f"/api/models/{model['id']}"
        plan = studio.get(f"{path}/deployment").json()
        assert not plan["is_ready"]
        assert "at BFL already" in plan["findings"][-1]["detail"]
        state = state_of(studio)
        with state.database.reading() as session, pytest.raises(Exception, match="gives no weights out"):
            ModelService(session, state.blobs, state.settings).require_usable(model["id"], None)
        assert studio.post(f"{path}/parity", json={}).json()["title"] == "The weights are not here"
        assert studio.delete(f"{path}/deployment").status_code == 409, "nothing would be left of it"

    def test_one_that_bfl_does_not_list(self, studio, server):
        server.finetunes = {"rex": {}}
        refused = self.add(studio)
        assert (refused.status_code, refused.json()["title"]) == (404, "BFL does not list this finetune")
        assert self.add(studio, anyway=True).json()["deployment"]["state"] == "missing"

    def test_only_once(self, studio):
        assert self.add(studio).status_code == 201
        assert self.add(studio).status_code == 409

    def test_endpoints_without_finetunes(self, studio):
        assert self.add(studio, endpoint="bfl:flux-2-pro").status_code == 422
        assert self.add(studio, endpoint="bfl:flux-pro-finetuned").status_code == 422, "retired"

    def test_what_an_account_has(self, studio, model, server):
        link(studio, model)
        assert studio.get("/api/deployments/at-bfl").json()["names"] is None
        server.finetunes = {"rex": {}, "fox": {}}
        found = studio.get("/api/deployments/at-bfl").json()
        assert (found["names"], found["known"]) == (["rex", "fox"], {"rex": model.id})


def test_models_that_have_a_name_at_bfl(studio, model):
    assert studio.get("/api/deployments").json() == []
    link(studio, model)
    (found,) = studio.get("/api/deployments").json()
    assert (found["finetune_id"], found["model_id"], found["name"]) == ("rex", model.id, model.name)
    assert found["hosted_model_id"].startswith("bfl:flux-2-klein")
    assert studio.delete(f"/api/models/{model.id}").status_code == 204
    assert studio.get("/api/deployments").json() == [], "what is in the trash is not offered"


def test_without_a_key(studio, model, monkeypatch):
    monkeypatch.setattr(state_of(studio).settings.hosted, "key", None)
    monkeypatch.delenv("BFL_API_KEY", raising=False)
    link(studio, model)
    assert studio.post(f"/api/models/{model.id}/deployment/lookup").json()["title"] == "No key of BFL's API is stored"
