"""Large uploads: what is here is not sent again, order is kept, and a ZIP tells how far it is."""

import hashlib
import json

import pytest

from tests.zoo import picture, zip_of


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


@pytest.fixture
def dataset(client):
    """An empty dataset."""
    return client.post("/api/datasets", json={"name": "Rex"}).json()["id"]


def upload(client, dataset, *files, **data):
    response = client.post(f"/api/datasets/{dataset}/images", files=[("files", file) for file in files], data=data)
    assert response.status_code == 200, response.text
    return response.json()


def send_zip(client, dataset, content, name="set.zip"):
    response = client.post(f"/api/datasets/{dataset}/archives", files=[("file", (name, content))])
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: ")]


def names_of(client, dataset):
    return [image["name"] for image in client.get(f"/api/datasets/{dataset}/images").json()]


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class TestKnown:
    def test_what_the_dataset_has_need_not_be_sent(self, client, dataset):
        upload(client, dataset, ("1.png", picture(1)))
        hashes = [sha256(picture(seed)) for seed in (1, 2)]
        known = client.post(f"/api/datasets/{dataset}/images/known", json={"hashes": hashes}).json()
        assert known == {"hashes": [hashes[0]], "next_position": 1}

    def test_what_another_dataset_has_or_was_removed_must_be(self, client, dataset):
        other = client.post("/api/datasets", json={}).json()["id"]
        upload(client, other, ("1.png", picture(1)))
        image = upload(client, dataset, ("2.png", picture(2)))["added"][0]["id"]
        client.delete(f"/api/datasets/{dataset}/images/{image}")
        hashes = [sha256(picture(seed)) for seed in (1, 2)]
        known = client.post(f"/api/datasets/{dataset}/images/known", json={"hashes": hashes}).json()
        assert known["hashes"] == []

    @pytest.mark.parametrize("hashes", [["x"], ["A" * 64], ["0" * 64] * 1001, [7]])
    def test_only_hashes_are_asked_for(self, client, dataset, hashes):
        assert client.post(f"/api/datasets/{dataset}/images/known", json={"hashes": hashes}).status_code == 422

    def test_no_such_dataset(self, client):
        assert client.post("/api/datasets/nope/images/known", json={"hashes": []}).status_code == 404


class TestOrder:
    def test_parts_that_overtake_each_other_end_up_in_order(self, client, dataset):
        upload(client, dataset, ("c.png", picture(3)), ("d.png", picture(4)), position="2")
        upload(client, dataset, ("a.png", picture(1)), ("b.png", picture(2)), position="0")
        upload(client, dataset, ("e.png", picture(5)))
        assert names_of(client, dataset) == ["a.png", "b.png", "c.png", "d.png", "e.png"]

    @pytest.mark.parametrize("position", ["-1", "x", "10000000000"])
    def test_a_place_is_a_number(self, client, dataset, position):
        files = [("files", ("a.png", picture(1)))]
        response = client.post(f"/api/datasets/{dataset}/images", files=files, data={"position": position})
        assert response.status_code == 422


class TestArchives:
    def test_it_tells_how_far_it_is_and_keeps_the_order(self, client, dataset):
        files = [(f"{number:02}.txt", f"number {number}".encode()) for number in range(30)]
        files += [(f"{number:02}.png", picture(number, (40, 40))) for number in range(30)]
        steps = send_zip(client, dataset, zip_of([*files, ("bad.png", b"no image")]))
        assert [(step["done"], step["total"]) for step in steps] == [(0, 61), (54, 61), (61, 61), (61, 61)]
        assert sum(len(step["report"]["added"]) for step in steps[1:]) == 30
        assert [each["name"] for step in steps[1:] for each in step["report"]["refused"]] == ["bad.png"]
        images = client.get(f"/api/datasets/{dataset}/images").json()
        assert [(image["name"], image["caption"]) for image in images] == [
            (f"{number:02}.png", f"number {number}") for number in range(30)
        ]

    def test_the_same_again_adds_nothing_and_decodes_nothing(self, client, dataset, monkeypatch):
        pack = zip_of([("a.png", picture(1)), ("a.txt", b"one")])
        send_zip(client, dataset, pack)
        monkeypatch.setattr("fluxtune.datasets.arrivals.store_content", None)
        steps = send_zip(client, dataset, pack)
        assert [step["report"]["duplicates"] for step in steps[1:]] == [["a.png"], []]
        assert len(names_of(client, dataset)) == 1

    def test_captions_without_images_and_kohya_folders(self, client, dataset):
        pack = zip_of([("5_zubo cat/a.png", picture(1)), ("5_zubo cat/gone.txt", b"lonely")])
        last = send_zip(client, dataset, pack)[-1]["report"]
        assert [each["name"] for each in last["refused"]] == ["5_zubo cat/gone.txt"]
        (image,) = client.get(f"/api/datasets/{dataset}/images").json()
        assert (image["caption"], image["repeats"], last["layout"]) == ("zubo cat", 5, "kohya")

    def test_what_is_no_zip_is_refused_in_the_stream(self, client, dataset):
        (step,) = send_zip(client, dataset, b"PK\x03\x04 not really")
        assert "damaged" in step["report"]["refused"][0]["reason"]

    def test_a_dataset_that_can_not_be_added_to_is_told_before_the_stream(self, client, dataset):
        client.delete(f"/api/datasets/{dataset}")
        files = [("file", ("a.zip", zip_of([("a.png", picture(1))])))]
        assert client.post(f"/api/datasets/{dataset}/archives", files=files).status_code == 409
        assert client.post("/api/datasets/nope/archives", files=files).status_code == 404
