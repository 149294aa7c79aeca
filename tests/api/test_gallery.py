"""Routes of the gallery."""

import pytest

from tests.makers import fill_gallery


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


@pytest.fixture
def ids(client):
    """Three images, oldest first."""
    return fill_gallery(
        client,
        {"prompt": "A Zubo on the Beach", "model_id": "m1"},
        {"prompt": "ein BÄR im 100%-Wald", "model_id": "m2"},
        {"prompt": "a zubo at night", "model_id": "m1"},
    )


def ask(client, query=""):
    return client.get(f"/api/gallery/ids{query}").json()


class TestIds:
    def test_newest_first(self, client, ids):
        assert ask(client) == ids[::-1]

    def test_empty(self, client):
        assert ask(client) == []

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("?model_id=m1", [2, 0]),
            ("?model_id=nope", []),
            ("?query=zubo", [2, 0]),
            ("?query=ZUBO beach", [0]),
            ("?query=bär", [1]),
            ("?query=%25", [1]),
            ("?query=_", []),
            ("?query=%20%20", [2, 1, 0]),
            ("?query=zubo&model_id=m2", []),
            ("?favourite=true", []),
            ("?favourite=false", [2, 1, 0]),
        ],
    )
    def test_filters(self, client, ids, query, expected):
        assert ask(client, query) == [ids[index] for index in expected]

    def test_too_long_a_query(self, client):
        assert client.get("/api/gallery/ids", params={"query": "x" * 501}).status_code == 422


class TestRecords:
    def test_come_in_the_order_asked_for(self, client, ids):
        wanted = [ids[1], "nope", ids[0]]
        records = client.post("/api/gallery/records", json={"ids": wanted}).json()
        assert [record["image"]["id"] for record in records] == [ids[1], ids[0]]
        assert records[1]["facts"]["prompt"] == "A Zubo on the Beach"
        assert records[1]["image"]["origin"] == "generated"

    def test_none(self, client):
        assert client.post("/api/gallery/records", json={"ids": []}).json() == []

    def test_too_many(self, client):
        assert client.post("/api/gallery/records", json={"ids": ["x"] * 201}).status_code == 422


class TestFavourites:
    def test_there_and_back(self, client, ids):
        record = client.patch(f"/api/gallery/{ids[0]}", json={"is_favourite": True}).json()
        assert record["is_favourite"]
        assert ask(client, "?favourite=true") == [ids[0]]
        client.patch(f"/api/gallery/{ids[0]}", json={"is_favourite": False})
        assert ask(client, "?favourite=true") == []

    def test_unknown(self, client):
        assert client.patch("/api/gallery/nope", json={"is_favourite": True}).status_code == 404

    def test_what_is_given_must_make_sense(self, client, ids):
        response = client.patch(f"/api/gallery/{ids[0]}", json={"is_favourite": "perhaps"})
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "is_favourite"


class TestTrash:
    def test_there_and_back(self, client, ids):
        for _ in range(2):
            assert client.delete(f"/api/gallery/{ids[0]}").status_code == 204
        assert ask(client) == [ids[2], ids[1]]
        assert client.post("/api/gallery/records", json={"ids": [ids[0]]}).json() == []
        restored = client.post(f"/api/gallery/{ids[0]}/restoration").json()
        assert restored["image"]["id"] == ids[0]
        assert ask(client) == ids[::-1]

    def test_unknown(self, client):
        assert client.delete("/api/gallery/nope").status_code == 404
        assert client.post("/api/gallery/nope/restoration").status_code == 404


def test_ten_thousand_ids_come_in_one_answer(client):
    from sqlalchemy import insert

    from fluxtune.core.clock import now
    from fluxtune.images.tables import GalleryImageRow, ImageRow
    from tests.makers import state_of

    ids = [f"{number:032x}" for number in range(10_000)]
    common = {
        "origin": "generated", "width": 1, "height": 1, "byte_count": 1, "format": "PNG", "sha256": "0" * 64,
        "fingerprint": "", "placeholder": "", "created_at": now(),
    }  # fmt: skip
    entry = {
        "model_id": "m", "generation_id": "g", "prompt_folded": "a zubo", "facts": {}, "is_favourite": False,
        "created_at": now(), "deleted_at": None,
    }  # fmt: skip
    with state_of(client).database.transaction() as session:
        session.execute(insert(ImageRow), [{"id": image_id, **common} for image_id in ids])
        session.execute(insert(GalleryImageRow), [{"image_id": image_id, **entry} for image_id in ids])
    assert ask(client, "?query=zubo") == ids[::-1]
