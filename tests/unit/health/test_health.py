"""Health checks from queued to the stored report, with a backend that plays what an engine would say; comparisons."""

import sys
import threading
import time

import pytest

from fluxtune.backends.base import RunEnd
from fluxtune.backends.local import children, readiness
from fluxtune.backends.local.backend import LocalBackend
from fluxtune.core.errors import OutOfMemory
from fluxtune.engine.reports import REPORT_FILE, HealthEvent, HealthReport
from fluxtune.finetunes.tasks import FinetuneTask
from fluxtune.health import tasks
from fluxtune.health.service import queue_check
from fluxtune.health.tasks import GivingWay, HealthTask
from fluxtune.jobs.tasks import JobContext
from tests.makers import add_dataset, run_job, state_of
from tests.unit.backends.test_check import PROGRAM
from tests.unit.finetunes.test_tasks import PlayedBackend
from tests.zoo import make_base, picture


def report_of(sha256: str, *, is_complete: bool = True) -> HealthReport:
    """A report as an engine writes it, of one checkpoint."""
    measure = {"value": 0.8, "low": 0.6, "high": 0.9, "image_count": 8}
    reading = {"step": 20, "strength": 1.0, "measures": {"gain": measure}, "score": 0.8}
    near = {
        "file": "health/near.png", "prompt": "a rexo", "seed": 7, "training_index": 1, "training_file": "1.png",
        "training_sha256": sha256, "distance": 0.9, "is_copy": False,
    }  # fmt: skip
    checkpoint = {
        "step": 20, "adapter_sha256": "a" * 64, "reading": reading, "nearest": [near], "validation": None,
        "verdict": "good", "reasons": ["it is"],
    }  # fmt: skip
    cell = {"row": 0, "step": 0, "strength": 0, "seed": 7, "file": "health/base.png"}
    return HealthReport.model_validate(
        {
            "is_complete": is_complete, "base": "tiny", "trigger_word": "rexo", "methods": [], "prompts": ["a rexo"],
            "features": {"name": "tiny", "source": "base", "text": "by the base"}, "neutral_prompts": [], "seeds": [7],
            "checkpoints": [checkpoint], "strengths": [reading], "verdict": "good",
            "sheet": {"prompts": ["a rexo"], "steps": [20], "strengths": [1.0], "cells": [cell]},
            "recommendation": {"step": 20, "strength": 1.0, "text": "Step 20 at 1.", "reasons": []},
        }
    )  # fmt: skip


class PlayedCheck:
    """Writes what a check writes and says what it says."""

    def __init__(self, sha256: str = "x", end: str = "succeeded", is_complete: bool = True):
        self.sha256, self.end, self.is_complete = sha256, end, is_complete

    def check(self, run_dir, sink, steering):
        for done in (0, 1, 2):
            sink.receive(
                HealthEvent(type="health.progressed", data={"done": done, "total": 2, "what": "drawing with the base"})
            )
        (run_dir / "health").mkdir(exist_ok=True)
        for name in ("near", "base"):
            (run_dir / "health" / f"{name}.png").write_bytes(picture(len(name)))
        report = report_of(self.sha256, is_complete=self.is_complete)
        (run_dir / REPORT_FILE).write_text(report.model_dump_json())
        error = OutOfMemory("Needs more.").problem() if self.end == "failed" else None
        return RunEnd(self.end, error=error)  # type: ignore[arg-type]


@pytest.fixture
def studio(shared_client, monkeypatch):
    """A signed-in browser on a studio with one base."""
    monkeypatch.setattr(readiness, "require_engine", lambda: None)
    make_base(state_of(shared_client).settings.paths.bases)
    return shared_client


def start(studio, **recipe):
    dataset = add_dataset(studio)
    body = {"dataset_id": dataset["id"], "base": "tiny", "recipe": {"steps": 20} | recipe}
    return studio.post("/api/finetunes", json=body).json()


def train(studio, finetune, on_success=None):
    state = state_of(studio)
    run_job(studio, FinetuneTask(state.settings, state.blobs, PlayedBackend(), on_success), finetune["job_id"])
    return studio.get(f"/api/finetunes/{finetune['id']}").json()


@pytest.fixture
def finetune(studio):
    """A finetune that ended well, without a check."""
    return train(studio, start(studio))


