"""Routes of datasets."""

import pytest

from tests.zoo import picture, zip_of


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


@pytest.fixture
def dataset(client):
    """An empty dataset."""
    return client.post("/api/datasets", json={"name": "Rex", "mode": "character", "trigger_word": "rexo"}).json()


def upload(client, dataset_id, *files):
    return client.post(f"/api/datasets/{dataset_id}/images", files=[("files", file) for file in files])


@pytest.fixture
def filled(client, dataset):
    """A dataset of three images, two with captions."""
    response = upload(
        client, dataset["id"], ("1.png", picture(1)), ("2.png", picture(2)), ("3.png", picture(3)),
        ("1.txt", b"a rexo one"), ("2.txt", b"a rexo two"),
    )  # fmt: skip
    assert response.status_code == 200, response.text
    return dataset


def images_of(client, dataset):
    return client.get(f"/api/datasets/{dataset['id']}/images").json()


class TestCreate:
    def test_empty(self, client):
        response = client.post("/api/datasets", json={"name": "  Rex ", "mode": "style", "trigger_word": " rexo "})
        assert response.status_code == 201
        dataset = response.json()
        assert (dataset["name"], dataset["mode"], dataset["trigger_word"]) == ("Rex", "style", "rexo")
        assert (dataset["image_count"], dataset["covers"], dataset["deleted_at"]) == (0, [], None)

    def test_without_a_name_it_gets_one(self, client):
        names = [client.post("/api/datasets", json={}).json()["name"] for _ in range(3)]
        assert len(set(names)) == 3

    def test_from_a_sample(self, client):
        samples = client.get("/api/samples").json()
        assert {sample["mode"] for sample in samples} == {"character", "product", "style"}
        for sample in samples:
            dataset = client.post("/api/datasets", json={"sample": sample["name"]}).json()
            assert dataset["image_count"] == dataset["captioned_count"] == sample["image_count"] > 3
            assert dataset["trigger_word"] == sample["trigger_word"]
            assert dataset["mode"] == sample["mode"]
            assert dataset["sample"] == sample["name"]
            assert {image["caption_by"] for image in images_of(client, dataset)} == {"sample"}
            check = client.get(f"/api/datasets/{dataset['id']}/check").json()
            assert check["is_trainable"]
            assert [f for f in check["findings"] if f["severity"] != "hint"] == []

    def test_a_sample_can_be_used_twice(self, client):
        name = client.get("/api/samples").json()[0]["name"]
        first, second = (client.post("/api/datasets", json={"sample": name}).json() for _ in range(2))
        assert first["name"] != second["name"]
        assert second["image_count"] == first["image_count"]

    def test_sample_cover(self, client):
        sample = client.get("/api/samples").json()[0]
        response = client.get(sample["cover_url"])
        assert response.status_code == 200
        assert response.content.startswith(b"\x89PNG")

    @pytest.mark.parametrize("path", ["/api/samples/nope/cover", "/api/samples/..%2f/cover"])
    def test_unknown_cover(self, client, path):
        assert client.get(path).status_code == 404

    def test_unknown_sample(self, client):
        response = client.post("/api/datasets", json={"sample": "nope"})
        assert response.status_code == 404
        assert "nope" in response.json()["detail"]


class TestChange:
    def test_what_is_given_changes_and_the_rest_stays(self, client, dataset):
        response = client.patch(f"/api/datasets/{dataset['id']}", json={"notes": "from the beach"})
        changed = response.json()
        assert (changed["notes"], changed["name"], changed["trigger_word"]) == ("from the beach", "Rex", "rexo")
        assert changed["updated_at"] > dataset["updated_at"]

    def test_trigger_word_can_be_emptied(self, client, dataset):
        assert client.patch(f"/api/datasets/{dataset['id']}", json={"trigger_word": ""}).json()["trigger_word"] == ""

    def test_null_means_unchanged(self, client, dataset):
        assert client.patch(f"/api/datasets/{dataset['id']}", json={"name": None}).json()["name"] == "Rex"


