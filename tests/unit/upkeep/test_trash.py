"""The trash is emptied after its time: rows first, then files, and only what nobody needs."""

from datetime import timedelta

import pytest

from fluxtune.core.clock import now
from fluxtune.images.keys import original_key, thumbnail_key, thumbnail_keys
from fluxtune.images.service import store_content
from fluxtune.imaging import THUMBNAIL_SIZES
from fluxtune.jobs import service as jobs
from fluxtune.storage import Blobs, FileLock
from fluxtune.trash import repository as leftovers
from fluxtune.upkeep.trash import Trash
from fluxtune.worker.process import Worker
from tests.makers import add_model, fill_gallery, state_of
from tests.shared import shared_client, shared_studio
from tests.unit.finetunes.test_going_on import Trainer, dataset, finetune, run, studio
from tests.unit.finetunes.test_tasks import PlayedBackend
from tests.unit.generations.test_tasks import PlayedBackend as Drawer
from tests.unit.generations.test_tasks import run as draw
from tests.zoo import picture

__all__ = ["dataset", "finetune", "shared_client", "shared_studio", "studio"]

LATER = timedelta(days=31)


def empty(studio, after=LATER) -> int:
    state = state_of(studio)
    return Trash(state.settings, state.database, state.blobs).empty(now() + after)


def blobs_of(studio, image) -> list[bool]:
    """Return whether original and thumbnails of an image are in storage."""
    keys = [original_key(image["sha256"], image["format"])]
    keys += [thumbnail_key(image["sha256"], size) for size in THUMBNAIL_SIZES]
    return [state_of(studio).blobs.has(key) for key in keys]


def images_of(studio, dataset) -> list[dict]:
    return [entry["image"] for entry in studio.get(f"/api/datasets/{dataset['id']}/images").json()]


def left(studio) -> list[tuple[str, str]]:
    with state_of(studio).database.reading() as session:
        return list(leftovers.list_paths(session))


class TestDatasets:
    def test_it_goes_with_its_images_and_their_blobs(self, studio, dataset):
        images = images_of(studio, dataset)
        studio.delete(f"/api/datasets/{dataset['id']}")
        assert empty(studio, timedelta(days=29)) == 0
        assert studio.post(f"/api/datasets/{dataset['id']}/restoration").status_code == 200
        assert empty(studio) == 0
        studio.delete(f"/api/datasets/{dataset['id']}")
        assert empty(studio) == 1
        assert studio.get(f"/api/datasets/{dataset['id']}").status_code == 404
        assert studio.get(f"/api/images/{images[0]['id']}").status_code == 404
        assert not any(any(blobs_of(studio, image)) for image in images)
        assert left(studio) == []

    def test_what_another_dataset_shows_stays(self, studio, dataset):
        other = studio.post("/api/datasets", json={"name": "Other"}).json()
        url = f"/api/datasets/{other['id']}/images"
        (shared,) = studio.post(url, files=[("files", ("0.png", picture(0)))]).json()["added"]
        studio.delete(f"/api/datasets/{dataset['id']}")
        assert empty(studio) == 1
        assert images_of(studio, other) == [shared["image"]]
        assert all(blobs_of(studio, shared["image"]))

    def test_an_image_removed_from_a_dataset(self, studio, dataset):
        entry = studio.get(f"/api/datasets/{dataset['id']}/images").json()[0]
        studio.delete(f"/api/datasets/{dataset['id']}/images/{entry['id']}")
        assert empty(studio) == 1
        assert len(images_of(studio, dataset)) == 5
        assert not any(blobs_of(studio, entry["image"]))

    def test_nothing_goes_where_things_are_kept_for_ever(self, studio, dataset, monkeypatch):
        monkeypatch.setattr(state_of(studio).settings.trash, "keep_days", 0)
        studio.delete(f"/api/datasets/{dataset['id']}")
        assert empty(studio, timedelta(days=36_500)) == 0
        assert studio.post(f"/api/datasets/{dataset['id']}/restoration").status_code == 200


