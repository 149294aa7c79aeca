"""Changes to many captions, their history, and what captions say."""

from datetime import timedelta

import pytest

from fluxtune.datasets.caption_history import writing
from tests.makers import add_dataset
from tests.zoo import picture


@pytest.fixture
def client(shared_client):
    """A signed-in browser."""
    return shared_client


@pytest.fixture
def dataset(client):
    """Six images, captioned "a rexo number N" by files."""
    return add_dataset(client)


def images_of(client, dataset):
    return client.get(f"/api/datasets/{dataset['id']}/images").json()


def captions_of(client, dataset):
    return [image["caption"] for image in images_of(client, dataset)]


def type_into(client, dataset, image, caption, **more):
    url = f"/api/datasets/{dataset['id']}/images/{image['id']}"
    return client.patch(url, json={"caption": caption, **more})


def post(client, dataset, what, **body):
    return client.post(f"/api/datasets/{dataset['id']}/captions/{what}", json=body)


def replace(find, by, **more):
    return {"kind": "replace", "find": find, "replace": by, **more}


def versions_of(client, dataset, image):
    return client.get(f"/api/datasets/{dataset['id']}/images/{image['id']}/captions").json()


class TestTyping:
    def test_who_wrote_it_is_kept(self, client, dataset):
        image = images_of(client, dataset)[0]
        assert image["caption_by"] == "file"
        assert type_into(client, dataset, image, "a rexo asleep").json()["caption_by"] == "person"
        assert type_into(client, dataset, image, "").json()["caption_by"] == "none"

    def test_one_sitting_is_one_version(self, client, dataset):
        image = images_of(client, dataset)[0]
        for text in ("a", "a rexo", "a rexo asleep"):
            type_into(client, dataset, image, text)
        versions = versions_of(client, dataset, image)
        assert [(v["caption"], v["caption_by"]) for v in versions] == [
            ("a rexo asleep", "person"), ("a rexo number 0", "file"),
        ]  # fmt: skip

    def test_another_text_there_is_not_lost(self, client, dataset):
        image = images_of(client, dataset)[0]
        type_into(client, dataset, image, "typed elsewhere")
        response = type_into(client, dataset, image, "typed here", expected="a rexo number 0")
        assert response.status_code == 409
        assert "typed elsewhere" in response.json()["detail"]
        assert captions_of(client, dataset)[0] == "typed elsewhere"
        assert type_into(client, dataset, image, "typed here", expected="typed elsewhere").status_code == 200

    def test_the_same_text_twice_is_no_conflict(self, client, dataset):
        image = images_of(client, dataset)[0]
        for _ in range(2):
            assert type_into(client, dataset, image, "new", expected="a rexo number 0").status_code == 200

    def test_a_file_over_a_file_is_remembered(self, client, dataset):
        image = images_of(client, dataset)[0]
        files = [("files", ("0.txt", b"from another file"))]
        assert client.post(f"/api/datasets/{dataset['id']}/images", files=files).status_code == 200
        assert [v["caption"] for v in versions_of(client, dataset, image)] == ["from another file", "a rexo number 0"]

    def test_versions_of_an_unknown_image(self, client, dataset):
        assert client.get(f"/api/datasets/{dataset['id']}/images/nope/captions").status_code == 404