def check(studio, finetune, backend, attempt=1):
    state = state_of(studio)
    job = studio.get(f"/api/finetunes/{finetune['id']}/health").json()["job"]
    run_job(studio, HealthTask(state.settings, state.blobs, backend), job["id"], attempt)
    return studio.get(f"/api/finetunes/{finetune['id']}/health").json()


class TestReport:
    def test_before_any_check_there_is_none(self, studio, finetune):
        assert studio.get(f"/api/finetunes/{finetune['id']}/health").json() == {
            "finetune_id": finetune["id"], "job": None, "report": None, "images": {}, "training_images": {},
            "measured_at": None,
        }  # fmt: skip
        assert studio.get("/api/finetunes/nothing/health").status_code == 404

    def test_is_stored_with_its_images(self, studio, finetune):
        response = studio.post(f"/api/finetunes/{finetune['id']}/health")
        assert (response.status_code, response.json()["kind"]) == (202, "health")
        dataset_images = studio.get(f"/api/datasets/{finetune['dataset_id']}/images").json()
        health = check(studio, finetune, PlayedCheck(dataset_images[1]["image"]["sha256"]))
        assert health["job"]["state"] == "succeeded"
        assert (health["job"]["step"], health["job"]["steps"]) == (2, 2)
        assert health["report"]["recommendation"]["text"] == "Step 20 at 1."
        assert set(health["images"]) == {"health/near.png", "health/base.png"}
        assert studio.get(health["images"]["health/near.png"]["url"]).status_code == 200
        assert health["training_images"]["1"]["id"] == dataset_images[1]["image"]["id"]
        assert health["measured_at"]

    def test_a_second_one_replaces_the_first_when_it_ends_well(self, studio, finetune):
        for end, state in (("succeeded", "succeeded"), ("failed", "failed"), ("cancelled", "cancelled")):
            studio.post(f"/api/finetunes/{finetune['id']}/health")
            health = check(studio, finetune, PlayedCheck(end=end))
            assert health["job"]["state"] == state
            assert health["report"]["verdict"] == "good"
            assert len(health["images"]) == 2
        shown = studio.get(f"/api/finetunes/{finetune['id']}").json()
        assert (shown["state"], shown["model_id"]) == ("succeeded", finetune["model_id"])

    def test_half_a_report_is_none(self, studio, finetune):
        studio.post(f"/api/finetunes/{finetune['id']}/health")
        health = check(studio, finetune, PlayedCheck(is_complete=False))
        assert (health["job"]["state"], health["report"]) == ("failed", None)


class TestQueueing:
    def test_a_check_is_queued_when_a_finetune_has_made_its_model(self, studio):
        finetune = train(studio, start(studio), queue_check)
        job = studio.get(f"/api/finetunes/{finetune['id']}/health").json()["job"]
        assert (job["state"], job["title"]) == ("queued", f"Health of “{finetune['name']}”")

    def test_one_that_waits_is_the_only_one(self, studio, finetune):
        url = f"/api/finetunes/{finetune['id']}/health"
        assert studio.post(url).json()["id"] == studio.post(url).json()["id"]

    def test_a_run_under_way_is_not_measured(self, studio):
        response = studio.post(f"/api/finetunes/{start(studio)['id']}/health")
        assert (response.status_code, response.json()["type"]) == (409, "/errors/finetune-unfinished")

    def test_it_gives_way_to_what_waits_and_goes_on_after_it(self, studio, finetune, monkeypatch):
        monkeypatch.setattr(tasks, "LOOK_EVERY_S", 0)
        job = studio.post(f"/api/finetunes/{finetune['id']}/health").json()

        class Patient(PlayedCheck):
            def check(self, run_dir, sink, steering):
                assert not steering.is_leaving()
                start(studio)
                assert steering.is_leaving()
                return RunEnd("handed_back")

        health = check(studio, finetune, Patient())
        assert (health["job"]["state"], health["job"]["phase"]) == ("queued", "waiting")
        turns = [each["id"] for each in studio.get("/api/jobs", params={"in_turn": True}).json()]
        assert turns[-1] == job["id"]

    def test_images_asked_for_meanwhile_are_made_within_seconds(self, studio, finetune, monkeypatch):
        """Everything but the engine's own process is real: the check in it only ends when it is told to."""
        monkeypatch.setattr(children, "engine_command", lambda *words: [sys.executable, "-c", PROGRAM, *words])
        monkeypatch.setattr("fluxtune.backends.local.backend.require_engine", lambda: None)
        monkeypatch.setattr("fluxtune.generations.service.require_engine", lambda: None)
        state = state_of(studio)
        folder = state.settings.paths.run(finetune["id"])
        (folder / "behaviour").write_text("wait")
        job = studio.post(f"/api/finetunes/{finetune['id']}/health").json()
        task = HealthTask(state.settings, state.blobs, LocalBackend(state.settings))
        checking = threading.Thread(target=run_job, args=(studio, task, job["id"]))
        checking.start()
        until = time.monotonic() + 60
        while not (folder / "ready").exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert studio.get(f"/api/jobs/{job['id']}").json()["state"] == "running"

        asked_at = time.monotonic()
        generation = studio.post("/api/generations", json={"model_id": "tiny", "prompt": "a rexo", "count": 1}).json()
        checking.join(60)
        assert not checking.is_alive()
        assert time.monotonic() - asked_at < 5
        turns = [each["id"] for each in studio.get("/api/jobs", params={"in_turn": True}).json()]
        assert turns == [generation["job_id"], job["id"]]

    def test_two_checks_do_not_give_way_to_each_other(self, studio, finetune, monkeypatch):
        monkeypatch.setattr(tasks, "LOOK_EVERY_S", 0)
        studio.post(f"/api/finetunes/{finetune['id']}/health")
        context = JobContext(state_of(studio).database, job_id="other", target_id="x", payload={})
        assert not GivingWay(context).is_leaving()


