"""Routes of keeping: exports that come back the same, copies, snapshots and their differences."""

import io
import zipfile

import pytest
from PIL import Image

from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.datasets.snapshot import SnapshotService
from fluxtune.finetunes.tables import FinetuneRow
from tests.zoo import encode, picture


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


@pytest.fixture
def dataset(client):
    """The address of a dataset of four images of three formats with captions, one of them edited, one repeated."""
    made = client.post("/api/datasets", json={"name": "Rex: the 1st", "trigger_word": "rexo"}).json()
    address = f"/api/datasets/{made['id']}"
    cmyk = encode(Image.new("CMYK", (90, 60), (10, 200, 30, 0)), "JPEG")
    files = [("b.png", picture(1)), ("x/a.jpg", cmyk), ("x/con.webp", picture(3, form="WEBP")), ("ü.png", picture(4))]
    files += [("b.txt", b"rexo one"), ("x/a.txt", "rexo, größer".encode()), ("x/con.txt", b"rexo three")]
    files += [("\u00fc.txt", b"rexo four")]
    assert client.post(f"{address}/images", files=[("files", file) for file in files]).json()["captioned_count"] == 4
    first, second, *_ = records(client, address)
    client.put(f"{address}/edits", json={"changes": [{"id": first["id"], "edits": {"turn": 90}}]})
    client.patch(f"{address}/images", json={"ids": [second["id"]], "repeats": 3})
    return address


def records(client, dataset):
    return client.get(f"{dataset}/grid").json()["images"]


def content_hash(client, dataset):
    return client.get(f"{dataset}/manifest").json()["hash"]


def export(client, dataset, layout):
    response = client.get(f"{dataset}/export", params={"layout": layout})
    assert response.status_code == 200, response.text
    return response


class TestExports:
    @pytest.mark.parametrize("layout", ["bfl", "captions", "kohya", "imagefolder"])
    def test_what_goes_out_comes_back_the_same(self, client, dataset, layout):
        if layout in ("bfl", "captions"):  # same-named text files know no repeats
            client.patch(f"{dataset}/images", json={"ids": [r["id"] for r in records(client, dataset)], "repeats": 1})
        data = export(client, dataset, layout).content
        assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
        other = f"/api/datasets/{client.post('/api/datasets', json={}).json()['id']}"
        report = client.post(f"{other}/images", files=[("files", ("back.zip", data))]).json()
        assert report["refused"] == []
        assert content_hash(client, other) == content_hash(client, dataset)
        # And once more: names don't grow with every journey.
        again = export(client, other, layout).content
        assert zipfile.ZipFile(io.BytesIO(again)).namelist()[0].count("0001-") == 1

    @pytest.mark.parametrize("layout", ["bfl", "captions", "kohya", "imagefolder"])
    def test_an_image_without_a_caption_comes_back_without_one(self, client, dataset, layout):
        first = records(client, dataset)[0]
        client.patch(f"{dataset}/images/{first['id']}", json={"caption": ""})
        data = export(client, dataset, layout).content
        other = f"/api/datasets/{client.post('/api/datasets', json={}).json()['id']}"
        assert client.post(f"{other}/images", files=[("files", ("back.zip", data))]).json()["refused"] == []
        captions = [record["caption"] for record in records(client, dataset)]
        assert captions[0] == ""
        assert [record["caption"] for record in records(client, other)] == captions

    def test_names_unpack_everywhere(self, client, dataset):
        response = export(client, dataset, "kohya")
        assert "Rex_%20the%201st-kohya.zip" in response.headers["content-disposition"]
        names = zipfile.ZipFile(io.BytesIO(response.content)).namelist()
        assert "1_rexo/0003-con_.webp" in names
        assert "3_rexo/0002-a.jpg" in names

    def test_imagefolder_tells_tags_and_rights(self, client, dataset):
        first = records(client, dataset)[0]["id"]
        client.patch(f"{dataset}/images", json={"ids": [first], "add_tags": ["night"], "licence": "CC0"})
        archive = zipfile.ZipFile(io.BytesIO(export(client, dataset, "imagefolder").content))
        line = archive.read("metadata.jsonl").decode().splitlines()[0]
        assert '"tags": ["night"]' in line
        assert '"licence": "CC0"' in line

    def test_nothing_to_export(self, client):
        empty = client.post("/api/datasets", json={}).json()
        assert client.get(f"/api/datasets/{empty['id']}/export").status_code == 409

    def test_unknown_layout(self, client, dataset):
        assert client.get(f"{dataset}/export?layout=tarball").status_code == 422


