"""What takes room, and cleaning by hand."""

import pytest

from fluxtune.jobs.runner import JobRunner
from fluxtune.upkeep.tasks import CleaningTask
from tests.makers import state_of
from tests.shared import shared_client, shared_studio
from tests.unit.finetunes.test_going_on import dataset, finetune, studio

__all__ = ["dataset", "finetune", "shared_client", "shared_studio", "studio"]


def room(studio) -> dict:
    found = studio.get("/api/storage?fresh=true")
    assert found.status_code == 200, found.text
    return found.json()


def parts(studio) -> dict[str, dict]:
    return {part["kind"]: part for part in room(studio)["parts"]}


def offers(studio) -> dict[str, dict]:
    return {offer["what"]: offer for offer in room(studio)["offers"]}


@pytest.fixture
def clean(studio):
    """Clean as a worker does, here and now."""
    state = state_of(studio)
    runner = JobRunner(state.database, [CleaningTask(state.settings, state.database, state.blobs)], lambda: False)

    def clean(what: str) -> dict:
        job = studio.post("/api/storage/cleanings", json={"what": what})
        assert job.status_code == 202, job.text
        for step in runner.begin(job.json()["id"], 1):
            runner.finish(job.json()["id"], 1, runner.run_step(job.json()["id"], step))
        return studio.get(f"/api/jobs/{job.json()['id']}").json()

    return clean


def test_room_by_kind_and_by_thing(studio, dataset):
    before = parts(studio)
    assert before["dataset_images"]["count"] > 0
    assert before["thumbnails"]["byte_count"] > 0
    found = room(studio)
    assert found["byte_count"] == sum(part["byte_count"] for part in found["parts"])
    (thing,) = [each for each in found["things"] if each["id"] == dataset["id"]]
    assert thing["byte_count"] == sum(
        entry["image"]["byte_count"] for entry in studio.get(f"/api/datasets/{dataset['id']}/images").json()
    )


def test_the_trash_is_emptied_when_asked(studio, dataset, clean):
    assert "trash" not in offers(studio)
    studio.delete(f"/api/datasets/{dataset['id']}")
    assert offers(studio)["trash"]["count"] == 1
    assert clean("trash")["state"] == "succeeded"
    assert studio.get(f"/api/datasets/{dataset['id']}").status_code == 404
    assert "trash" not in offers(studio)


def test_what_was_measured_while_it_was_cleaned_is_not_remembered(studio, dataset, clean, monkeypatch):
    from fluxtune.upkeep import service

    def ask() -> list[str]:
        return [offer["what"] for offer in studio.get("/api/storage").json()["offers"]]

    studio.delete(f"/api/datasets/{dataset['id']}")
    before, do = [], service.clean

    def clean_seen(*args) -> int:
        before.append(ask())
        return do(*args)

    monkeypatch.setattr(service, "clean", clean_seen)
    assert clean("trash")["state"] == "succeeded"
    assert ("trash" in before[0], "trash" in ask()) == (True, False)


def test_one_cleaning_at_a_time(studio):
    assert studio.post("/api/storage/cleanings", json={"what": "caches"}).status_code == 202
    assert studio.post("/api/storage/cleanings", json={"what": "trash"}).status_code == 409


def test_unknown_cleanings_are_refused(studio):
    assert studio.post("/api/storage/cleanings", json={"what": "everything"}).status_code == 422
