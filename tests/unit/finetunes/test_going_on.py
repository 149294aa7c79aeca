"""What a run says beside its loss, a run that goes on, and a probe: from the worker's side."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from fluxtune.backends.base import RunEnd
from fluxtune.backends.local import readiness
from fluxtune.core.clock import now
from fluxtune.core.errors import OutOfMemory
from fluxtune.engine.bases import describe_base
from fluxtune.engine.config import Recipe, RunConfig
from fluxtune.engine.estimate import ProbeResult, cost_settings
from fluxtune.engine.events import RunEvent, RunResult
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes.probe_task import MAX_IMAGES, ProbeTask
from fluxtune.finetunes.runs import RunRecorder
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.finetunes.tasks import FinetuneTask
from fluxtune.jobs import service as jobs
from fluxtune.jobs.tasks import JobContext
from fluxtune.webhooks.tables import DeliveryRow
from tests.makers import add_dataset, run_job, state_of
from tests.zoo import make_base

STEPS = 20


class Trainer:
    """Trains to the steps of the recipe, or says that it is already there; keeps what it was told."""

    def __init__(self, end="succeeded", stop_at=None):
        self.end, self.stop_at = end, stop_at
        self.config: RunConfig | None = None
        self.had_result = False

    def train(self, run_dir, sink, steering):
        folder = RunFolder(run_dir)
        self.config = folder.read_config()
        self.had_result = folder.result.is_file()
        steps = self.config.recipe.steps
        step = self.stop_at or steps
        seq = sink.last_seq() + 1
        path = folder.checkpoints / f"step-{step:06d}"
        path.mkdir(parents=True, exist_ok=True)
        (path / "adapter.safetensors").write_bytes(b"x")
        data: dict[str, Any] = {"step": step, "folder": f"checkpoints/{path.name}", "byte_count": 1}
        began = {"steps": steps, "resumed_from": None, "device": "cpu", "image_count": 6}
        sink.receive([RunEvent(seq=seq, at=now(), type="run.started", data=began)])
        seq += 1
        sink.receive([RunEvent(seq=seq, at=now(), type="run.checkpointed", data=data)])
        if self.end == "failed":
            return RunEnd("failed", seq + 1, {}, OutOfMemory("Needs more.").problem())
        if self.end == "paused":
            return RunEnd("paused", seq + 1, {"reason": "user", "is_loaded": True})
        folder.adapter.write_bytes(f"weights of step {step}".encode())
        result = RunResult(
            step=step, steps=steps, seconds=9.0, seconds_per_step=0.25, peak_memory_bytes=5, adapter_sha256="x",
            adapter_bytes=1, final_loss=0.1,
        )  # fmt: skip
        folder.result.write_text(result.model_dump_json())
        return RunEnd(self.end, seq + 1, {})


@pytest.fixture
def studio(shared_client, monkeypatch):
    """A signed-in browser on a studio with one base."""
    monkeypatch.setattr(readiness, "require_engine", lambda: None)
    make_base(state_of(shared_client).settings.paths.bases)
    return shared_client


@pytest.fixture
def dataset(studio):
    return add_dataset(studio)


def start(studio, dataset, **more):
    body = {"dataset_id": dataset["id"], "base": "tiny", "recipe": {"steps": STEPS}} | more
    response = studio.post("/api/finetunes", json=body)
    assert response.status_code == 201, response.text
    return response.json()


@pytest.fixture
def finetune(studio, dataset):
    """A finetune that waits."""
    return start(studio, dataset)


def run(studio, finetune, backend, attempt=1):
    state = state_of(studio)
    run_job(studio, FinetuneTask(state.settings, state.blobs, backend), finetune["job_id"], attempt)
    return studio.get(f"/api/finetunes/{finetune['id']}").json()


def events_of(studio, finetune, kind):
    with state_of(studio).database.reading() as session:
        events = jobs.list_events(session, 0, job_id=finetune["job_id"], limit=5000)
    return [event.data for event in events if event.type == kind]


class TestReadings:
    @pytest.fixture
    def tell(self, studio, finetune):
        """Tells what a trainer would."""
        state = state_of(studio)
        context = JobContext(state.database, job_id=finetune["job_id"], target_id=finetune["id"], payload={})
        recorder = RunRecorder(context, state.blobs, state.settings.paths.run(finetune["id"]))

        def say(seq, kind, **data):
            recorder.receive([RunEvent(seq=seq, at=now(), type=kind, data=data)])

        return say

    def progressed(self, tell, seq, step):
        tell(
            seq, "run.progressed", step=step, steps=STEPS, loss=1.0, learning_rate=1e-3, grad_norm=0.5,
            seconds_per_step=0.25, eta_s=1.0, memory_bytes=1000, device_load=0.75,
        )  # fmt: skip

    def test_memory_and_device_load(self, studio, finetune, tell):
        self.progressed(tell, 1, 1)
        (point,) = studio.get(f"/api/finetunes/{finetune['id']}/loss").json()
        assert (point["memory_bytes"], point["device_load"]) == (1000, 0.75)
        assert events_of(studio, finetune, "job.progressed")[-1]["device_load"] == 0.75
        # Nothing is running, so nothing is held.
        assert studio.get(f"/api/finetunes/{finetune['id']}").json()["device_load"] is None

    def test_validation(self, studio, finetune, tell):
        facts = {"loss": 0.5, "base_loss": 0.9, "by_sigma": {"0.25": 0.4}, "on": "held-out", "image_count": 2}
        tell(1, "run.validated", step=5, **facts)
        tell(2, "run.validated", step=10, **facts | {"loss": 0.3})
        points = studio.get(f"/api/finetunes/{finetune['id']}/validation").json()
        assert points == [{"step": 5, **facts}, {"step": 10, **facts, "loss": 0.3}]
        assert [data["loss"] for data in events_of(studio, finetune, "job.validated")] == [0.5, 0.3]

    def test_losses_of_single_images_the_worst_first(self, studio, finetune, tell):
        def losses(*triples):
            return [{"index": index, "loss": loss, "count": count} for index, loss, count in triples]

        tell(1, "run.image_losses", step=10, losses=losses((0, 0.2, 3), (1, 0.8, 1), (99, 1.0, 1)))
        tell(2, "run.image_losses", step=20, losses=losses((0, 0.6, 1), (1, 0.4, 1)))
        shown = studio.get(f"/api/finetunes/{finetune['id']}/image-losses").json()
        assert [each["index"] for each in shown] == [1, 0]
        assert [each["loss"] for each in shown] == [pytest.approx(0.6), pytest.approx(0.3)]
        assert (shown[1]["count"], shown[1]["steps"], shown[1]["losses"]) == (4, [10, 20], [0.2, 0.6])
        assert shown[0]["caption"] == "a rexo number 1"
        images = studio.get(f"/api/datasets/{finetune['dataset_id']}/images").json()
        assert shown[0]["image"]["id"] == images[1]["image"]["id"]

    def test_healing_is_kept_and_what_was_undone_forgotten(self, studio, finetune, tell):
        for step in (1, 2, 3):
            self.progressed(tell, step, step)
        tell(4, "run.validated", step=3, loss=1, base_loss=None, by_sigma={}, on="training", image_count=1)
        tell(
            5, "run.healed", step=3, trouble="out-of-memory", message="Changed: Batch size 4 → 2.",
            changes={"batch_size": [4, 2]}, goes_on_from=2,
        )  # fmt: skip
        assert len(studio.get(f"/api/finetunes/{finetune['id']}/loss").json()) == 2
        assert studio.get(f"/api/finetunes/{finetune['id']}/validation").json() == []
        (healing,) = studio.get(f"/api/finetunes/{finetune['id']}").json()["healings"]
        assert (healing["trouble"], healing["changes"], healing["goes_on_from"]) == (
            "out-of-memory", {"batch_size": [4, 2]}, 2,
        )  # fmt: skip
        line = studio.get(f"/api/finetunes/{finetune['id']}/log").json()[-1]
        assert (line["level"], line["message"]) == ("warning", "Changed: Batch size 4 → 2. Going on from step 2.")
        assert events_of(studio, finetune, "job.healed")[0]["step"] == 3

    def test_resumed_with_the_model_loaded(self, studio, finetune, tell):
        tell(1, "run.resumed", step=7)
        assert events_of(studio, finetune, "job.resumed") == [{"step": 7}]
        assert "still loaded" in studio.get(f"/api/finetunes/{finetune['id']}/log").json()[-1]["message"]

    def test_a_pause_says_whether_the_model_is_loaded(self, studio, finetune):
        run(studio, finetune, Trainer("paused"))
        assert events_of(studio, finetune, "job.paused") == [{"reason": "user", "is_loaded": True}]


class TestExtension:
    def test_the_model_gets_a_version_not_a_second_model(self, studio, finetune):
        first = run(studio, finetune, Trainer())
        studio.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": 5})
        backend = Trainer()
        shown = run(studio, finetune, backend, attempt=2)
        assert not backend.had_result
        assert (shown["state"], shown["step"], shown["model_id"]) == ("succeeded", STEPS + 5, first["model_id"])
        (model,) = studio.get("/api/models?kind=finetuned").json()
        assert [version["step"] for version in model["versions"]] == [STEPS + 5, STEPS]
        contents = [studio.get(version["file_url"]).content for version in model["versions"]]
        assert contents == [b"weights of step 25", b"weights of step 20"]

    def test_a_result_of_the_extended_run_stays_when_the_worker_dies(self, studio, finetune):
        run(studio, finetune, Trainer())
        studio.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": 5})
        Died = type("Died", (Trainer,), {})
        run(studio, finetune, Died("handed_back"), attempt=2)
        backend = Trainer()
        run(studio, finetune, backend, attempt=3)
        assert backend.had_result

    def test_the_old_end_is_not_taken_for_the_new_one(self, studio, finetune):
        run(studio, finetune, Trainer())
        log = RunFolder(state_of(studio).settings.paths.run(finetune["id"])).events
        old = [
            RunEvent(seq=8, at=now(), type="run.succeeded", data={}),
            RunEvent(seq=9, at=now(), type="run.heartbeat", data={}),
        ]
        log.write_text("".join(f"{event.model_dump_json()}\n" for event in old))
        studio.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": 5})
        seen = []

        class Looks(Trainer):
            def train(self, run_dir, sink, steering):
                seen.append(sink.last_seq())
                return super().train(run_dir, sink, steering)

        assert run(studio, finetune, Looks(), attempt=2)["state"] == "succeeded"
        assert seen == [9]

    def test_stopped_at_once_adds_no_version(self, studio, finetune):
        run(studio, finetune, Trainer())
        studio.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": 5})
        shown = run(studio, finetune, Trainer(stop_at=STEPS), attempt=2)
        assert shown["state"] == "succeeded"
        (model,) = studio.get("/api/models?kind=finetuned").json()
        assert len(model["versions"]) == 1

    def test_twice(self, studio, finetune):
        run(studio, finetune, Trainer())
        for attempt in (2, 3):
            response = studio.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": 5})
            assert response.status_code == 200, response.text
            run(studio, finetune, Trainer(), attempt)
        (model,) = studio.get("/api/models?kind=finetuned").json()
        assert [version["step"] for version in model["versions"]] == [30, 25, 20]


class TestRestart:
    def test_the_engine_is_told_where_it_comes_from(self, studio, finetune):
        run(studio, finetune, Trainer())
        body = {"step": STEPS, "recipe": {"steps": 30}}
        child = studio.post(f"/api/finetunes/{finetune['id']}/restart", json=body).json()
        backend = Trainer()
        shown = run(studio, child, backend)
        assert backend.config is not None
        assert backend.config.started_from == f"{finetune['id']}@{STEPS}"
        assert shown["model_id"] not in (None, finetune["model_id"])
        assert len(studio.get("/api/models?kind=finetuned").json()) == 2


class TestSnapshot:
    def test_a_dataset_edited_or_emptied_while_the_run_waits_changes_nothing(self, studio, dataset, finetune):
        images = studio.get(f"/api/datasets/{dataset['id']}/images").json()
        studio.patch(f"/api/datasets/{dataset['id']}/images/{images[0]['id']}", json={"caption": "something else"})
        studio.patch(f"/api/datasets/{dataset['id']}", json={"trigger_word": "other"})
        for image in images[1:]:
            studio.delete(f"/api/datasets/{dataset['id']}/images/{image['id']}")
        seen: dict[str, Any] = {}

        class Looks(Trainer):
            def train(self, run_dir, sink, steering):
                snapshot = RunFolder(run_dir).read_snapshot()
                seen.update(captions=[image.caption for image in snapshot.images], hash=snapshot.hash)
                seen["files"] = [(RunFolder(run_dir).snapshot / image.file).is_file() for image in snapshot.images]
                return super().train(run_dir, sink, steering)

        backend = Looks()
        shown = run(studio, finetune, backend)
        assert shown["state"] == "succeeded"
        assert seen["captions"] == [f"a rexo number {number}" for number in range(6)]
        assert seen["hash"] == finetune["snapshot_hash"]
        assert all(seen["files"])
        assert backend.config is not None
        assert backend.config.trigger_word == "rexo"


class TestWebhook:
    URL = "https://example.com/hook"

    def told(self, studio):
        with state_of(studio).database.reading() as session:
            return session.scalars(select(DeliveryRow).order_by(DeliveryRow.id)).all()

    def test_told_with_the_end(self, studio, dataset):
        finetune = start(studio, dataset, webhook_url=self.URL, webhook_secret="correct horse battery")
        shown = run(studio, finetune, Trainer())
        (delivery,) = self.told(studio)
        assert (delivery.type, delivery.url) == ("finetune.succeeded", self.URL)
        assert (delivery.data["model_id"], delivery.data["steps_done"]) == (shown["model_id"], STEPS)
        assert state_of(studio).settings.secrets.open(delivery.secret) == "correct horse battery"
        assert "horse" not in json.dumps(delivery.data)

    def test_told_of_a_failure(self, studio, dataset):
        run(studio, start(studio, dataset, webhook_url=self.URL), Trainer("failed"))
        (delivery,) = self.told(studio)
        assert (delivery.type, delivery.data["error"]["title"]) == ("finetune.failed", "Out of memory")

    def test_a_pause_or_a_leaving_worker_is_no_end(self, studio, dataset):
        finetune = start(studio, dataset, webhook_url=self.URL)
        run(studio, finetune, Trainer("handed_back"))
        run(studio, finetune, Trainer("paused"), attempt=2)
        assert self.told(studio) == []

    def test_nobody_asked(self, studio, finetune):
        run(studio, finetune, Trainer())
        assert self.told(studio) == []


class Prober:
    """Measures what it is given to say."""

    def __init__(self, state="succeeded"):
        self.state = state
        self.config: RunConfig | None = None

    def probe(self, folder, steering):
        run_folder = RunFolder(folder)
        self.config, self.count = run_folder.read_config(), len(run_folder.read_snapshot().images)
        if self.state == "failed":
            return RunEnd("failed", error=OutOfMemory("Needs more.").problem())
        result = ProbeResult(
            seconds_per_step=0.5, seconds_per_step_spread=0.1, peak_memory_bytes=7, device="cpu", device_memory_bytes=8,
            checkpoint_bytes=9, load_seconds=1, cache_seconds_per_image=1, seconds_per_sample=1,
            settings=cost_settings(self.config.recipe),
            base_fingerprint=describe_base(self.config.base_path).fingerprint,
        )  # fmt: skip
        return RunEnd("succeeded", data=result.model_dump(mode="json"))


class TestProbe:
    @pytest.fixture
    def probe(self, studio, dataset):
        """A probe that waits."""
        body = {"dataset_id": dataset["id"], "base": "tiny", "recipe": {"steps": STEPS, "rank": 3}}
        return studio.post("/api/finetunes/probes", json=body).json()

    def run(self, studio, probe, backend):
        state = state_of(studio)
        run_job(studio, ProbeTask(state.settings, state.blobs, backend), probe["job_id"])
        return studio.get(f"/api/finetunes/probes/{probe['id']}").json()

    def test_measured_and_kept(self, studio, dataset, probe):
        backend = Prober()
        shown = self.run(studio, probe, backend)
        assert (shown["state"], shown["seconds_per_step"], shown["memory_bytes"]) == ("succeeded", 0.5, 7)
        assert backend.config is not None
        assert (backend.config.recipe.rank, backend.count) == (3, MAX_IMAGES)
        body = {"dataset_id": dataset["id"], "base": "tiny", "recipe": {"steps": 2 * STEPS, "rank": 3}}
        plan = studio.post("/api/finetunes/plans", json=body).json()
        assert plan["probe"]["id"] == probe["id"], "plans tell of it"
        assert not state_of(studio).settings.paths.probe(probe["id"]).exists()

    def test_failed_says_why(self, studio, probe):
        shown = self.run(studio, probe, Prober("failed"))
        assert (shown["state"], shown["error"]["title"], shown["seconds_per_step"]) == ("failed", "Out of memory", None)


def test_healed_runs_are_no_measure_for_their_recipe(studio, dataset, finetune):
    run(studio, finetune, Trainer())
    body = {"dataset_id": dataset["id"], "base": "tiny", "recipe": {"steps": STEPS}}
    assert studio.post("/api/finetunes/plans", json=body).json()["seconds"]["high"] < 20
    state = state_of(studio)
    context = JobContext(state.database, job_id=finetune["job_id"], target_id=finetune["id"], payload={})
    with state.database.reading() as session:
        seq = session.get(FinetuneRow, finetune["id"]).last_seq + 1
    data = {"step": 1, "trouble": "out-of-memory", "message": "m", "changes": {}, "goes_on_from": 0}
    RunRecorder(context, state.blobs, state.settings.paths.run(finetune["id"])).receive(
        [RunEvent(seq=seq, at=now(), type="run.healed", data=data)]
    )
    general = studio.post("/api/finetunes/plans", json=body).json()["seconds"]
    assert general["high"] > 20
    assert Recipe.model_validate(finetune["recipe"]).steps == STEPS
