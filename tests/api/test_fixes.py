"""What the buttons of the dataset check do, and how that is taken back."""

import pytest
from PIL import Image, ImageFilter

from fluxtune.datasets.check_limits import CheckLimits
from tests.zoo import drawing, encode, picture


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


@pytest.fixture
def dataset(client):
    """An empty dataset."""
    return client.post("/api/datasets", json={"name": "Rex", "mode": "character", "trigger_word": "rexo"}).json()["id"]


def upload(client, dataset, *files):
    response = client.post(f"/api/datasets/{dataset}/images", files=[("files", file) for file in files])
    assert response.status_code == 200, response.text


def fix(client, dataset, name, **body):
    response = client.post(f"/api/datasets/{dataset}/fixes", json={"fix": name} | body)
    assert response.status_code == 200, response.text
    return response.json()


def images_of(client, dataset):
    return {image["name"]: image for image in client.get(f"/api/datasets/{dataset}/images").json()}


def put_back(client, dataset, result):
    client.patch(f"/api/datasets/{dataset}/images", json={"ids": result["removed_ids"], "removed": False})


BAD = {
    "remove_small": ("small.png", picture(8, (90, 90))),
    "remove_blurred": ("soft.png", encode(drawing(7, (400, 400)).filter(ImageFilter.GaussianBlur(9)))),
    "remove_compressed": ("blocks.jpg", encode(drawing(9, (300, 300)), "JPEG", quality=8)),
    "remove_transparent": ("ghost.png", encode(drawing(10).convert("RGBA").resize((150, 150)).rotate(20))),
    "remove_duplicates": ("again.jpg", encode(drawing(1), "JPEG", quality=90)),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_removed_can_be_put_back(client, dataset, name):
    upload(client, dataset, ("1.png", picture(1)), ("2.png", picture(2)), BAD[name])
    before = images_of(client, dataset)
    result = fix(client, dataset, name)
    assert result["changed_count"] == len(result["removed_ids"]) == 1
    assert set(before) - set(images_of(client, dataset)) == {BAD[name][0]}
    assert not [each for each in result["findings"] if each["fix"] == name]
    put_back(client, dataset, result)
    assert list(images_of(client, dataset)) == list(before)


def test_the_most_different_stay(client, dataset):
    files = [(f"{seed}.png", picture(seed)) for seed in range(4)]
    upload(client, dataset, *files, ("again.jpg", encode(drawing(1), "JPEG")))
    client.patch(f"/api/datasets/{dataset}", json={"check_limits": {"many_images": 4}})
    result = fix(client, dataset, "keep_different")
    assert [image["name"] for image in images_of(client, dataset).values()] == [name for name, _ in files]
    put_back(client, dataset, result)
    assert len(images_of(client, dataset)) == 5


def test_odd_shapes_are_cut_and_come_back(client, dataset):
    upload(client, dataset, ("wide.png", encode(drawing(3, (900, 200)))), ("tall.png", encode(drawing(4, (200, 900)))))
    result = fix(client, dataset, "crop_odd")
    sizes = {
        name: (each["image"]["width"], each["image"]["height"]) for name, each in images_of(client, dataset).items()
    }
    assert sizes == {"wide.png": (300, 200), "tall.png": (200, 300)}
    response = client.put(f"/api/datasets/{dataset}/edits", json={"changes": result["edits_before"]})
    assert response.status_code == 200, response.text
    assert images_of(client, dataset)["wide.png"]["image"]["width"] == 900


@pytest.mark.parametrize(
    ("name", "caption", "after"),
    [
        ("insert_trigger", "on a beach", "rexo, on a beach"),
        ("single_trigger", "a rexo beside a rexo", "rexo, a beside a"),
        ("caption_with_trigger", "", "rexo"),
    ],
)
def test_captions_are_mended_as_a_step_that_can_be_undone(client, dataset, name, caption, after):
    files = [("1.png", picture(1)), ("1.txt", caption.encode())] if caption else [("1.png", picture(1))]
    upload(client, dataset, *files, ("2.png", picture(2)), ("2.txt", b"a rexo"))
    result = fix(client, dataset, name)
    assert {key: each["caption"] for key, each in images_of(client, dataset).items()} == {
        "1.png": after,
        "2.png": "a rexo",
    }
    response = client.post(f"/api/datasets/{dataset}/captions/undo", json={"step_id": result["caption_step_id"]})
    assert response.status_code == 200, response.text
    assert images_of(client, dataset)["1.png"]["caption"] == caption


def test_long_captions_are_shortened_for_a_base(client, dataset):
    upload(client, dataset, ("1.png", picture(1)), ("1.txt", b"a rexo. " + b"It sits on a wall. " * 40))
    check = client.get(f"/api/datasets/{dataset}/check", params={"base": "pocket"}).json()
    (found,) = [each for each in check["findings"] if each["kind"] == "caption_too_long"]
    assert "Pocket" in found["sentence"] or "pocket" in found["sentence"]
    result = fix(client, dataset, "shorten_captions", base="pocket")
    assert "caption_too_long" not in [each["kind"] for each in result["findings"]]
    caption = images_of(client, dataset)["1.png"]["caption"]
    assert caption.startswith("a rexo. It sits")
    assert caption.endswith(".")
    client.post(f"/api/datasets/{dataset}/captions/undo", json={"step_id": result["caption_step_id"]})
    assert len(images_of(client, dataset)["1.png"]["caption"]) > 500


def test_nothing_to_mend_changes_nothing(client, dataset):
    upload(client, dataset, ("1.png", picture(1)), ("1.txt", b"a rexo"))
    for name in (*BAD, "keep_different", "crop_odd", "insert_trigger", "single_trigger", "shorten_captions"):
        result = fix(client, dataset, name)
        assert (result["changed_count"], result["removed_ids"], result["caption_step_id"]) == (0, [], None)


def test_lines_are_kept_per_dataset_and_can_go_back(client, dataset):
    limits = {"small_side": 300, "sharpness": 0}
    client.patch(f"/api/datasets/{dataset}", json={"check_limits": limits})
    assert client.get(f"/api/datasets/{dataset}").json()["check_limits"] == CheckLimits(**limits).model_dump()
    upload(client, dataset, ("1.png", encode(Image.new("RGB", (250, 250), "red"))))
    assert "too_small" in images_of(client, dataset)["1.png"]["problems"]
    client.patch(f"/api/datasets/{dataset}", json={"check_limits": {}})
    assert images_of(client, dataset)["1.png"]["problems"] == ["blurred", "caption_missing"]
    assert client.patch(f"/api/datasets/{dataset}", json={"check_limits": {"small_side": 0}}).status_code == 422


def test_unknown_bases(client, dataset):
    assert client.get(f"/api/datasets/{dataset}/check", params={"base": "../x"}).status_code == 404
