"""What other programs wrote, brought in over the API."""

import json

import pytest

from tests.zoo import picture, zip_of


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


@pytest.fixture
def dataset(client):
    """An empty dataset without a trigger word."""
    return client.post("/api/datasets", json={"name": "Zubo", "mode": "character"}).json()["id"]


def upload(client, dataset, *files):
    response = client.post(f"/api/datasets/{dataset}/images", files=[("files", file) for file in files])
    assert response.status_code == 200, response.text
    return response.json()


def captions(client, dataset):
    images = client.get(f"/api/datasets/{dataset}/images").json()
    return {image["name"]: (image["caption"], image["repeats"]) for image in images}


def test_kohya_folders_bring_repeats_captions_and_the_trigger_word(client, dataset):
    pack = zip_of(
        [
            ("img/10_zubo cat/a.png", picture(1)), ("img/10_zubo cat/a.txt", b"a zubo cat asleep"),
            ("img/10_zubo cat/b.png", picture(2)), ("img/3_zubo cat/c.png", picture(3)),
            ("reg/1_cat/d.png", picture(4)), ("model/x.safetensors", b"x" * 64),
        ]
    )  # fmt: skip
    report = upload(client, dataset, ("set.zip", pack))
    assert report["layout"] == "kohya"
    assert captions(client, dataset) == {
        "img/10_zubo cat/a.png": ("a zubo cat asleep", 10),
        "img/10_zubo cat/b.png": ("zubo cat", 10),
        "img/3_zubo cat/c.png": ("zubo cat", 3),
    }
    assert client.get(f"/api/datasets/{dataset}").json()["trigger_word"] == "zubo"
    assert [each["name"].rpartition("/")[2] for each in report["refused"]] == ["d.png", "x.safetensors"]
    assert any("10" in note for note in report["notes"])


def test_a_trigger_word_that_is_there_stays(client, dataset):
    client.patch(f"/api/datasets/{dataset}", json={"trigger_word": "rexo"})
    upload(client, dataset, ("10_zubo cat/a.png", picture(1)))
    assert client.get(f"/api/datasets/{dataset}").json()["trigger_word"] == "rexo"


@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.csv"])
def test_an_image_folder_whose_metadata_comes_after_its_images(client, dataset, name):
    text = {
        "metadata.jsonl": "\n".join(
            json.dumps({"file_name": f"{stem}.png", "text": f"zubo {stem}", "repeats": 2})
            for stem in ("a", "b", "gone")
        ),
        "metadata.csv": "file_name,text,repeats\na.png,zubo a,2\nb.png,zubo b,2\ngone.png,zubo gone,2\n",
    }[name]
    upload(client, dataset, ("train/a.png", picture(1)), ("train/b.png", picture(2)))
    report = upload(client, dataset, (f"train/{name}", text.encode()))
    assert report["layout"] == "imagefolder"
    assert captions(client, dataset) == {"train/a.png": ("zubo a", 2), "train/b.png": ("zubo b", 2)}
    assert [(each["name"], "No image" in each["reason"]) for each in report["refused"]] == [("train/gone.png", True)]


def test_an_ai_toolkit_folder(client, dataset):
    report = upload(
        client, dataset, ("a.png", picture(1)), ("a.json", b'{"caption": "[trigger] in snow"}'), ("b.png", picture(2)),
        ("_latent_cache/b_12.safetensors", b"x"),
    )  # fmt: skip
    assert report["layout"] == "ai_toolkit"
    assert report["refused"] == []
    assert captions(client, dataset) == {"a.png": ("[trigger] in snow", 1), "b.png": ("", 1)}


def test_a_zip_of_bfl(client, dataset):
    report = upload(client, dataset, ("f.zip", zip_of([("1.png", picture(1)), ("1.txt", b"TOK one")])))
    assert report["layout"] == "bfl"
    assert captions(client, dataset) == {"1.png": ("TOK one", 1)}