class TestTrash:
    def test_there_and_back(self, client, filled):
        assert client.delete(f"/api/datasets/{filled['id']}").status_code == 204
        assert client.get("/api/datasets").json() == []
        (in_trash,) = client.get("/api/datasets?deleted=true").json()
        assert in_trash["deleted_at"] is not None
        restored = client.post(f"/api/datasets/{filled['id']}/restoration").json()
        assert (restored["deleted_at"], restored["image_count"]) == (None, 3)

    def test_twice_is_fine(self, client, dataset):
        for _ in range(2):
            assert client.delete(f"/api/datasets/{dataset['id']}").status_code == 204

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PATCH", "", {"name": "x"}),
            ("POST", "/fixes", {"fix": "remove_small"}),
            ("PATCH", "/images/{image}", {"caption": "x"}),
            ("DELETE", "/images/{image}", None),
            ("POST", "/images/{image}/restoration", None),
        ],
    )
    def test_what_is_in_the_trash_can_not_be_changed(self, client, filled, method, path, body):
        image = images_of(client, filled)[0]["id"]
        client.delete(f"/api/datasets/{filled['id']}")
        response = client.request(method, f"/api/datasets/{filled['id']}{path.format(image=image)}", json=body)
        assert response.status_code == 409
        assert "trash" in response.json()["title"]

    def test_nothing_is_added_to_what_is_in_the_trash(self, client, dataset):
        client.delete(f"/api/datasets/{dataset['id']}")
        assert upload(client, dataset["id"], ("1.png", picture(1))).status_code == 409


class TestMissing:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "", None),
            ("PATCH", "", {"name": "x"}),
            ("DELETE", "", None),
            ("POST", "/restoration", None),
            ("GET", "/images", None),
            ("GET", "/check", None),
            ("POST", "/fixes", {"fix": "remove_small"}),
            ("PATCH", "/images/x", {"caption": "x"}),
            ("DELETE", "/images/x", None),
            ("POST", "/images/x/restoration", None),
        ],
    )
    def test_no_such_dataset(self, client, method, path, body):
        response = client.request(method, f"/api/datasets/nope{path}", json=body)
        assert response.status_code == 404
        problem = response.json()
        assert problem["title"] == "No such dataset"
        assert problem["action"]

    def test_no_such_image(self, client, dataset):
        for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/restoration")):
            url = f"/api/datasets/{dataset['id']}/images/nope{path}"
            response = client.request(method, url, json={"caption": "x"} if method == "PATCH" else None)
            assert response.status_code == 404

    def test_an_image_of_another_dataset_is_not_in_this_one(self, client, filled):
        other = client.post("/api/datasets", json={}).json()
        image = images_of(client, filled)[0]["id"]
        response = client.patch(f"/api/datasets/{other['id']}/images/{image}", json={"caption": "x"})
        assert response.status_code == 404

    def test_upload(self, client):
        assert upload(client, "nope", ("1.png", picture(1))).status_code == 404