def test_a_copy_is_the_same_and_its_own(client, dataset):
    copy = client.post(f"{dataset}/copies").json()
    address = f"/api/datasets/{copy['id']}"
    assert (copy["name"], copy["trigger_word"], copy["image_count"]) == ("Rex: the 1st copy", "rexo", 4)
    assert content_hash(client, address) == content_hash(client, dataset)
    before = content_hash(client, dataset)
    client.patch(f"{address}/images", json={"ids": [records(client, address)[0]["id"]], "removed": True})
    assert content_hash(client, dataset) == before != content_hash(client, address)


def test_sources_and_licences_of_a_set(client, dataset):
    changed = client.patch(dataset, json={"source": "the zoo", "licence": "CC BY 4.0"}).json()
    assert (changed["source"], changed["licence"]) == ("the zoo", "CC BY 4.0")


@pytest.fixture
def train(client):
    """Pretends that a finetune started, as far as a snapshot knows."""

    def start(dataset, name):
        dataset_id = dataset.rpartition("/")[2]
        with client.app.state.database.transaction() as session:
            manifest = SnapshotService(session, client.app.state.blobs).freeze(dataset_id)
            row = FinetuneRow(
                id=new_id(), job_id=new_id(), name=name, dataset_id=dataset_id, dataset_name="Rex",
                snapshot=manifest.model_dump(mode="json"), snapshot_hash=manifest.hash,
                image_count=len(manifest.images), base="pocket", mode="general", quality="draft", trigger_word="",
                recipe={}, created_at=now(),
            )  # fmt: skip
            session.add(row)
        return manifest.hash

    return start


class TestSnapshots:
    def test_listed_with_the_finetunes_that_used_them(self, client, dataset, train):
        first = train(dataset, "one")
        assert train(dataset, "two") == first
        client.patch(f"{dataset}/images/{records(client, dataset)[2]['id']}", json={"caption": "other"})
        second = train(dataset, "three")
        found = client.get(f"{dataset}/snapshots").json()
        assert found["current_hash"] == second
        assert [(each["hash"], each["is_current"]) for each in found["snapshots"]] == [(second, True), (first, False)]
        assert [use["name"] for use in found["snapshots"][1]["used_by"]] == ["two", "one"]

    def test_shown_as_it_was_seen(self, client, dataset, train):
        taken = train(dataset, "one")
        first, *rest = records(client, dataset)
        client.put(f"{dataset}/edits", json={"changes": [{"id": first["id"], "edits": None}]})
        client.patch(f"{dataset}/images", json={"ids": [each["id"] for each in rest], "removed": True})
        snapshot = client.get(f"{dataset}/snapshots/{taken[:12]}").json()
        assert snapshot["images"][0]["caption"] == "rexo one"
        assert [image["image"]["sha256"] for image in snapshot["images"]] == [
            image["sha256"] for image in snapshot["images"]
        ]
        assert snapshot["images"][0]["edits"]["turn"] == 90

    def test_differences(self, client, dataset, train):
        taken = train(dataset, "one")
        first, second, third, _ = records(client, dataset)
        client.put(f"{dataset}/edits", json={"changes": [{"id": first["id"], "edits": {"mirror": True}}]})
        client.patch(f"{dataset}/images/{second['id']}", json={"caption": "said otherwise"})
        client.patch(f"{dataset}/images", json={"ids": [third["id"]], "removed": True})
        client.post(f"{dataset}/images", files=[("files", ("new.png", picture(9)))])
        found = client.get(f"{dataset}/snapshots/{taken}/difference").json()
        assert [each["name"] for each in found["added"]] == ["new.png"]
        assert [each["name"] for each in found["removed"]] == ["x/con.webp"]
        assert [(each["before"]["caption"], each["after"]["caption"]) for each in found["captions"]] == [
            ("rexo, größer", "said otherwise")
        ]
        assert [(each["before"]["edits"]["turn"], each["after"]["edits"]["mirror"]) for each in found["edits"]] == [
            (90, True)
        ]
        assert (found["repeats"], found["is_order_changed"], found["same_count"]) == ([], False, 1)
        back = client.get(f"{dataset}/snapshots/now/difference", params={"to": taken}).json()
        assert [each["name"] for each in back["added"]] == ["x/con.webp"]

    @pytest.mark.parametrize("which", ["nope", "0123456789abcdef"])
    def test_unknown(self, client, dataset, which):
        assert client.get(f"{dataset}/snapshots/{which}").status_code == 404
