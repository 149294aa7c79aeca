"""Routes of the catalogue."""

import pytest

from fluxtune.models.service import ModelService, store_adapter
from tests.makers import add_model, fill_gallery, state_of
from tests.zoo import make_base


@pytest.fixture
def client(shared_client):
    """A signed-in browser on a studio with one base of its own."""
    make_base(state_of(shared_client).settings.paths.bases)
    return shared_client


@pytest.fixture
def model(client, tmp_path):
    """A finetuned model."""
    return add_model(client, tmp_path)


def names(client, query=""):
    return [model["name"] for model in client.get(f"/api/models{query}").json()]


class TestBases:
    def test_are_models_whose_id_is_their_name(self, client):
        base = client.get("/api/models/tiny").json()
        assert (base["id"], base["name"], base["kind"], base["base"]) == ("tiny", "Base tiny", "base", "tiny")
        assert base["is_ready"]
        assert base["licence"] == "CC0-1.0"
        assert base["defaults"] == {
            "steps": 8, "guidance": 2.5, "width": 128, "height": 128, "max_width": 256, "max_height": 256,
            "max_prompt_tokens": 32, "count": 4, "finetune_strength": 1.0, "usual_width": None, "usual_height": None,
        }  # fmt: skip

    def test_an_incomplete_base_says_what_is_missing(self, client):
        make_base(state_of(client).settings.paths.bases, "half", complete=False)
        base = client.get("/api/models/half").json()
        assert not base["is_ready"]
        assert "weights" in base["missing"]

    def test_a_folder_that_is_no_base_is_left_out(self, client):
        (state_of(client).settings.paths.bases / "junk").mkdir()
        assert "junk" not in names(client)

    @pytest.mark.parametrize(
        ("method", "path", "body"), [("PATCH", "", {"name": "x"}), ("DELETE", "", None), ("POST", "/restoration", None)]
    )
    def test_can_not_be_changed(self, client, method, path, body):
        response = client.request(method, f"/api/models/tiny{path}", json=body)
        assert response.status_code == 409
        assert "Base tiny" in response.json()["detail"]


class TestList:
    def test_finetuned_first_and_by_kind(self, client, model):
        assert names(client)[0] == "Rex"
        assert "Base tiny" in names(client)
        assert names(client, "?kind=finetuned") == ["Rex"]
        assert "Rex" not in names(client, "?kind=base")

    def test_unknown_kind(self, client):
        assert client.get("/api/models?kind=strange").status_code == 422

    def test_counts_images(self, client, model):
        fill_gallery(client, {"model_id": model.id}, {"model_id": model.id}, {"model_id": "tiny"})
        assert client.get(f"/api/models/{model.id}").json()["image_count"] == 2
        assert client.get("/api/models/tiny").json()["image_count"] == 1


class TestCover:
    def test_is_the_newest_favourite_where_no_sample_was_drawn(self, client, model):
        ids = fill_gallery(client, *({"model_id": model.id} for _ in range(3)), {"model_id": "tiny"})
        client.patch(f"/api/gallery/{ids[1]}", json={"is_favourite": True})
        assert client.get(f"/api/models/{model.id}").json()["cover"]["id"] == ids[1]
        assert client.get("/api/models/tiny").json()["cover"]["id"] == ids[3]

    def test_is_nothing_before_that(self, client, model):
        assert client.get(f"/api/models/{model.id}").json()["cover"] is None


class TestModel:
    def test_shows_how_it_was_made(self, client, model):
        shown = client.get(f"/api/models/{model.id}").json()
        assert (shown["kind"], shown["base"], shown["trigger_word"]) == ("finetuned", "tiny", "rexo")
        assert shown["defaults"]["width"] == 128
        (version,) = shown["versions"]
        assert (version["step"], version["byte_count"]) == (100, 21)

    def test_without_its_base_it_is_not_ready(self, client, tmp_path):
        model = add_model(client, tmp_path, base="gone")
        shown = client.get(f"/api/models/{model.id}").json()
        assert not shown["is_ready"]
        assert "gone" in shown["missing"]

    def test_changes(self, client, model):
        shown = client.patch(f"/api/models/{model.id}", json={"name": " Max ", "notes": "good"}).json()
        assert (shown["name"], shown["notes"], shown["trigger_word"]) == ("Max", "good", "rexo")

    def test_a_name_of_blanks_changes_nothing(self, client, model):
        assert client.patch(f"/api/models/{model.id}", json={"name": "   "}).json()["name"] == "Rex"

    def test_two_of_one_name_are_numbered(self, client, model, tmp_path):
        assert add_model(client, tmp_path).name == "Rex 2"

    def test_one_finetune_makes_one_model(self, client, model, tmp_path):
        assert add_model(client, tmp_path, finetune_id=model.finetune_id).id == model.id


