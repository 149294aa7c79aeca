"""Everything that can be wrong with what comes in: answered with a sentence and what to do, never with a breakdown."""

import pytest

from tests.makers import state_of
from tests.zoo import drawing, encode, make_base, picture, png_bomb, zip_encrypted, zip_of, zip_that_lies, zip_with_link

GOOD = picture(1)

# name → what is uploaded beside a good image, and a word its refusal must hold
ZOO = {
    "no image": ("notes.png", b"these are just notes", "not an image"),
    "an executable called jpg": ("holiday.jpg", b"MZ\x90\x00" + b"\x00" * 200, "not an image"),
    "a page": ("page.png", b"<html><script>alert(1)</script></html>", "not an image"),
    "vector graphics": ("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
    "no bytes": ("empty.png", b"", "empty"),
    "cut short": ("cut.jpg", encode(drawing(2, (300, 300)), "JPEG")[:3000], "damaged"),
    "a bomb": ("bomb.png", png_bomb(50_000, 50_000), "too many pixels"),
    "just too large": ("large.png", png_bomb(9_000, 9_000), "too many pixels"),
    "a ZIP that is none": ("pack.zip", b"PK\x03\x04 not really", "damaged"),
    "a name that climbs": ("climb.zip", zip_of([("../../evil.png", GOOD)]), "outside"),
    "an absolute name": ("absolute.zip", zip_of([("/etc/evil.png", GOOD)]), "outside"),
    "a ZIP bomb": ("bomb.zip", zip_of([("zeros.png", b"\x00" * 20_000_000)]), "suspicious"),
    "a ZIP that lies": ("liar.zip", zip_that_lies("a.png", b"\x00" * 900_000, 50), "damaged"),
    "a ZIP in a ZIP": ("nest.zip", zip_of([("inner.zip", zip_of([("a.png", GOOD)]))]), "inside a zip"),
    "a link": ("link.zip", zip_with_link("a.png", "/etc/passwd"), "link"),
    "a locked ZIP": ("locked.zip", zip_encrypted("a.png", GOOD), "encrypted"),
    "a caption without its image": ("lonely.txt", b"a lonely caption", "no image has this name"),
    "a binary caption": ("good.txt", b"\x00\x01\x02", "binary"),
    "an endless caption": ("good.txt", b"x" * 4_001, "too long"),
    "a caption of nothing": ("good.txt", b"  \n", "empty"),
    "a caption in no encoding": ("good.txt", b"\x81\x8d", "encoding"),
}


@pytest.fixture
def client(shared_client):
    """A signed-in browser on a studio with one base."""
    make_base(state_of(shared_client).settings.paths.bases)
    return shared_client


@pytest.fixture
def dataset(client):
    """The id of an empty dataset."""
    return client.post("/api/datasets", json={}).json()["id"]


class TestFiles:
    @pytest.mark.parametrize("animal", ZOO)
    def test_the_bad_is_explained_and_the_good_is_taken(self, client, dataset, animal):
        name, content, word = ZOO[animal]
        files = [("files", (name, content)), ("files", ("good.png", GOOD))]
        response = client.post(f"/api/datasets/{dataset}/images", files=files)
        assert response.status_code == 200, response.text
        report = response.json()
        assert [image["name"] for image in report["added"]] == ["good.png"]
        (refusal,) = report["refused"]
        assert name.split(".")[0] in refusal["name"]
        assert word in refusal["reason"].lower()
        assert refusal["action"]

    def test_the_whole_zoo_at_once(self, client, dataset):
        files = [("files", (f"{number}/{name}", content)) for number, (name, content, _) in enumerate(ZOO.values())]
        report = client.post(f"/api/datasets/{dataset}/images", files=files).json()
        assert report["added"] == []
        assert len(report["refused"]) == len(ZOO)
        assert client.get(f"/api/datasets/{dataset}/check").json()["findings"][0]["kind"] == "empty"

    def test_names_are_only_labels(self, client, dataset):
        names = ["../../up.png", "/abs.png", "C:\\win.png", "a" * 900 + ".png", "\u202egnp.exe", " "]
        files = [("files", (name, picture(seed))) for seed, name in enumerate(names)]
        report = client.post(f"/api/datasets/{dataset}/images", files=files).json()
        assert len(report["added"]) == len(names)
        for image in report["added"]:
            assert len(image["name"]) <= 300
            assert not image["name"].startswith("/")
            assert ".." not in image["name"]
            assert image["name"].isprintable()
        inside = state_of(client).settings.paths.data.resolve()
        assert not list(inside.parent.glob("**/up.png"))

    def test_a_wrong_ending_is_no_problem(self, client, dataset):
        report = client.post(f"/api/datasets/{dataset}/images", files=[("files", ("photo.txt.doc", GOOD))]).json()
        assert report["added"][0]["image"]["format"] == "PNG"

    def test_an_image_called_txt_is_told_to_be_no_text(self, client, dataset):
        report = client.post(f"/api/datasets/{dataset}/images", files=[("files", ("photo.txt", GOOD))]).json()
        assert report["refused"][0]["reason"]

    def test_captions_in_other_encodings_are_read_and_noted(self, client, dataset):
        files = [
            ("files", ("a.png", picture(1))),
            ("files", ("b.png", picture(2))),
            ("files", ("a.txt", "ein Bär".encode("cp1252"))),
            ("files", ("b.txt", "ein Bär".encode("utf-16"))),
        ]
        report = client.post(f"/api/datasets/{dataset}/images", files=files).json()
        assert [image["caption"] for image in report["added"]] == ["ein Bär", "ein Bär"]
        assert len(report["notes"]) == 2

    @pytest.mark.parametrize("kwargs", [{}, {"data": {"files": "text"}}, {"json": {"files": []}}])
    def test_no_files_at_all(self, client, dataset, kwargs):
        response = client.post(f"/api/datasets/{dataset}/images", **kwargs)
        assert response.status_code == 422
        assert response.json()["errors"]


class TestFields:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "x" * 121}, "name"),
            ({"mode": "painting"}, "mode"),
            ({"trigger_word": "x" * 61}, "trigger_word"),
            ({"name": 7}, "name"),
        ],
    )
    def test_datasets(self, client, dataset, body, field):
        for response in (client.post("/api/datasets", json=body), client.patch(f"/api/datasets/{dataset}", json=body)):
            assert response.status_code == 422
            assert response.json()["errors"][0]["field"] == field

    def test_notes_and_captions_have_an_end(self, client, dataset):
        assert client.patch(f"/api/datasets/{dataset}", json={"notes": "x" * 10_001}).status_code == 422
        url = f"/api/datasets/{dataset}/images"
        image = client.post(url, files=[("files", ("a.png", GOOD))]).json()["added"][0]["id"]
        assert client.patch(f"{url}/{image}", json={"caption": "x" * 4_001}).status_code == 422
        assert client.patch(f"{url}/{image}", json={}).status_code == 422

    def test_unknown_fix(self, client, dataset):
        assert client.post(f"/api/datasets/{dataset}/fixes", json={"fix": "all"}).status_code == 422

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "dataset_id"),
            ({"dataset_id": 5}, "dataset_id"),
            ({"dataset_id": "x", "mode": "strange"}, "mode"),
            ({"dataset_id": "x", "quality": "perfect"}, "quality"),
            ({"dataset_id": "x", "trigger_word": "x" * 61}, "trigger_word"),
            ({"dataset_id": "x", "name": ""}, "name"),
            ({"dataset_id": "x", "recipe": [1]}, "recipe"),
        ],
    )
    def test_finetunes(self, client, body, field):
        for path in ("/api/finetunes", "/api/finetunes/plans"):
            response = client.post(path, json=body)
            assert response.status_code == 422
            assert response.json()["errors"][0]["field"] == field

    def test_a_recipe_that_is_out_of_range(self, client, dataset):
        body = {"dataset_id": dataset, "base": "tiny", "recipe": {"steps": 0, "learning_rate": 1e9}}
        for path in ("/api/finetunes", "/api/finetunes/plans"):
            response = client.post(path, json=body)
            assert response.status_code == 422
            fields = [error["field"] for error in response.json()["errors"]]
            assert fields == ["recipe.steps", "recipe.learning_rate"]

    def test_an_empty_dataset_an_unknown_base(self, client, dataset):
        assert client.post("/api/finetunes", json={"dataset_id": dataset, "base": "tiny"}).status_code == 409
        assert client.post("/api/finetunes", json={"dataset_id": dataset, "base": "../tiny"}).status_code == 404

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"prompt": "x"}, "model_id"),
            ({"model_id": "tiny"}, "prompt"),
            ({"model_id": "tiny", "prompt": "x" * 100_000}, "prompt"),
            ({"model_id": "tiny", "prompt": "x", "finetune_strength": 3}, "finetune_strength"),
            ({"model_id": "tiny", "prompt": "x", "steps": 0}, "steps"),
        ],
    )
    def test_generations(self, client, body, field):
        response = client.post("/api/generations", json=body)
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == field

    @pytest.mark.parametrize("path", ["datasets", "finetunes", "generations", "gallery/records"])
    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"{}" * 1000])
    def test_bodies_that_are_no_object(self, client, path, body):
        response = client.post(f"/api/{path}", content=body, headers={"content-type": "application/json"})
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("value", ["\x00", "\ud800".encode("utf-8", "surrogatepass").decode("latin1"), "𝕏" * 30])
    def test_strange_characters_in_names(self, client, value):
        response = client.post("/api/datasets", json={"name": f"a{value}"})
        assert response.status_code == 201
        assert response.json()["name"] == f"a{value}".replace("\x00", "")  # PostgreSQL stores no zero bytes


@pytest.mark.parametrize("strange", ["..%2f..%2fetc", "%F0%9F%90%BB", "x" * 3000, "'; DROP TABLE dataset; --"])
@pytest.mark.parametrize(
    "path",
    ["datasets/{}", "images/{}/file", "models/{}", "models/{}/versions/{}/file", "finetunes/{}", "generations/{}"],
)
def test_strange_ids_are_just_not_found(client, path, strange):
    response = client.get(f"/api/{path.format(strange, strange)}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