class TestSteps:
    def test_preview_changes_nothing(self, client, dataset):
        preview = post(client, dataset, "preview", edit=replace("number", "No")).json()
        assert (preview["image_count"], preview["changed_count"], preview["typed_count"]) == (6, 6, 0)
        assert preview["changes"][0]["after"] == "a rexo No 0"
        assert captions_of(client, dataset)[0] == "a rexo number 0"

    def test_undo_and_redo(self, client, dataset):
        before = captions_of(client, dataset)
        step = post(client, dataset, "steps", edit=replace("number", "No")).json()
        assert (step["state"], step["changed_count"]) == ("done", 6)
        after = captions_of(client, dataset)
        assert after == [text.replace("number", "No") for text in before]
        undone = post(client, dataset, "undo").json()
        assert (undone["changed_count"], undone["kept_count"]) == (6, 0)
        assert captions_of(client, dataset) == before
        assert {image["caption_by"] for image in images_of(client, dataset)} == {"file"}
        post(client, dataset, "redo")
        assert captions_of(client, dataset) == after

    def test_what_was_typed_since_stays(self, client, dataset):
        post(client, dataset, "steps", edit=replace("number", "No"))
        image = images_of(client, dataset)[2]
        type_into(client, dataset, image, "mine")
        undone = post(client, dataset, "undo").json()
        assert (undone["changed_count"], undone["kept_count"]) == (5, 1)
        assert captions_of(client, dataset)[2] == "mine"

    def test_steps_are_undone_in_turn(self, client, dataset):
        first = post(client, dataset, "steps", edit=replace("number", "No")).json()
        second = post(client, dataset, "steps", edit={"kind": "add", "text": "photo"}).json()
        response = post(client, dataset, "undo", step_id=first["id"])
        assert response.status_code == 409
        assert "photo" in response.json()["detail"]
        assert post(client, dataset, "undo", step_id=second["id"]).status_code == 200
        assert post(client, dataset, "undo", step_id=first["id"]).status_code == 200
        assert post(client, dataset, "undo").status_code == 409
        shown = client.get(f"/api/datasets/{dataset['id']}/captions/steps").json()
        assert (shown["undo_id"], shown["redo_id"]) == (None, first["id"])

    def test_a_new_step_drops_what_was_undone(self, client, dataset):
        post(client, dataset, "steps", edit=replace("number", "No"))
        post(client, dataset, "undo")
        post(client, dataset, "steps", edit=replace("a ", "the "))
        assert post(client, dataset, "redo").status_code == 409
        steps = client.get(f"/api/datasets/{dataset['id']}/captions/steps").json()["steps"]
        assert [step["state"] for step in steps] == ["done", "dropped"]

    def test_only_some(self, client, dataset):
        ids = [image["id"] for image in images_of(client, dataset)][:2]
        step = post(client, dataset, "steps", edit=replace("number", "No"), dataset_image_ids=ids).json()
        assert step["changed_count"] == 2

    def test_nothing_to_change_leaves_nothing_to_undo(self, client, dataset):
        assert post(client, dataset, "steps", edit=replace("unicorn", "")).json()["changed_count"] == 0
        assert post(client, dataset, "undo").status_code == 409

    def test_authors_stay(self, client, dataset):
        image = images_of(client, dataset)[0]
        type_into(client, dataset, image, "")
        post(client, dataset, "steps", edit={"kind": "trigger", "action": "insert", "fill_empty": True})
        authors = [each["caption_by"] for each in images_of(client, dataset)]
        assert authors == ["person", *["file"] * 5]

    def test_versions_name_the_step(self, client, dataset):
        post(client, dataset, "steps", edit=replace("number", "No"))
        image = images_of(client, dataset)[0]
        versions = versions_of(client, dataset, image)
        assert versions[0]["step_title"] == "Replace “number” by “No”"
        assert not versions[0]["is_undone"]
        post(client, dataset, "undo")
        assert versions_of(client, dataset, image)[0]["is_undone"]

    @pytest.mark.parametrize(
        ("edit", "field"),
        [
            (replace("(", "", is_regex=True), "find"),
            (replace("a", r"\3", is_regex=True), "replace"),
            (replace("", ""), "edit.replace.find"),
            ({"kind": "shout"}, "edit"),
        ],
    )
    def test_bad_edits(self, client, dataset, edit, field):
        response = post(client, dataset, "preview", edit=edit)
        assert response.status_code == 422
        assert field in [error["field"] for error in response.json()["errors"]]

    def test_in_the_trash(self, client, dataset):
        client.delete(f"/api/datasets/{dataset['id']}")
        assert post(client, dataset, "steps", edit=replace("a", "b")).status_code == 409

    def test_a_dataset_with_history_can_go_for_good(self, client, dataset):
        from fluxtune.core.clock import now
        from fluxtune.datasets import repository
        from tests.makers import state_of

        post(client, dataset, "steps", edit=replace("number", "No"))
        with state_of(client).database.transaction() as session:
            row = repository.find_dataset(session, dataset["id"])
            assert row is not None
            row.deleted_at = now()
            session.flush()
            repository.remove(session, row)
        assert client.get(f"/api/datasets/{dataset['id']}").status_code == 404


