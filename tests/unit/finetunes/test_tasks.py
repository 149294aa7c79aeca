"""A finetune's task, from run folder to model, with a backend that plays what an engine would say."""

import json
from datetime import timedelta

import pytest

from fluxtune.backends.base import RunEnd
from fluxtune.backends.local import readiness
from fluxtune.core.clock import now
from fluxtune.core.errors import EngineCrashed, OutOfMemory
from fluxtune.engine.config import RunConfig
from fluxtune.engine.events import RunEvent, RunResult
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes import readings
from fluxtune.finetunes.runs import RunRecorder
from fluxtune.finetunes.service import FinetuneService
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.finetunes.tasks import FinetuneTask
from fluxtune.imaging import read_recipe
from fluxtune.jobs import service as jobs
from fluxtune.jobs.tasks import JobContext
from tests.makers import add_dataset, run_job, state_of
from tests.zoo import make_base, picture

STEPS = 20


class PlayedBackend:
    """Writes what a trainer writes and says what a trainer says."""

    def __init__(self, end="succeeded", steps=STEPS, batch=7):
        self.end, self.steps, self.batch = end, steps, batch
        self.seen_config: RunConfig | None = None
        self.calls = 0

    def train(self, run_dir, sink, steering):
        self.calls += 1
        folder = RunFolder(run_dir)
        self.seen_config = folder.read_config()
        self.snapshot = folder.read_snapshot()
        self.files = sorted(path.name for path in folder.snapshot.iterdir())
        events = story(folder, self.steps)
        fresh = [event for event in events if event.seq > sink.last_seq()]
        for start in range(0, len(fresh), self.batch):
            sink.receive(fresh[start : start + self.batch])
        seq = events[-1].seq + 1
        if self.end == "failed":
            return RunEnd("failed", seq, {}, OutOfMemory("Needs more.").problem())
        if self.end == "paused":
            return RunEnd("paused", seq, {"reason": "disk-full"})
        if self.end == "succeeded":
            write_result(folder, self.steps)
        return RunEnd(self.end, seq, {})


def story(folder, steps):
    """Write samples and a checkpoint and return the events that tell of them."""
    folder.samples.mkdir(exist_ok=True)
    told = [("run.started", {"steps": STEPS, "resumed_from": None, "device": "cpu", "image_count": 6})]
    told.append(("run.phase", {"phase": "loading", "done": None, "total": None}))
    told.append(sample(folder, 0, 0))
    for step in range(1, steps + 1):
        told.append(("run.progressed", progress(step)))
        if step % 10 == 0:
            told += [sample(folder, step, index) for index in (0, 1)]
            told.append(checkpoint(folder, step))
    told.append(("run.logged", {"level": "warning", "message": "Something to know."}))
    told.append(("run.heartbeat", {}))
    begin = now()
    return [
        RunEvent.model_validate({"seq": number, "at": begin + timedelta(seconds=number), "type": kind, "data": data})
        for number, (kind, data) in enumerate(told, 1)
    ]


def progress(step, loss=None):
    return {
        "step": step, "steps": STEPS, "loss": 1 / step if loss is None else loss, "learning_rate": 1e-3,
        "grad_norm": 0.5, "seconds_per_step": 0.25, "eta_s": STEPS - step, "memory_bytes": 1000 + step,
    }  # fmt: skip


def sample(folder, step, index):
    file = folder.sample_file(step, index)
    file.write_bytes(picture(100 + step + index))
    relative = str(file.relative_to(folder.path))
    return ("run.sampled", {"step": step, "index": index, "prompt": f"prompt {index}", "file": relative, "seed": 7})


def checkpoint(folder, step):
    path = folder.checkpoints / f"step-{step:06d}"
    path.mkdir(parents=True, exist_ok=True)
    (path / "adapter.safetensors").write_bytes(b"unfinished weights")
    return ("run.checkpointed", {"step": step, "folder": str(path.relative_to(folder.path)), "byte_count": 18})


def write_result(folder, steps):
    folder.adapter.write_bytes(b"finished weights")
    result = RunResult(
        step=steps, steps=STEPS, seconds=9.0, seconds_per_step=0.25, peak_memory_bytes=5000, adapter_sha256="x",
        adapter_bytes=16, final_loss=0.1,
    )  # fmt: skip
    folder.result.write_text(result.model_dump_json())


