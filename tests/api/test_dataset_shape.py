"""Routes of shape: crop, turn and mirror, suggested cuts, what the trainer will see."""

import io
from datetime import timedelta

import pytest
from PIL import Image

from fluxtune.core.clock import now
from fluxtune.datasets.snapshot import Manifest, SnapshotService, write_snapshot
from fluxtune.engine.buckets import bucket_for
from fluxtune.images import purging
from tests.zoo import encode


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


def halves(width=240, height=120, form="PNG"):
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return encode(image, form)


@pytest.fixture
def dataset(client):
    """The address of a dataset of two images: wide halves, and a white page with a dark square in a corner."""
    made = client.post("/api/datasets", json={"name": "Rex"}).json()
    address = f"/api/datasets/{made['id']}"
    page = Image.new("RGB", (300, 200), "white")
    page.paste("black", (240, 40, 280, 80))
    files = [("halves.png", halves()), ("page.png", encode(page)), ("halves.txt", b"two halves")]
    response = client.post(f"{address}/images", files=[("files", file) for file in files])
    assert response.json()["image_count"] == 2
    return address


def records(client, dataset):
    return client.get(f"{dataset}/grid").json()["images"]


def edit(client, dataset, *changes):
    response = client.put(f"{dataset}/edits", json={"changes": list(changes)})
    assert response.status_code == 200, response.text
    return response.json()


def pixels(client, image, size=None):
    url = image["url"] if size is None else f"/api/images/{image['id']}/thumbnails/{size}"
    return Image.open(io.BytesIO(client.get(url).content)).convert("RGB")


def content_hash(client, dataset):
    return client.get(f"{dataset}/manifest").json()["hash"]


CROP = {"left": 0, "top": 0, "width": 60, "height": 120}


class TestEdits:
    def test_turned_mirrored_and_cut_in_this_order(self, client, dataset):
        (first, _) = records(client, dataset)
        edits = {"turn": 90, "mirror": True, "crop": {"left": 10, "top": 0, "width": 100, "height": 120}}
        (now,) = edit(client, dataset, {"id": first["id"], "edits": edits})["images"]
        # Turned clockwise, left comes up: red above, and the upper half is what was kept.
        assert (now["image"]["width"], now["image"]["height"]) == (100, 120)
        assert pixels(client, now["image"]).getpixel((50, 60)) == (255, 0, 0)
        assert now["edits"] == edits
        assert now["original"]["sha256"] == first["image"]["sha256"]
        assert now["caption"] == "two halves"

    def test_mirrored(self, client, dataset):
        (first, _) = records(client, dataset)
        (now,) = edit(client, dataset, {"id": first["id"], "edits": {"mirror": True}})["images"]
        assert pixels(client, now["image"]).getpixel((5, 5)) == (0, 0, 255)
        assert pixels(client, now["image"], 128).getpixel((5, 5))[2] > 200

    def test_the_original_stays_and_comes_back(self, client, dataset):
        before = records(client, dataset)[0]
        edit(client, dataset, {"id": before["id"], "edits": {"turn": 180}})
        done = edit(client, dataset, {"id": before["id"], "edits": {"crop": CROP}})
        assert done["undo"] == [{"id": before["id"], "edits": {"turn": 180, "mirror": False, "crop": None}}]
        assert pixels(client, done["images"][0]["original"]).size == (240, 120)
        edit(client, dataset, {"id": before["id"], "edits": None})
        assert records(client, dataset)[0] == before

    def test_undo_brings_the_same_picture_back(self, client, dataset):
        first = records(client, dataset)[0]
        one = edit(client, dataset, {"id": first["id"], "edits": {"turn": 90}})["images"][0]
        done = edit(client, dataset, {"id": first["id"], "edits": {"crop": CROP}})
        again = edit(client, dataset, *done["undo"])["images"][0]
        assert again["image"]["id"] == one["image"]["id"]

    def test_the_content_hash_covers_edits(self, client, dataset):
        first = records(client, dataset)[0]
        before = content_hash(client, dataset)
        edit(client, dataset, {"id": first["id"], "edits": {"turn": 90}})
        edited = content_hash(client, dataset)
        edit(client, dataset, {"id": first["id"], "edits": None})
        assert edited != before == content_hash(client, dataset)

    def test_what_does_nothing_is_no_edit(self, client, dataset):
        first = records(client, dataset)[0]
        whole = {"left": 0, "top": 0, "width": 240, "height": 120}
        assert edit(client, dataset, {"id": first["id"], "edits": {"turn": 0, "crop": whole}}) == {
            "images": [],
            "undo": [],
        }

    def test_a_cut_beyond_the_picture_is_refused(self, client, dataset):
        first = records(client, dataset)[0]
        crop = {"left": 200, "top": 0, "width": 60, "height": 20}
        response = client.put(f"{dataset}/edits", json={"changes": [{"id": first["id"], "edits": {"crop": crop}}]})
        assert response.status_code == 422
        assert "does not fit" in response.json()["title"]

    def test_a_photograph_stays_a_jpeg(self, client, dataset):
        client.post(f"{dataset}/images", files=[("files", ("photo.jpg", halves(form="JPEG")))])
        photo = records(client, dataset)[-1]
        (now,) = edit(client, dataset, {"id": photo["id"], "edits": {"turn": 180}})["images"]
        assert (photo["image"]["format"], now["image"]["format"]) == ("JPEG", "JPEG")

    def test_unknown_image(self, client, dataset):
        response = client.put(f"{dataset}/edits", json={"changes": [{"id": "nope", "edits": None}]})
        assert response.status_code == 404

    def test_not_in_the_trash(self, client, dataset):
        first = records(client, dataset)[0]
        client.delete(dataset)
        response = client.put(f"{dataset}/edits", json={"changes": [{"id": first["id"], "edits": {"turn": 90}}]})
        assert response.status_code == 409

    def test_the_trainer_gets_the_edited_picture(self, client, dataset, tmp_path):
        first = records(client, dataset)[0]
        edit(client, dataset, {"id": first["id"], "edits": {"crop": CROP}})
        client.patch(f"{dataset}/images", json={"ids": [first["id"]], "repeats": 3})
        state = client.app.state
        with state.database.reading() as session:
            manifest = SnapshotService(session, state.blobs).freeze(dataset.rpartition("/")[2])
        write_snapshot(state.blobs, Manifest.model_validate(manifest.model_dump(mode="json")), tmp_path)
        with Image.open(next(tmp_path.glob("0000-*"))) as seen:
            assert seen.size == (60, 120)
        assert '"repeats": 3' in (tmp_path / "snapshot.json").read_text()
        assert manifest.images[0].original_sha256 == first["image"]["sha256"]