LINES = [json.dumps({"file_name": f"{name}.png", "text": f"zubo {name}", "repeats": 2}) for name in "ab"]
ROUND_TRIPS = {
    "images alone": ([("a.png", picture(1)), ("b.png", picture(2))], "images", "captions"),
    "text files": (
        [("p/a.png", picture(1)), ("p/a.txt", b"zubo a"), ("p/b.png", picture(2)), ("p/b.txt", b"zubo, b")],
        "captions", "captions",
    ),
    "caption files": (
        [("p/a.png", picture(1)), ("p/a.caption", b"zubo a"), ("p/b.png", picture(2))], "captions", "captions",
    ),
    "named after the whole name": ([("p/a.png", picture(1)), ("p/a.png.txt", b"zubo a")], "captions", "captions"),
    "kohya": (
        [
            ("img/10_zubo cat/a.png", picture(1)), ("img/10_zubo cat/a.txt", b"a zubo cat asleep"),
            ("img/3_zubo cat/b.png", picture(2)),
        ],
        "kohya", "kohya",
    ),
    "ai-toolkit text": (
        [("a.png", picture(1)), ("a.txt", b"[trigger] in snow"), (".aitk_size.json", b"{}")], "ai_toolkit", "captions",
    ),
    "ai-toolkit json": (
        [("a.png", picture(1)), ("a.json", b'{"caption": "[trigger] in snow"}')], "ai_toolkit", "captions",
    ),
    "imagefolder jsonl": (
        [("a.png", picture(1)), ("b.png", picture(2)), ("metadata.jsonl", "\n".join(LINES).encode())],
        "imagefolder", "imagefolder",
    ),
    "imagefolder csv": (
        [
            ("train/a.png", picture(1)), ("train/b.png", picture(2)),
            ("train/metadata.csv", b'file_name,text\na.png,"zubo, a"\nb.png,zubo b\n'),
        ],
        "imagefolder", "imagefolder",
    ),
    "bfl": (
        [("1.png", picture(1)), ("1.txt", b"TOK one"), ("2.jpg", picture(2, form="JPEG")), ("2.txt", b"TOK two")],
        "bfl", "bfl",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_every_layout_goes_out_and_comes_back_with_the_same_hash(client, dataset, name):
    files, layout, export = ROUND_TRIPS[name]
    report = upload(client, dataset, ("set.zip", zip_of(files)))
    assert (report["layout"], report["refused"]) == (layout, [])
    count = sum(not file.endswith((".txt", ".caption", ".json", ".jsonl", ".csv")) for file, _ in files)
    assert len(report["added"]) == count
    packed = client.get(f"/api/datasets/{dataset}/export", params={"layout": export})
    assert packed.status_code == 200, packed.text
    other = client.post("/api/datasets", json={"name": "Again"}).json()["id"]
    assert upload(client, other, ("set.zip", packed.content))["refused"] == []
    first, second = (client.get(f"/api/datasets/{each}/manifest").json() for each in (dataset, other))
    assert second["hash"] == first["hash"]
    assert len(second["images"]) == count


def test_what_separates_lines_for_some_comes_back_as_a_blank(client, dataset):
    upload(client, dataset, ("a.png", picture(1)), ("b.png", picture(2)))
    first, second = client.get(f"/api/datasets/{dataset}/images").json()
    for each in (first, second):
        caption = {"caption": f"zubo\u2028{each['name']}\x85end"}
        assert client.patch(f"/api/datasets/{dataset}/images/{each['id']}", json=caption).status_code == 200
    for layout in ("bfl", "kohya", "imagefolder"):
        packed = client.get(f"/api/datasets/{dataset}/export", params={"layout": layout}).content
        other = client.post("/api/datasets", json={"name": "Again"}).json()["id"]
        assert upload(client, other, ("set.zip", packed))["refused"] == []
        back = [each["caption"] for each in client.get(f"/api/datasets/{other}/images").json()]
        assert back == ["zubo a.png end", "zubo b.png end"], layout


@pytest.mark.parametrize("layout", ["bfl", "kohya", "imagefolder"])
def test_what_is_exported_comes_back_as_it_was(client, dataset, layout):
    upload(
        client, dataset, ("b.png", picture(2)), ("b.txt", b"zubo, beside a wall"), ("a.png", picture(1)),
        ("a.txt", b"zubo in snow"),
    )  # fmt: skip
    exported = client.get(f"/api/datasets/{dataset}/export", params={"layout": layout})
    assert exported.status_code == 200, exported.text
    other = client.post("/api/datasets", json={"name": "Again", "trigger_word": "zubo"}).json()["id"]
    report = upload(client, other, ("set.zip", exported.content))
    assert (report["layout"], report["refused"]) == (layout, [])

    def facts(of):
        images = client.get(f"/api/datasets/{of}/images").json()
        return [(each["image"]["sha256"], each["caption"], each["repeats"]) for each in images]

    assert facts(other) == facts(dataset)