@pytest.fixture
def studio(shared_client, monkeypatch):
    """A signed-in browser on a studio with one base."""
    monkeypatch.setattr(readiness, "require_engine", lambda: None)
    make_base(state_of(shared_client).settings.paths.bases)
    return shared_client


@pytest.fixture
def finetune(studio):
    """A finetune that waits."""
    dataset = add_dataset(studio)
    body = {"dataset_id": dataset["id"], "base": "tiny", "recipe": {"steps": STEPS}}
    return studio.post("/api/finetunes", json=body).json()


def run(studio, finetune, backend, attempt=1):
    state = state_of(studio)
    run_job(studio, FinetuneTask(state.settings, state.blobs, backend), finetune["job_id"], attempt)
    return studio.get(f"/api/finetunes/{finetune['id']}").json()


def events_of(studio, finetune, kind):
    with state_of(studio).database.reading() as session:
        events = jobs.list_events(session, 0, job_id=finetune["job_id"], limit=5000)
    return [event.data for event in events if event.type == kind]


class TestRunFolder:
    def test_tells_the_engine_all_it_needs(self, studio, finetune):
        backend = PlayedBackend()
        run(studio, finetune, backend)
        assert backend.seen_config is not None
        assert backend.seen_config.model_dump(mode="json")["recipe"] == finetune["recipe"]
        assert (backend.seen_config.base, backend.seen_config.trigger_word) == ("tiny", "rexo")
        assert backend.seen_config.base_path.name == "tiny"
        assert backend.snapshot.hash == finetune["snapshot_hash"]
        assert [image.caption for image in backend.snapshot.images] == [f"a rexo number {n}" for n in range(6)]
        assert backend.files == sorted([*(image.file for image in backend.snapshot.images), "snapshot.json"])

    def test_trains_on_what_the_dataset_was_then(self, studio, finetune):
        images = studio.get(f"/api/datasets/{finetune['dataset_id']}/images").json()
        studio.delete(f"/api/datasets/{finetune['dataset_id']}/images/{images[0]['id']}")
        studio.delete(f"/api/datasets/{finetune['dataset_id']}")
        backend = PlayedBackend()
        run(studio, finetune, backend)
        assert len(backend.snapshot.images) == 6

    def test_a_base_that_went_away_fails_the_job_with_its_name(self, studio, finetune):
        import shutil

        shutil.rmtree(state_of(studio).settings.paths.bases / "tiny")
        shown = run(studio, finetune, PlayedBackend())
        assert (shown["state"], shown["error"]["type"]) == ("failed", "/errors/base-unknown")


class TestSuccess:
    def test_makes_a_model_with_its_first_version(self, studio, finetune):
        shown = run(studio, finetune, PlayedBackend())
        assert (shown["state"], shown["step"], shown["error"]) == ("succeeded", STEPS, None)
        model = studio.get(f"/api/models/{shown['model_id']}").json()
        assert (model["name"], model["base"], model["trigger_word"]) == ("Rex", "tiny", "rexo")
        assert model["finetune_id"] == finetune["id"]
        assert model["cover"]["origin"] == "sample"
        assert model["prompts"][0] == "rexo"
        assert model["versions"][0]["step"] == STEPS
        assert studio.get(model["versions"][0]["file_url"]).content == b"finished weights"
        training = model["training"]
        assert (training["recipe"], training["snapshot_hash"]) == (finetune["recipe"], finetune["snapshot_hash"])
        assert training["seconds"] > 0
        assert "fluxtune" in training["engine"]

    def test_stopped_and_kept_makes_a_model_as_well(self, studio, finetune):
        shown = run(studio, finetune, PlayedBackend(steps=12))
        assert shown["state"] == "succeeded"
        assert (shown["step"], shown["is_stopping"]) == (12, False)
        model = studio.get(f"/api/models/{shown['model_id']}").json()
        assert model["versions"][0]["step"] == 12

    def test_packaging_twice_makes_one_model(self, studio, finetune):
        state = state_of(studio)
        task = FinetuneTask(state.settings, state.blobs, PlayedBackend())
        run(studio, finetune, PlayedBackend())
        context = JobContext(state.database, job_id=finetune["job_id"], target_id=finetune["id"], payload={})
        dict(task.steps())["package"](context)
        assert len(studio.get("/api/models?kind=finetuned").json()) == 1

    def test_the_last_event_names_the_model(self, studio, finetune):
        shown = run(studio, finetune, PlayedBackend())
        assert events_of(studio, finetune, "job.succeeded") == [{"model_id": shown["model_id"]}]

    def test_without_a_result_it_fails(self, studio, finetune):
        class Silent(PlayedBackend):
            def train(self, run_dir, sink, steering):
                return RunEnd("succeeded", 1, {})

        shown = run(studio, finetune, Silent())
        assert (shown["state"], shown["error"]["type"]) == ("failed", f"/errors/{EngineCrashed().slug}")

    def test_later_plans_learn_from_it(self, studio, finetune):
        run(studio, finetune, PlayedBackend())
        body = {"dataset_id": finetune["dataset_id"], "base": "tiny", "recipe": {"steps": STEPS}}
        seconds = studio.post("/api/finetunes/plans", json=body).json()["seconds"]
        assert seconds["low"] <= 9.0 <= seconds["high"] <= 12