class TestUpload:
    def test_images_and_captions(self, client, dataset):
        report = upload(
            client, dataset["id"], ("b.png", picture(2)), ("a.jpg", picture(1, form="JPEG")), ("a.txt", b"a rexo"),
        ).json()  # fmt: skip
        assert [image["name"] for image in report["added"]] == ["b.png", "a.jpg"]
        assert [image["position"] for image in report["added"]] == [0, 1]
        assert [image["caption"] for image in report["added"]] == ["", "a rexo"]
        assert [image["caption_by"] for image in report["added"]] == ["none", "file"]
        assert (report["captioned_count"], report["image_count"]) == (1, 2)
        assert report["duplicates"] == report["refused"] == []
        assert client.get(f"/api/datasets/{dataset['id']}").json()["captioned_count"] == 1

    def test_a_zip_with_folders(self, client, dataset):
        data = zip_of([("x/1.png", picture(1)), ("y/1.png", picture(2)), ("y/1.txt", b"of y"), ("x/1.txt", b"of x")])
        report = upload(client, dataset["id"], ("pack.zip", data)).json()
        assert [(image["name"], image["caption"]) for image in report["added"]] == [
            ("x/1.png", "of x"),
            ("y/1.png", "of y"),
        ]

    def test_loose_files_with_folder_paths(self, client, dataset):
        report = upload(client, dataset["id"], ("dir/1.png", picture(1)), ("dir/1.caption", b"hello")).json()
        assert report["added"][0]["name"] == "dir/1.png"
        assert report["added"][0]["caption"] == "hello"

    def test_further_uploads_go_on_behind(self, client, filled):
        upload(client, filled["id"], ("4.png", picture(4)))
        assert [image["name"] for image in images_of(client, filled)] == ["1.png", "2.png", "3.png", "4.png"]

    def test_the_same_content_is_kept_once(self, client, filled):
        report = upload(client, filled["id"], ("copy.png", picture(1)), ("9.png", picture(9)), ("9b.png", picture(9)))
        report = report.json()
        assert [image["name"] for image in report["added"]] == ["9.png"]
        assert report["duplicates"] == ["copy.png", "9b.png"]
        assert report["image_count"] == 4

    def test_a_duplicate_brings_its_caption(self, client, filled):
        report = upload(client, filled["id"], ("copy.png", picture(3)), ("copy.txt", b"a rexo three")).json()
        assert report["captioned_count"] == 1
        assert images_of(client, filled)[2]["caption"] == "a rexo three"

    def test_two_files_of_one_name_are_both_kept(self, client, filled):
        report = upload(client, filled["id"], ("1.png", picture(7))).json()
        assert [image["name"] for image in report["added"]] == ["1 (2).png"]
        assert "1 (2).png" in report["notes"][0]

    def test_one_name_twice_in_a_zip(self, client, dataset):
        data = zip_of([("1.png", picture(1)), ("1.png", picture(2)), ("1.txt", b"both")])
        report = upload(client, dataset["id"], ("pack.zip", data)).json()
        assert [(image["name"], image["caption"]) for image in report["added"]] == [
            ("1.png", "both"),
            ("1 (2).png", "both"),
        ]

    def test_a_caption_that_comes_later_finds_its_image(self, client, filled):
        report = upload(client, filled["id"], ("3.txt", b"a rexo three")).json()
        assert report["captioned_count"] == 1
        assert images_of(client, filled)[2]["caption"] == "a rexo three"

    def test_a_caption_named_after_the_whole_file_name(self, client, dataset):
        report = upload(client, dataset["id"], ("1.png", picture(1)), ("1.png.txt", b"hello")).json()
        assert report["added"][0]["caption"] == "hello"

    def test_a_file_may_replace_what_a_file_said(self, client, filled):
        upload(client, filled["id"], ("1.txt", b"better"))
        assert images_of(client, filled)[0]["caption"] == "better"

    def test_what_a_person_typed_is_never_overwritten(self, client, filled):
        image = images_of(client, filled)[0]
        client.patch(f"/api/datasets/{filled['id']}/images/{image['id']}", json={"caption": "typed"})
        report = upload(client, filled["id"], ("1.txt", b"from a file")).json()
        assert report["captioned_count"] == 0
        assert "typed here" in report["refused"][0]["reason"]
        assert images_of(client, filled)[0]["caption"] == "typed"

    def test_an_emptied_caption_may_be_filled_again(self, client, filled):
        image = images_of(client, filled)[0]
        changed = client.patch(f"/api/datasets/{filled['id']}/images/{image['id']}", json={"caption": "  "}).json()
        assert (changed["caption"], changed["caption_by"]) == ("", "none")
        upload(client, filled["id"], ("1.txt", b"from a file"))
        assert images_of(client, filled)[0]["caption"] == "from a file"

    def test_uploads_of_one_image_into_two_datasets_share_it(self, client, filled):
        other = client.post("/api/datasets", json={}).json()
        added = upload(client, other["id"], ("other.png", picture(1))).json()["added"][0]
        assert added["image"]["id"] == images_of(client, filled)[0]["image"]["id"]