class TestFrequencies:
    def test_tags_and_words(self, client):
        dataset = client.post("/api/datasets", json={"name": "Tags"}).json()
        captions = ["cat, night", "Cat, day", "cat, a cat at night", ""]
        files = [("files", (f"{i}.png", picture(i))) for i in range(4)]
        files += [("files", (f"{i}.txt", text.encode())) for i, text in enumerate(captions) if text]
        client.post(f"/api/datasets/{dataset['id']}/images", files=files)
        shown = client.get(f"/api/datasets/{dataset['id']}/captions/frequencies").json()
        assert shown["captioned_count"] == 3
        assert shown["tags"][0] == {"text": "cat", "count": 3}
        assert {"text": "night", "count": 2} in shown["words"]
        images = client.get(f"/api/datasets/{dataset['id']}/images").json()
        assert shown["tokens"]["longest_id"] == next(i["id"] for i in images if "a cat at" in i["caption"])
        assert not shown["tokens"]["is_counted"]

    def test_tokens_of_a_base_are_counted(self, client, dataset):
        url = f"/api/datasets/{dataset['id']}/captions/frequencies"
        tokens = client.get(url, params={"base": "pocket"}).json()["tokens"]
        assert tokens["is_counted"]
        assert 3 < tokens["median"] <= tokens["longest"] < 12
        assert client.get(url, params={"base": "nope"}).status_code == 404


class TestHistoryIsBounded:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setattr(writing, "KEPT_TYPED", 3)
        monkeypatch.setattr(writing, "KEPT_STEPS", 4)
        monkeypatch.setattr(writing, "ONE_SITTING", timedelta(0))

    def test_of_typed_captions_the_newest_stay(self, client, dataset):
        first, second = images_of(client, dataset)[:2]
        type_into(client, dataset, second, "another image's")
        for number in range(6):
            type_into(client, dataset, first, f"text {number}")
        texts = [version["caption"] for version in versions_of(client, dataset, first)]
        assert texts == ["text 5", "text 4", "text 3", "text 2"]  # the last is what was before the oldest change
        assert len(versions_of(client, dataset, second)) == 2

    def test_the_newest_steps_stay_and_can_be_undone(self, client, dataset):
        for number in range(6):
            edit = {"kind": "add", "text": f"and {number}", "place": "end", "joint": " "}
            assert post(client, dataset, "steps", edit=edit).status_code == 200
        history = client.get(f"/api/datasets/{dataset['id']}/captions/steps").json()
        assert len(history["steps"]) == 4
        for _ in range(4):
            assert post(client, dataset, "undo").status_code == 200
        assert captions_of(client, dataset)[0] == "a rexo number 0 and 0 and 1"
        assert post(client, dataset, "undo").status_code == 409

    def test_steps_over_very_many_captions_leave_sooner_but_never_the_last(self, client, dataset, monkeypatch):
        monkeypatch.setattr(writing, "KEPT_CHANGES", 1)
        for number in range(2):
            post(client, dataset, "steps", edit={"kind": "add", "text": f"and {number}", "place": "end", "joint": " "})
        assert len(client.get(f"/api/datasets/{dataset['id']}/captions/steps").json()["steps"]) == 1
        assert post(client, dataset, "undo").json()["changed_count"] == 6