class TestTrash:
    def test_there_and_back(self, client, model):
        for _ in range(2):
            assert client.delete(f"/api/models/{model.id}").status_code == 204
        assert "Rex" not in names(client)
        assert names(client, "?deleted=true") == ["Rex"]
        assert client.patch(f"/api/models/{model.id}", json={"name": "x"}).status_code == 409
        assert client.post(f"/api/models/{model.id}/restoration").json()["deleted_at"] is None
        assert names(client, "?kind=finetuned") == ["Rex"]


class TestDownload:
    def test_sends_the_adapter_under_a_good_name(self, client, model):
        response = client.get(model.versions[0].file_url)
        assert response.content == b"weights of an adapter"
        assert 'filename="rex-tiny-100.safetensors"' in response.headers["content-disposition"]

    def test_names_never_leave_the_folder(self, client, tmp_path):
        model = add_model(client, tmp_path, name="../../../Ünïcode / evil")
        response = client.get(model.versions[0].file_url)
        name = response.headers["content-disposition"].partition("filename")[2]
        assert "/" not in name
        assert ".." not in name

    def test_the_file_is_gone(self, client, model):
        version = model.versions[0].id
        state_of(client).settings.paths.model_version(model.id, version).unlink()
        response = client.get(model.versions[0].file_url)
        assert response.status_code == 404
        assert "backup" in response.json()["action"]

    def test_a_version_of_another_model(self, client, model, tmp_path):
        other = add_model(client, tmp_path)
        assert client.get(f"/api/models/{other.id}/versions/{model.versions[0].id}/file").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/restoration", None),
        ("GET", "/versions/x/file", None),
    ],
)
def test_unknown(client, method, path, body):
    response = client.request(method, f"/api/models/nope{path}", json=body)
    assert response.status_code == 404
    assert response.json()["title"] == "No such model"


class TestDefaultVersion:
    @pytest.fixture
    def versions(self, client, model, tmp_path):
        """The ids of two versions, the one trained further first."""
        state = state_of(client)
        adapter = tmp_path / "further.safetensors"
        adapter.write_bytes(b"weights trained further")
        stored = store_adapter(state.settings.paths, adapter, model.id)
        with state.database.transaction() as session:
            shown = ModelService(session, state.blobs, state.settings).add_version(model.id, 200, stored)
        return [version.id for version in shown.versions]

    def used(self, client, model):
        state = state_of(client)
        with state.database.reading() as session:
            return ModelService(session, state.blobs, state.settings).require_usable(model.id, None).version_id

    def test_is_the_one_trained_furthest_until_another_is_chosen(self, client, model, versions):
        path = f"/api/models/{model.id}"
        assert client.get(path).json()["default_version_id"] == versions[0] == self.used(client, model)
        assert client.patch(path, json={"default_version_id": versions[1]}).json()["default_version_id"] == versions[1]
        assert [version["id"] for version in client.get(path).json()["versions"]] == versions
        assert self.used(client, model) == versions[1]
        assert client.patch(path, json={"name": "Other"}).json()["default_version_id"] == versions[1]
        assert client.patch(path, json={"default_version_id": None}).json()["default_version_id"] == versions[0]

    def test_must_be_one_of_the_model(self, client, model, versions):
        response = client.patch(f"/api/models/{model.id}", json={"default_version_id": "strange"})
        assert (response.status_code, response.json()["errors"][0]["field"]) == (404, "default_version_id")
        assert self.used(client, model) == versions[0]

    def test_bases_have_none(self, client):
        assert client.get("/api/models/tiny").json()["default_version_id"] is None


def test_a_stranger_sees_nothing(client, stranger, model):
    assert stranger.get("/api/models").status_code == 403
    assert stranger.get(model.versions[0].file_url).status_code == 403


def test_bases_are_listed_with_what_is_absent(client):
    found = {each["name"]: each for each in client.get("/api/bases").json()}
    assert found["pocket"]["is_ready"]
    assert found["pocket"]["source"] == "bundled"
    absent = found["flux2-klein-base-4b"]
    assert absent["source"] == "absent"
    assert absent["command"].startswith("hf download black-forest-labs/FLUX.2-klein-base-4B --local-dir")


def test_an_absent_base_can_not_be_drawn_with_and_says_how_to_get_it(client):
    answer = client.post("/api/generations", json={"model_id": "flux2-klein-base-4b", "prompt": "a"})
    assert answer.status_code == 503
    assert "hf download" in answer.json()["action"]
