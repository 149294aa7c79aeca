"""Routes of the grid: views by filter, windows, what changed since, changes to many images at once."""

import pytest
from PIL import Image

from tests.zoo import encode, picture


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


@pytest.fixture
def dataset(client):
    """The address of a dataset of five images, two with captions."""
    made = client.post("/api/datasets", json={"name": "Rex", "trigger_word": "rexo"}).json()
    address = f"/api/datasets/{made['id']}"
    tall = encode(Image.effect_noise((200, 640), 40).convert("RGB"))
    wide = encode(Image.new("RGB", (1600, 1100), "teal"))
    files = [("1.png", picture(1)), ("2.png", picture(2)), ("beach/3.png", picture(3)), ("tall.png", tall)]
    files += [("wide.png", wide), ("1.txt", "rexo at the Äußere Wand".encode()), ("2.txt", b"rexo, 100% wool_x")]
    response = client.post(f"{address}/images", files=[("files", file) for file in files])
    assert response.json()["image_count"] == 5
    return address


def names(client, dataset, **wanted):
    grid = client.get(f"{dataset}/grid", params=wanted).json()
    assert [image["id"] for image in grid["images"]] == grid["ids"]
    return [image["name"] for image in grid["images"]]


def ids(client, dataset):
    return client.get(f"{dataset}/grid").json()["ids"]


def change(client, dataset, **values):
    response = client.patch(f"{dataset}/images", json=values)
    assert response.status_code == 200, response.text
    return response.json()


class TestViews:
    def test_everything_in_order_with_counts(self, client, dataset):
        grid = client.get(f"{dataset}/grid").json()
        assert [image["name"] for image in grid["images"]] == ["1.png", "2.png", "beach/3.png", "tall.png", "wide.png"]
        counts = grid["counts"]
        assert (counts["total"], counts["captioned"], counts["edited"], counts["removed"]) == (5, 2, 0, 0)
        assert counts["sizes"] == {"small": 4, "medium": 0, "large": 1}
        assert sum(counts["shapes"].values()) == 5
        assert counts["tags"] == {}

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({"query": "REXO"}, ["1.png", "2.png"]),
            ({"query": "beach"}, ["beach/3.png"]),
            ({"query": "äußere"}, ["1.png"]),
            ({"query": "rexo wool"}, ["2.png"]),
            ({"query": "100%"}, ["2.png"]),
            ({"query": "l_x"}, ["2.png"]),
            ({"query": "l%x"}, []),
            ({"size": "large"}, ["wide.png"]),
            ({"shape": "portrait"}, ["tall.png"]),
            ({"captioned": True}, ["1.png", "2.png"]),
            ({"captioned": False, "shape": "landscape", "size": "large"}, ["wide.png"]),
            ({"caption_by": "file"}, ["1.png", "2.png"]),
            ({"edited": True}, []),
            ({"problem": "odd_shape"}, ["tall.png"]),
            ({"removed": True}, []),
        ],
    )
    def test_filters(self, client, dataset, wanted, expected):
        assert names(client, dataset, **wanted) == expected

    @pytest.mark.parametrize("wanted", [{"size": "huge"}, {"problem": "nope"}, {"query": "x" * 501}])
    def test_what_is_no_filter(self, client, dataset, wanted):
        assert client.get(f"{dataset}/grid", params=wanted).status_code == 422

    def test_records_in_the_order_asked_for(self, client, dataset):
        all_ids = ids(client, dataset)
        wanted = [all_ids[3], "nope", all_ids[0]]
        records = client.post(f"{dataset}/grid/records", json={"ids": wanted}).json()
        assert [record["id"] for record in records] == [all_ids[3], all_ids[0]]

    def test_images_of_another_dataset_are_not_shown(self, client, dataset):
        other = client.post("/api/datasets", json={}).json()
        response = client.post(f"/api/datasets/{other['id']}/grid/records", json={"ids": ids(client, dataset)})
        assert response.json() == []

    @pytest.mark.parametrize("path", ["grid", "grid/changes?since=2026-01-01T00:00:00Z"])
    def test_no_such_dataset(self, client, path):
        assert client.get(f"/api/datasets/nope/{path}").status_code == 404