class TestRecords:
    def test_loss(self, studio, finetune):
        run(studio, finetune, PlayedBackend())
        points = studio.get(f"/api/finetunes/{finetune['id']}/loss").json()
        assert [point["step"] for point in points] == list(range(1, STEPS + 1))
        assert points[0]["smoothed"] == points[0]["loss"] == 1
        assert points[1]["smoothed"] == pytest.approx(0.75)
        assert points[-1]["loss"] < points[-1]["smoothed"] < 1

    def test_very_many_points_are_thinned_out(self, studio, finetune, monkeypatch):
        monkeypatch.setattr(readings, "MAX_LOSS_POINTS", 6)
        run(studio, finetune, PlayedBackend())
        points = studio.get(f"/api/finetunes/{finetune['id']}/loss").json()
        assert [point["step"] for point in points] == [4, 8, 12, 16, 20]

    def test_samples_with_their_recipe(self, studio, finetune):
        run(studio, finetune, PlayedBackend())
        sheet = studio.get(f"/api/finetunes/{finetune['id']}/samples").json()
        assert sheet["steps"] == [0, 10, 20]
        assert [(cell["step"], cell["row"]) for cell in sheet["cells"]] == [(0, 0), (10, 0), (10, 1), (20, 0), (20, 1)]
        assert sheet["prompts"][:2] == ["prompt 0", "prompt 1"]
        file = studio.get(sheet["cells"][1]["image"]["url"]).content
        assert read_recipe(file) == {
            "kind": "sample", "finetune_id": finetune["id"], "prompt": "prompt 0", "seed": 7, "step": 10,
        }  # fmt: skip

    def test_the_cover_is_the_last_sample_of_the_first_prompt(self, studio, finetune):
        shown = run(studio, finetune, PlayedBackend())
        sheet = studio.get(f"/api/finetunes/{finetune['id']}/samples").json()
        assert shown["cover"]["id"] == sheet["cells"][3]["image"]["id"]

    def test_checkpoints_that_are_still_there(self, studio, finetune):
        import shutil

        run(studio, finetune, PlayedBackend())
        url = f"/api/finetunes/{finetune['id']}/checkpoints"
        assert [checkpoint["step"] for checkpoint in studio.get(url).json()] == [20, 10]
        response = studio.get(f"{url}/10/file")
        assert response.content == b"unfinished weights"
        assert "10.safetensors" in response.headers["content-disposition"]
        shutil.rmtree(state_of(studio).settings.paths.run(finetune["id"]) / "checkpoints" / "step-000010")
        assert [checkpoint["step"] for checkpoint in studio.get(url).json()] == [20]
        assert studio.get(f"{url}/10/file").status_code == 404

    def test_log(self, studio, finetune):
        run(studio, finetune, PlayedBackend())
        lines = [line["message"] for line in studio.get(f"/api/finetunes/{finetune['id']}/log").json()]
        assert lines[0] == "Started on cpu with 6 images."
        assert "Saved a checkpoint at step 10." in lines
        assert lines[-1] == "Something to know."

    def test_live_events(self, studio, finetune):
        run(studio, finetune, PlayedBackend())
        assert {data["step"] for data in events_of(studio, finetune, "job.sampled")} == {0, 10, 20}
        assert events_of(studio, finetune, "job.sampled")[0]["image"]["url"].startswith("/api/images/")
        assert events_of(studio, finetune, "job.checkpointed") == [
            {"step": 10, "byte_count": 18},
            {"step": 20, "byte_count": 18},
        ]
        last = events_of(studio, finetune, "job.progressed")[-1]
        assert last["step"] == STEPS
        assert set(last) == {
            "step", "steps", "eta_s", "loss", "smoothed", "learning_rate", "grad_norm", "seconds_per_step",
            "memory_bytes", "device_load",
        }  # fmt: skip

    def test_a_sample_whose_file_is_gone_is_left_out(self, studio, finetune):
        class Lossy(PlayedBackend):
            def train(self, run_dir, sink, steering):
                end = super().train(run_dir, _Removing(sink, run_dir), steering)
                return end

        class _Removing:
            def __init__(self, sink, run_dir):
                self.sink, self.run_dir = sink, run_dir

            def last_seq(self):
                return self.sink.last_seq()

            def receive(self, events):
                for file in (self.run_dir / "samples").glob("base-*"):
                    file.unlink()
                self.sink.receive(events)

        shown = run(studio, finetune, Lossy())
        assert shown["state"] == "succeeded"
        assert studio.get(f"/api/finetunes/{finetune['id']}/samples").json()["steps"] == [10, 20]


