"""Routes that send image files."""

import io

import pytest
from PIL import Image

from fluxtune.images.keys import thumbnail_keys
from tests.makers import state_of
from tests.zoo import drawing, encode, picture


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


def stored(client, name, data):
    dataset = client.post("/api/datasets", json={}).json()["id"]
    report = client.post(f"/api/datasets/{dataset}/images", files=[("files", (name, data))]).json()
    return report["added"][0]["image"]


@pytest.mark.parametrize(
    ("form", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("TIFF", "image/tiff")],
)
def test_the_original_comes_back_untouched(client, form, media_type):
    data = encode(drawing(1), form)
    image = stored(client, "whatever.bin", data)
    response = client.get(image["url"])
    assert response.content == data
    assert response.headers["content-type"] == media_type
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["etag"] == f'"{image["sha256"]}"'
    assert (image["width"], image["height"], image["format"]) == (160, 140, form)


@pytest.mark.parametrize("size", [128, 320, 768])
def test_thumbnails(client, size):
    image = stored(client, "a.png", picture(1, (900, 600)))
    response = client.get(f"/api/images/{image['id']}/thumbnails/{size}")
    assert response.headers["content-type"] == "image/jpeg"
    assert "immutable" in response.headers["cache-control"]
    with Image.open(io.BytesIO(response.content)) as thumbnail:
        assert max(thumbnail.size) == size


def test_a_thumbnail_of_earlier_days_is_sent_as_what_it_is(client):
    image = stored(client, "a.png", picture(17, (900, 600)))
    blobs = state_of(client).blobs
    key, earlier = thumbnail_keys(image["sha256"], 320)
    blobs.put(earlier, encode(drawing(17), "WEBP"))
    blobs.delete(key)
    response = client.get(image["thumbnail_url"])
    assert response.headers["content-type"] == "image/webp"
    assert response.content == blobs.get(earlier)


def test_an_unchanged_image_is_not_sent_again(client):
    image = stored(client, "a.png", picture(1))
    etag = client.get(image["url"]).headers["etag"]
    response = client.get(image["url"], headers={"If-None-Match": etag})
    assert response.status_code == 304
    assert response.content == b""


def test_the_record_names_its_thumbnail(client):
    image = stored(client, "a.png", picture(1))
    assert client.get(image["thumbnail_url"]).status_code == 200
    assert image["placeholder"].startswith("data:image/webp;base64,")
    assert len(image["placeholder"]) <= 500


def test_what_is_known_of_an_image(client):
    image = stored(client, "a.png", picture(1))
    assert client.get(f"/api/images/{image['id']}").json() == image


@pytest.mark.parametrize("path", ["nope", "nope/file", "nope/thumbnails/320", "../x/file", "x" * 300 + "/file"])
def test_unknown(client, path):
    response = client.get(f"/api/images/{path}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_other_sizes_are_named_in_the_answer(client):
    image = stored(client, "a.png", picture(1))
    response = client.get(f"/api/images/{image['id']}/thumbnails/640")
    assert response.status_code == 404
    assert "320" in response.json()["detail"]
    assert client.get(f"/api/images/{image['id']}/thumbnails/big").status_code == 422


def test_a_stranger_sees_nothing(client, stranger):
    image = stored(client, "a.png", picture(1))
    assert stranger.get(image["url"]).status_code == 403
    assert stranger.get(image["thumbnail_url"]).status_code == 403


class TestUpload:
    def test_an_image_is_kept_once(self, client):
        data = encode(drawing(7), "PNG")
        first, second = (client.post("/api/images", files={"file": ("a.png", data)}) for _ in range(2))
        assert first.status_code == second.status_code == 201
        assert first.json()["id"] == second.json()["id"]
        assert client.get(first.json()["url"]).content == data

    def test_what_is_no_image_is_refused_with_a_reason(self, client):
        response = client.post("/api/images", files={"file": ("a.png", b"no image at all")})
        assert response.status_code == 422
        assert response.json()["title"]
