"""Routes of generations. What the worker does is in the unit tests of its task."""

import pytest

from fluxtune.backends.base import EngineMissing
from fluxtune.generations import service
from tests.makers import add_model, state_of
from tests.zoo import make_base


@pytest.fixture
def client(shared_client, monkeypatch):
    """A signed-in browser on a studio with one base and an engine."""
    monkeypatch.setattr(service, "require_engine", lambda: None)
    make_base(state_of(shared_client).settings.paths.bases)
    return shared_client


def create(client, **more):
    return client.post("/api/generations", json={"model_id": "tiny", "prompt": "a cat"} | more)


class TestCreate:
    def test_what_was_left_open_comes_from_the_base(self, client):
        response = create(client)
        assert response.status_code == 201
        generation = response.json()
        assert (generation["width"], generation["height"]) == (128, 128)
        assert (generation["steps"], generation["guidance"]) == (8, 2.5)
        assert (generation["model_name"], generation["base"], generation["version_id"]) == ("Base tiny", "tiny", None)
        assert (generation["state"], generation["finetune_strength"]) == ("queued", 1.0)
        assert [slot["index"] for slot in generation["slots"]] == [0, 1, 2, 3]
        assert all(slot["result"] is None and slot["step"] == 0 for slot in generation["slots"])

    def test_seeds_count_up_from_the_first(self, client):
        slots = create(client, seed=2**32 - 2, count=3).json()["slots"]
        assert [slot["seed"] for slot in slots] == [2**32 - 2, 2**32 - 1, 0]

    def test_a_seed_is_chosen_when_none_is_given(self, client):
        seeds = {create(client, count=1).json()["slots"][0]["seed"] for _ in range(3)}
        assert len(seeds) == 3

    def test_with_a_finetuned_model(self, client, tmp_path):
        model = add_model(client, tmp_path)
        generation = create(client, model_id=model.id, prompt="a [trigger] on the moon", finetune_strength=1.4).json()
        assert generation["prompt"] == "a rexo on the moon"
        assert generation["version_id"] == model.versions[0].id
        assert (generation["base"], generation["finetune_strength"]) == ("tiny", 1.4)

    def test_has_a_job(self, client):
        generation = create(client, prompt="x" * 200, count=2).json()
        job = client.get(f"/api/jobs/{generation['job_id']}").json()
        assert (job["kind"], job["steps"]) == ("generation", 16)
        assert len(job["title"]) < 80

    def test_unknown_model(self, client):
        response = create(client, model_id="nope")
        assert (response.status_code, response.json()["type"]) == (404, "/errors/model-missing")
        assert response.json()["errors"][0]["field"] == "model_id"

    def test_model_in_the_trash(self, client, tmp_path):
        model = add_model(client, tmp_path)
        client.delete(f"/api/models/{model.id}")
        response = create(client, model_id=model.id)
        assert (response.status_code, response.json()["type"]) == (409, "/errors/model-in-trash")

    def test_model_whose_base_is_gone(self, client, tmp_path):
        model = add_model(client, tmp_path, base="gone")
        response = create(client, model_id=model.id)
        assert (response.status_code, response.json()["type"]) == (404, "/errors/base-unknown")

    def test_base_that_is_not_complete(self, client):
        make_base(state_of(client).settings.paths.bases, "half", complete=False)
        response = create(client, model_id="half")
        assert (response.status_code, response.json()["type"]) == (503, "/errors/base-not-ready")

    @pytest.mark.parametrize("model_id", ["tiny", None])
    def test_unknown_version(self, client, tmp_path, model_id):
        model_id = model_id or add_model(client, tmp_path).id
        response = create(client, model_id=model_id, version_id="nope")
        assert (response.status_code, response.json()["type"]) == (404, "/errors/version-missing")

    def test_adapter_file_gone(self, client, tmp_path):
        model = add_model(client, tmp_path)
        state_of(client).settings.paths.model_version(model.id, model.versions[0].id).unlink()
        assert create(client, model_id=model.id).status_code == 404

    def test_without_an_engine(self, client, monkeypatch):
        def missing():
            raise EngineMissing("Needs torch.", action="Run `pip install`.")

        monkeypatch.setattr(service, "require_engine", missing)
        assert create(client).status_code == 503
        assert client.get("/api/generations").json() == []

    def test_larger_than_the_base_can(self, client):
        response = create(client, width=512)
        assert (response.status_code, response.json()["type"]) == (422, "/errors/size-too-large")
        assert response.json()["errors"][0]["field"] == "width"
        assert "256" in response.json()["detail"]

    def test_prompt_of_blanks(self, client):
        response = create(client, prompt="  \n ")
        assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "prompt")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("prompt", ""),
            ("prompt", "x" * 8_001),
            ("prompt", "x" * 100_000),
            ("prompt", None),
            ("finetune_strength", 3),
            ("finetune_strength", -0.1),
            ("count", 0),
            ("count", 33),
            ("seed", -1),
            ("seed", 2**32),
            ("width", 100),
            ("width", 48),
            ("height", 4096),
            ("steps", 0),
            ("steps", 151),
            ("guidance", 0.5),
            ("guidance", "high"),
        ],
    )
    def test_out_of_range(self, client, field, value):
        response = create(client, **{field: value})
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == field
        assert response.json()["errors"][0]["message"]


class TestShow:
    def test_newest_first(self, client):
        ids = [create(client).json()["id"] for _ in range(2)]
        assert [generation["id"] for generation in client.get("/api/generations").json()] == ids[::-1]
        assert client.get(f"/api/generations/{ids[0]}").json()["id"] == ids[0]

    def test_only_the_newest(self, client, monkeypatch):
        monkeypatch.setattr(service, "LIST_LIMIT", 2)
        ids = [create(client, count=1).json()["id"] for _ in range(3)]
        assert [generation["id"] for generation in client.get("/api/generations").json()] == [ids[2], ids[1]]

    def test_cancel(self, client):
        generation = create(client).json()
        assert client.post(f"/api/generations/{generation['id']}/cancellation").json()["state"] == "cancelled"
        assert client.post(f"/api/generations/{generation['id']}/cancellation").status_code == 409

    @pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/cancellation")])
    def test_unknown(self, client, method, path):
        assert client.request(method, f"/api/generations/nope{path}").status_code == 404


def test_a_stranger_sees_nothing(stranger):
    assert stranger.get("/api/generations").status_code == 403
    assert stranger.post("/api/generations", json={"model_id": "tiny", "prompt": "x"}).status_code == 403