def test_pictures_of_undone_edits_go_with_the_trash(client, dataset):
    first, second = records(client, dataset)
    undone = edit(client, dataset, {"id": first["id"], "edits": {"turn": 90}})["images"][0]["image"]["id"]
    edit(client, dataset, {"id": first["id"], "edits": None}, {"id": second["id"], "edits": {"turn": 90}})
    later = now() + timedelta(days=1)
    with client.app.state.database.transaction() as session:
        assert purging.list_unused_edits(session, later - timedelta(days=2)) == []
        assert list(purging.list_unused_edits(session, later)) == [undone]
        assert purging.remove_unused(session, [undone], set()) == 1
    assert client.get(f"/api/images/{undone}/file").status_code == 404
    again = edit(client, dataset, {"id": first["id"], "edits": {"turn": 90}})["images"][0]
    assert pixels(client, again["image"]).size == (120, 240)


class TestSuggestions:
    def test_a_cut_goes_where_there_is_something_to_see(self, client, dataset):
        page = records(client, dataset)[1]
        (found,) = client.post(f"{dataset}/crops", json={"ids": [page["id"]], "aspect": 1}).json()
        crop = found["edits"]["crop"]
        assert (crop["width"], crop["height"], crop["top"]) == (200, 200, 0)
        assert crop["left"] + crop["width"] >= 280

    def test_plain_borders_are_left_out(self, client, dataset):
        page = records(client, dataset)[1]
        (found,) = client.post(f"{dataset}/crops", json={"ids": [page["id"]]}).json()
        assert found["edits"]["crop"] == {"left": 240, "top": 40, "width": 40, "height": 40}

    def test_what_has_the_shape_stays_whole(self, client, dataset):
        first = records(client, dataset)[0]
        assert client.post(f"{dataset}/crops", json={"ids": [first["id"]], "aspect": 2}).json() == [
            {"id": first["id"], "edits": None}
        ]

    def test_a_suggestion_goes_by_the_turned_picture(self, client, dataset):
        first = records(client, dataset)[0]
        (found,) = client.post(f"{dataset}/crops", json={"ids": [first["id"]], "aspect": 1, "turn": 90}).json()
        crop = found["edits"]["crop"]
        assert (found["edits"]["turn"], crop["width"], crop["height"], crop["left"]) == (90, 120, 120, 0)
        edit(client, dataset, found)


class TestTrainingView:
    def test_buckets_cuts_and_steps(self, client, dataset):
        first = records(client, dataset)[0]
        client.patch(f"{dataset}/images", json={"ids": [first["id"]], "repeats": 3})
        wanted = {"resolution": 128, "batch_size": 2, "steps": 10}
        view = client.get(f"{dataset}/training-view", params=wanted).json()
        assert (view["image_count"], view["seen_per_epoch"], view["images_per_step"]) == (2, 4, 2)
        assert (view["steps_per_epoch"], view["epochs"]) == (2.0, 5.0)
        page = next(size for size in view["sizes"] if size["width"] == 300)
        (seen,) = page["seen"]
        bucket, kept = seen["bucket"], seen["kept"]
        assert (bucket["width"], bucket["height"]) == bucket_for(300, 200, 128)
        assert kept["width"] / kept["height"] == pytest.approx(bucket["width"] / bucket["height"])
        assert seen["scale"] == pytest.approx(bucket["width"] / kept["width"], rel=1e-3)
        assert sum(bucket["seen_count"] for bucket in view["buckets"]) == 4
        assert view["left_out"] == []

    def test_what_is_left_out_is_said(self, client, dataset):
        wanted = {"resolution": 128, "more_resolutions": [192, 512], "validation_images": 1}
        view = client.get(f"{dataset}/training-view", params=wanted).json()
        reasons = {each["reason"].split(":")[0]: each["count"] for each in view["left_out"]}
        assert reasons == {"Held out": 1, "Fewer pixels than 192 × 192": 1, "Fewer pixels than 512 × 512": 2}

    def test_an_empty_dataset(self, client):
        empty = client.post("/api/datasets", json={}).json()
        view = client.get(f"/api/datasets/{empty['id']}/training-view").json()
        assert (view["image_count"], view["buckets"], view["steps_per_epoch"], view["epochs"]) == (0, [], 0.0, 0.0)

    @pytest.mark.parametrize("wanted", [{"resolution": 100}, {"batch_size": 0}])
    def test_impossible_settings(self, client, dataset, wanted):
        assert client.get(f"{dataset}/training-view", params=wanted).status_code == 422