class TestFinetunes:
    def test_its_training_images_outlive_the_dataset_while_it_may_need_them(self, studio, dataset, finetune):
        images = images_of(studio, dataset)
        studio.delete(f"/api/datasets/{dataset['id']}")
        assert empty(studio) == 1
        assert all(all(blobs_of(studio, image)) for image in images)
        assert run(studio, finetune, Trainer())["state"] == "succeeded"
        studio.delete(f"/api/finetunes/{finetune['id']}")
        assert empty(studio) == 1
        assert not any(any(blobs_of(studio, image)) for image in images)

    def test_it_goes_with_its_run_and_its_jobs_and_leaves_its_model(self, studio, finetune):
        shown = run(studio, finetune, PlayedBackend())
        sheet = studio.get(f"/api/finetunes/{finetune['id']}/samples").json()
        folder = state_of(studio).settings.paths.run(finetune["id"])
        assert folder.is_dir()
        studio.delete(f"/api/finetunes/{finetune['id']}")
        assert empty(studio) == 1
        for path in (f"finetunes/{finetune['id']}", f"jobs/{finetune['job_id']}", f"finetunes/{finetune['id']}/log"):
            assert studio.get(f"/api/{path}").status_code == 404
        assert not folder.exists()
        model = studio.get(f"/api/models/{shown['model_id']}").json()
        assert (model["finetune_id"], len(model["versions"])) == (None, 1)
        assert sheet["cells"]
        for image in (cell["image"] for cell in sheet["cells"]):
            is_kept = image["sha256"] == model["cover"]["sha256"]  # the model shows it
            assert set(blobs_of(studio, image)) == {is_kept}

    @pytest.mark.parametrize("reason", ["job", "lock"])
    def test_one_that_is_worked_on_stays(self, studio, finetune, reason):
        run(studio, finetune, Trainer())
        studio.delete(f"/api/finetunes/{finetune['id']}")
        if reason == "job":
            with state_of(studio).database.transaction() as session:
                jobs.enqueue(session, "health", finetune["id"], "Check", {})
            assert empty(studio) == 0
        else:
            lock = FileLock(state_of(studio).settings.paths.run(finetune["id"]) / "run.lock")
            assert lock.acquire()
            assert empty(studio) == 0
            lock.release()
            assert empty(studio) == 1


class TestModels:
    def test_it_goes_with_its_files_and_the_run_forgets_it(self, studio, finetune):
        model_id = run(studio, finetune, Trainer())["model_id"]
        folder = state_of(studio).settings.paths.models / model_id
        assert list(folder.iterdir())
        studio.delete(f"/api/models/{model_id}")
        assert empty(studio) == 1
        assert studio.get(f"/api/models/{model_id}").status_code == 404
        assert studio.get(f"/api/finetunes/{finetune['id']}").json()["model_id"] is None
        assert not folder.exists()


class TestImages:
    def test_a_gallery_image(self, studio):
        ids = fill_gallery(studio, {}, {})
        gone, stays = (entry["image"] for entry in studio.post("/api/gallery/records", json={"ids": ids}).json())
        studio.delete(f"/api/gallery/{gone['id']}")
        assert empty(studio) == 1
        assert studio.get(gone["url"]).status_code == 404
        assert studio.post(f"/api/gallery/{gone['id']}/restoration").status_code == 404
        assert not any(blobs_of(studio, gone))
        assert all(blobs_of(studio, stays))

    def test_a_generation_goes_with_its_last_image(self, studio, monkeypatch):
        monkeypatch.setattr("fluxtune.generations.service.require_engine", lambda: None)
        body = {"model_id": "tiny", "prompt": "ein Bär", "count": 2, "seed": 40}
        generation = studio.post("/api/generations", json=body).json()
        shown = draw(studio, generation, Drawer())
        first, second = (slot["result"]["image"] for slot in shown["slots"])
        studio.delete(f"/api/gallery/{first['id']}")
        assert empty(studio) == 1
        again = studio.get(f"/api/generations/{generation['id']}").json()
        assert [slot["result"]["image"]["id"] for slot in again["slots"]] == [second["id"]]
        studio.delete(f"/api/gallery/{second['id']}")
        assert empty(studio) == 1
        assert studio.get(f"/api/generations/{generation['id']}").status_code == 404
        assert studio.get(f"/api/jobs/{generation['job_id']}").status_code == 404