class TestChanges:
    def test_nothing_happened(self, client, dataset):
        revision = client.get(f"{dataset}/grid").json()["revision"]
        changes = client.get(f"{dataset}/grid/changes", params={"since": revision}).json()
        assert changes == {"images": [], "removed_ids": [], "is_too_much": False, "revision": revision}

    def test_a_caption_and_a_removal(self, client, dataset):
        first, second, *_ = ids(client, dataset)
        revision = client.get(f"{dataset}/grid").json()["revision"]
        client.patch(f"{dataset}/images/{first}", json={"caption": "new"})
        client.delete(f"{dataset}/images/{second}")
        changes = client.get(f"{dataset}/grid/changes", params={"since": revision}).json()
        assert {image["id"]: image["caption"] for image in changes["images"]}[first] == "new"
        assert changes["removed_ids"] == [second]
        assert changes["revision"] > revision

    def test_too_much_to_tell(self, client, dataset, monkeypatch):
        monkeypatch.setattr("fluxtune.datasets.grid.MOST_CHANGES", 2)
        changes = client.get(f"{dataset}/grid/changes", params={"since": "2000-01-01T00:00:00Z"}).json()
        assert (changes["is_too_much"], changes["images"]) == (True, [])


class TestManyAtOnce:
    def test_tags_there_and_back(self, client, dataset):
        first, second, *_ = ids(client, dataset)
        change(client, dataset, ids=[first], add_tags=["night"])
        done = change(client, dataset, ids=[first, second], add_tags=[" night ", "close  up"])
        assert done["changed_count"] == 2
        assert names(client, dataset, tags=["night", "close up"]) == ["1.png", "2.png"]
        assert client.get(f"{dataset}/grid").json()["counts"]["tags"] == {"close up": 2, "night": 2}
        for step in done["undo"]:
            change(client, dataset, **step)
        assert names(client, dataset, tags=["night"]) == ["1.png"]
        assert client.get(f"{dataset}/grid").json()["counts"]["tags"] == {"night": 1}

    def test_a_tag_is_no_part_of_another(self, client, dataset):
        first, second, *_ = ids(client, dataset)
        change(client, dataset, ids=[first], add_tags=["night sky"])
        change(client, dataset, ids=[second], add_tags=["night"])
        assert names(client, dataset, tags=["night"]) == ["2.png"]

    def test_texts_and_repeats(self, client, dataset):
        first, second, *_ = ids(client, dataset)
        change(client, dataset, ids=[first], licence="CC0")
        done = change(client, dataset, ids=[first, second], licence="CC BY 4.0", source="https://a.example", repeats=3)
        records = client.get(f"{dataset}/grid").json()["images"][:2]
        assert {(each["licence"], each["source"], each["repeats"]) for each in records} == {
            ("CC BY 4.0", "https://a.example", 3)
        }
        for step in done["undo"]:
            change(client, dataset, **step)
        records = client.get(f"{dataset}/grid").json()["images"][:2]
        assert [(each["licence"], each["source"], each["repeats"]) for each in records] == [("CC0", "", 1), ("", "", 1)]

    def test_removed_and_put_back(self, client, dataset):
        all_ids = ids(client, dataset)
        done = change(client, dataset, ids=all_ids[1:4], removed=True)
        assert names(client, dataset) == ["1.png", "wide.png"]
        assert names(client, dataset, removed=True) == ["2.png", "beach/3.png", "tall.png"]
        assert client.get(f"{dataset}/grid").json()["counts"]["removed"] == 3
        change(client, dataset, **done["undo"][0])
        assert ids(client, dataset) == all_ids

    def test_what_changes_nothing_needs_no_undo(self, client, dataset):
        done = change(client, dataset, ids=[*ids(client, dataset), "nope"], notes="", repeats=1, removed=False)
        assert done == {"changed_count": 0, "undo": []}

    @pytest.mark.parametrize("values", [{"repeats": 0}, {"add_tags": [""]}, {"licence": "x" * 121}])
    def test_refused(self, client, dataset, values):
        assert client.patch(f"{dataset}/images", json={"ids": [], **values}).status_code == 422

    def test_nothing_changes_in_the_trash(self, client, dataset):
        all_ids = ids(client, dataset)
        client.delete(dataset)
        assert client.patch(f"{dataset}/images", json={"ids": all_ids, "removed": True}).status_code == 409