class TestCancelling:
    def cancel(self, studio, finetune):
        return studio.post(f"/api/finetunes/{finetune['id']}/health/cancellation")

    def test_one_that_waits(self, studio, finetune):
        studio.post(f"/api/finetunes/{finetune['id']}/health")
        assert self.cancel(studio, finetune).json()["state"] == "cancelled"
        response = self.cancel(studio, finetune)
        assert (response.status_code, response.json()["type"]) == (409, "/errors/no-check-under-way")

    def test_one_that_gave_way_and_waits_again(self, studio, finetune):
        studio.post(f"/api/finetunes/{finetune['id']}/health")
        assert check(studio, finetune, PlayedCheck(end="handed_back"))["job"]["state"] == "queued"
        assert self.cancel(studio, finetune).json()["state"] == "cancelled"

    def test_one_that_runs_is_asked_and_the_report_before_it_stays(self, studio, finetune):
        studio.post(f"/api/finetunes/{finetune['id']}/health")
        check(studio, finetune, PlayedCheck())
        studio.post(f"/api/finetunes/{finetune['id']}/health")
        test = self

        class Cancelled(PlayedCheck):
            def check(self, run_dir, sink, steering):
                test.cancel(studio, finetune)
                return RunEnd("cancelled" if steering.request() == "cancel" else "succeeded")

        health = check(studio, finetune, Cancelled())
        assert (health["job"]["state"], health["report"]["verdict"]) == ("cancelled", "good")

    def test_when_there_is_none(self, studio, finetune):
        assert self.cancel(studio, finetune).status_code == 409
        assert studio.post("/api/finetunes/nothing/health/cancellation").status_code == 404


class TestComparison:
    def test_names_what_differs_and_shows_both(self, studio, finetune):
        other = train(studio, start(studio, rank=8))
        studio.post(f"/api/finetunes/{finetune['id']}/health")
        check(studio, finetune, PlayedCheck())
        shown = studio.get("/api/finetunes/compare", params={"a": finetune["id"], "b": other["id"]}).json()
        ranks = {each["setting"]: (each["title"], each["a"], each["b"]) for each in shown["recipe"]}
        assert ranks == {"rank": ("Rank", finetune["recipe"]["rank"], 8)}
        assert shown["a"]["health"]["verdict"] == "good"
        assert shown["b"]["health"] is None
        assert len(shown["a"]["loss"]) == 20
        assert shown["a"]["validation"] == []
        assert shown["b"]["samples"]["steps"] == [0, 10, 20]
        assert shown["b"]["finetune"]["name"] == other["name"]

    def test_with_itself_or_nothing_is_refused(self, studio, finetune):
        same = {"a": finetune["id"], "b": finetune["id"]}
        assert studio.get("/api/finetunes/compare", params=same).status_code == 422
        assert studio.get("/api/finetunes/compare", params=same | {"b": "nothing"}).status_code == 404