class TestRepetition:
    def test_events_told_twice_are_stored_once(self, studio, finetune):
        run(studio, finetune, PlayedBackend(end="paused"))
        before = len(events_of(studio, finetune, "job.sampled"))
        studio.post(f"/api/finetunes/{finetune['id']}/resumption")
        run(studio, finetune, PlayedBackend(), attempt=2)
        assert len(events_of(studio, finetune, "job.sampled")) == before
        assert len(studio.get(f"/api/finetunes/{finetune['id']}/loss").json()) == STEPS

    def test_steps_measured_again_after_a_crash_replace_the_old(self, studio, finetune):
        state = state_of(studio)
        context = JobContext(state.database, job_id=finetune["job_id"], target_id=finetune["id"], payload={})
        recorder = RunRecorder(context, state.blobs, state.settings.paths.run(finetune["id"]))

        def tell(seq, kind, data):
            recorder.receive([RunEvent(seq=seq, at=now(), type=kind, data=data)])

        for step in (1, 2, 3):
            tell(step, "run.progressed", progress(step))
        tell(4, "run.started", {"steps": STEPS, "resumed_from": 1, "device": "cpu", "image_count": 6})
        assert len(studio.get(f"/api/finetunes/{finetune['id']}/loss").json()) == 1
        tell(5, "run.progressed", progress(2, loss=0.25))
        points = studio.get(f"/api/finetunes/{finetune['id']}/loss").json()
        assert [(point["step"], point["loss"]) for point in points] == [(1, 1.0), (2, 0.25)]
        assert points[1]["smoothed"] == pytest.approx(0.625)
        assert recorder.last_seq() == 5


class TestOtherEnds:
    def test_failed_keeps_the_error_and_the_log(self, studio, finetune):
        shown = run(studio, finetune, PlayedBackend(end="failed"))
        assert (shown["state"], shown["error"]["title"]) == ("failed", "Out of memory")
        assert shown["error"]["action"]
        assert shown["model_id"] is None
        assert studio.get(f"/api/finetunes/{finetune['id']}/log").json()[-1]["level"] == "error"

    def test_paused_says_why(self, studio, finetune):
        shown = run(studio, finetune, PlayedBackend(end="paused"))
        assert shown["state"] == "paused"
        assert events_of(studio, finetune, "job.paused") == [{"reason": "disk-full", "is_loaded": False}]

    def test_cancelled_makes_no_model(self, studio, finetune):
        shown = run(studio, finetune, PlayedBackend(end="cancelled"))
        assert (shown["state"], shown["model_id"]) == ("cancelled", None)
        assert studio.get("/api/models?kind=finetuned").json() == []

    def test_handed_back_stays_as_it_was_asked(self, studio, finetune):
        state = state_of(studio)
        with state.database.transaction() as session:
            session.get(FinetuneRow, finetune["id"]).is_stopping = True
        shown = run(studio, finetune, PlayedBackend(end="handed_back"))
        assert (shown["state"], shown["is_stopping"]) == ("queued", True)

    def test_the_number_of_the_end_is_stored(self, studio, finetune):
        run(studio, finetune, PlayedBackend(end="paused"))
        with state_of(studio).database.reading() as session:
            row = session.get(FinetuneRow, finetune["id"])
            log = json.dumps(row.last_seq)
        assert int(log) > STEPS


def test_the_service_needs_no_web(studio, finetune):
    state = state_of(studio)
    with state.database.reading() as session:
        (shown,) = FinetuneService(session, state.blobs, state.settings).list_finetunes()
    assert shown.id == finetune["id"]