def test_thumbnails_of_earlier_days_go_too(studio, dataset):
    image = images_of(studio, dataset)[0]
    blobs = state_of(studio).blobs
    key, earlier = thumbnail_keys(image["sha256"], 320)
    blobs.put(earlier, blobs.get(key))
    studio.delete(f"/api/datasets/{dataset['id']}")
    empty(studio)
    assert not blobs.has(earlier)


class TestCrashes:
    def test_files_that_could_not_be_removed_go_next_time(self, studio, dataset, tmp_path, monkeypatch):
        model = add_model(studio, tmp_path)
        images = images_of(studio, dataset)
        studio.delete(f"/api/models/{model.id}")
        studio.delete(f"/api/datasets/{dataset['id']}")

        def fail(*_args):
            raise OSError(13, "Permission denied")

        with monkeypatch.context() as patched:
            patched.setattr(Blobs, "delete", fail)
            patched.setattr("shutil.rmtree", fail)
            assert empty(studio) == 2
        assert studio.get(f"/api/models/{model.id}").status_code == 404
        assert (state_of(studio).settings.paths.models / model.id).is_dir()
        assert len(left(studio)) == 1 + len(images) * (1 + 2 * len(THUMBNAIL_SIZES))  # and the WebP of earlier days
        assert empty(studio) == 0
        assert left(studio) == []
        assert not (state_of(studio).settings.paths.models / model.id).exists()
        assert not any(any(blobs_of(studio, image)) for image in images)

    def test_one_that_can_not_be_removed_does_not_hold_up_the_others(self, studio, dataset, monkeypatch):
        (image,) = fill_gallery(studio, {})
        studio.delete(f"/api/gallery/{image}")
        studio.delete(f"/api/datasets/{dataset['id']}")

        def fail(*_args):
            raise RuntimeError("broken")

        with monkeypatch.context() as patched:
            patched.setattr("fluxtune.generations.purging.forget_image", fail)
            assert empty(studio) == 1
        assert studio.post(f"/api/gallery/{image}/restoration").status_code == 200, "nothing of it was removed"

    def test_content_that_is_uploaded_again_before_its_blobs_are_gone_is_kept(self, studio, dataset, monkeypatch):
        images = images_of(studio, dataset)
        studio.delete(f"/api/datasets/{dataset['id']}")
        with monkeypatch.context() as patched:
            patched.setattr("fluxtune.trash.service._remove_blob", lambda *_: False)
            empty(studio)
        other = studio.post("/api/datasets", json={"name": "Other"}).json()
        studio.post(f"/api/datasets/{other['id']}/images", files=[("files", ("0.png", picture(0)))])
        empty(studio)
        assert [all(blobs_of(studio, image)) for image in images] == [True] + [False] * 5
        assert images_of(studio, other)[0]["sha256"] == images[0]["sha256"]

    def test_content_whose_row_is_about_to_come_is_kept(self, studio, dataset, monkeypatch):
        (image, *_) = images_of(studio, dataset)
        studio.delete(f"/api/datasets/{dataset['id']}")
        with monkeypatch.context() as patched:
            patched.setattr("fluxtune.trash.service._remove_blob", lambda *_: False)
            empty(studio)
        store_content(state_of(studio).blobs, picture(0))
        empty(studio, timedelta(minutes=59))
        assert all(blobs_of(studio, image))


def test_a_clock_set_ahead_empties_nothing(settings, monkeypatch):
    worker = Worker(settings)
    before = now()
    monkeypatch.setattr("fluxtune.worker.process.now", lambda: before + timedelta(days=400))
    assert worker._steady_now() - before < timedelta(minutes=1)
    monkeypatch.setattr("fluxtune.worker.process.now", lambda: before - timedelta(days=400))
    assert worker._steady_now() < before