class TestImages:
    def test_typed_caption(self, client, filled):
        image = images_of(client, filled)[2]
        response = client.patch(f"/api/datasets/{filled['id']}/images/{image['id']}", json={"caption": " a rexo 3 "})
        assert response.json()["caption"] == "a rexo 3"
        assert response.json()["caption_by"] == "person"
        assert client.get(f"/api/datasets/{filled['id']}").json()["captioned_count"] == 3

    def test_removed_and_put_back_in_its_place(self, client, filled):
        second = images_of(client, filled)[1]
        assert client.delete(f"/api/datasets/{filled['id']}/images/{second['id']}").status_code == 204
        upload(client, filled["id"], ("4.png", picture(4)))
        assert [image["name"] for image in images_of(client, filled)] == ["1.png", "3.png", "4.png"]
        response = client.post(f"/api/datasets/{filled['id']}/images/{second['id']}/restoration")
        assert response.json()["caption"] == "a rexo two"
        assert [image["name"] for image in images_of(client, filled)] == ["1.png", "2.png", "3.png", "4.png"]

    def test_problems_stand_on_the_images(self, client, filled):
        upload(client, filled["id"], ("small.png", picture(8, (90, 90))))
        badges = {image["name"]: image["problems"] for image in images_of(client, filled)}
        assert badges["small.png"] == ["too_small", "caption_missing"]
        assert badges["1.png"] == []


class TestCheckAndFixes:
    def test_an_empty_dataset_is_not_trainable(self, client, dataset):
        check = client.get(f"/api/datasets/{dataset['id']}/check").json()
        assert not check["is_trainable"]
        assert check["findings"][0]["kind"] == "empty"

    def test_remove_small(self, client, filled):
        upload(client, filled["id"], ("small.png", picture(8, (90, 90))))
        check = client.post(f"/api/datasets/{filled['id']}/fixes", json={"fix": "remove_small"}).json()
        assert check["image_count"] == 3
        assert "too_small" not in [finding["kind"] for finding in check["findings"]]

    def test_remove_duplicates_keeps_one_and_can_be_undone(self, client, filled):
        upload(client, filled["id"], ("again.jpg", picture(1, form="JPEG")))
        before = images_of(client, filled)
        assert [image["name"] for image in before if "duplicate" in image["problems"]] == ["1.png", "again.jpg"]
        check = client.post(f"/api/datasets/{filled['id']}/fixes", json={"fix": "remove_duplicates"}).json()
        assert check["image_count"] == 3
        client.post(f"/api/datasets/{filled['id']}/images/{before[3]['id']}/restoration")
        assert len(images_of(client, filled)) == 4

    def test_a_fix_with_nothing_to_fix_changes_nothing(self, client, filled):
        for fix in ("remove_small", "remove_duplicates"):
            check = client.post(f"/api/datasets/{filled['id']}/fixes", json={"fix": fix}).json()
            assert check["image_count"] == 3


def test_list_is_newest_change_first_with_covers(client, filled):
    other = client.post("/api/datasets", json={"name": "Other"}).json()
    assert [dataset["id"] for dataset in client.get("/api/datasets").json()] == [other["id"], filled["id"]]
    upload(client, filled["id"], ("4.png", picture(4)), ("5.png", picture(5)))
    first = client.get("/api/datasets").json()[0]
    assert first["id"] == filled["id"]
    assert len(first["covers"]) == 4


def test_a_stranger_sees_nothing(stranger):
    assert stranger.get("/api/datasets").status_code == 403
    assert stranger.post("/api/datasets", json={}).status_code == 403
