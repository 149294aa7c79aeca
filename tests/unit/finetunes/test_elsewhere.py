"""Finetunes that train at another studio: sent once, followed live, their adapters fetched; whatever comes between."""

import io
import json
import zipfile
from base64 import b64decode

import httpx2
import pytest

from fluxtune.backends.base import RunEnd
from fluxtune.core.clock import now
from fluxtune.core.errors import OutOfMemory
from fluxtune.engine.config import RunConfig
from fluxtune.engine.events import RunResult
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes import elsewhere, following
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.finetunes.tasks import FinetuneTask
from fluxtune.jobs.liveness import owner_name
from fluxtune.jobs.runner import JobRunner
from tests.elsewhere import add_server, far, far_app, token, wire
from tests.loras import pocket_lora
from tests.makers import add_dataset, run_job, set_job, state_of
from tests.unit.finetunes.test_tasks import STEPS, story

__all__ = ["far", "far_app", "token", "wire"]

PROGRESS = "/v1/fluxtune/progress"


class FarBackend:
    """Plays an engine on the other computer that makes a real LoRA file."""

    def __init__(self, end="succeeded", steps=STEPS):
        self.end, self.steps = end, steps
        self.seen: RunConfig | None = None

    def train(self, run_dir, sink, _steering):
        folder = RunFolder(run_dir)
        self.seen = folder.read_config()
        self.captions = [image.caption for image in folder.read_snapshot().images]
        events = story(folder, self.steps)
        sink.receive(events)
        seq = events[-1].seq + 1
        if self.end == "succeeded":
            pocket_lora(folder.adapter)
            result = RunResult(
                step=self.steps, steps=STEPS, seconds=9.0, seconds_per_step=0.25, peak_memory_bytes=5000,
                adapter_sha256="x", adapter_bytes=16, final_loss=0.1,
            )  # fmt: skip
            folder.result.write_text(result.model_dump_json())
        problem = OutOfMemory("Needs more memory.").problem() if self.end == "failed" else None
        return RunEnd(self.end, seq, {}, problem)


class NoBackend:
    """What trains on this computer; it must stay out of this."""

    def train(self, *_):
        raise AssertionError("it was to train elsewhere")


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    for module in (elsewhere, following):
        monkeypatch.setattr(module, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(following, "MOST_BACK_OFF_S", 0.01)
    monkeypatch.setattr(following, "TELL_AFTER_S", 0.0)


@pytest.fixture
def near(shared_client, wire, token):
    """A signed-in browser on the laptop's studio, which knows the other one."""
    add_server(shared_client, token)
    return shared_client


def start(near, **values):
    body = {"dataset_id": add_dataset(near)["id"], "server_id": "gpu", "base": "pocket", "quality": "draft"}
    response = near.post("/api/finetunes", json=body | {"recipe": {"steps": STEPS, "rank": 4}} | values)
    assert response.status_code == 201, response.text
    return response.json()


def work(near, finetune, attempt=1):
    state = state_of(near)
    run_job(near, FinetuneTask(state.settings, state.blobs, NoBackend()), finetune["job_id"], attempt)
    return near.get(f"/api/finetunes/{finetune['id']}").json()


def far_jobs(far):
    return far.get("/api/jobs").json()


def train_there(far, backend):
    state = state_of(far)
    (job,) = [job for job in far_jobs(far) if job["state"] == "queued"]
    run_job(far, FinetuneTask(state.settings, state.blobs, backend), job["id"])


def at_look(wire, number, do):
    """Let something happen on the other computer when it is asked how far it is for the so manieth time."""
    looks = []

    def before(request):
        if request.url.path == PROGRESS:
            looks.append(request)
            if len(looks) == number:
                return do()
        return None

    wire.before = before
    return looks


def log_of(near, finetune):
    return " ".join(line["message"] for line in near.get(f"/api/finetunes/{finetune['id']}/log").json())


class TestTheWholeWay:
    def test_from_a_dataset_here_to_a_model_here(self, near, far, wire):
        backend = FarBackend()
        finetune = start(near, name="Rex")
        assert (finetune["server_name"], finetune["remote_id"]) == ("gpu", None)
        at_look(wire, 2, lambda: train_there(far, backend))
        ended = work(near, finetune)
        assert ended["state"] == "succeeded", ended["error"]

        # It trained there with the very recipe and the very images.
        (there,) = far.get("/api/finetunes").json()
        assert (there["id"], there["name"], there["base"]) == (ended["remote_id"], "Rex", "pocket")
        assert backend.seen is not None
        assert backend.seen.recipe.model_dump(mode="json") == ended["recipe"]
        assert sorted(backend.captions) == [f"a rexo number {number}" for number in range(6)]
        assert there["trigger_word"] == "rexo"

        # It looks here as if it had trained here.
        path = f"/api/finetunes/{finetune['id']}"
        assert [point["step"] for point in near.get(f"{path}/loss").json()] == list(range(1, STEPS + 1))
        assert near.get(f"{path}/loss").json()[0]["loss"] == 1.0
        sheet, far_sheet = (client.get(f"/api/finetunes/{each['id']}/samples").json() for client, each in
                            ((near, finetune), (far, there)))  # fmt: skip
        assert [(cell["row"], cell["step"]) for cell in sheet["cells"]] == [
            (cell["row"], cell["step"]) for cell in far_sheet["cells"]
        ]
        assert (ended["step"], ended["steps"]) == (STEPS, STEPS)

        # The model is in the catalogue, and can be drawn with there as well.
        model = near.get(f"/api/models/{ended['model_id']}").json()
        assert (model["name"], model["base"], model["finetune_id"]) == ("Rex", "pocket", finetune["id"])
        assert (model["trigger_word"], model["versions"][0]["step"]) == ("rexo", STEPS)
        assert model["provenance"]["notes"][0].startswith(f"Trained at gpu as {ended['remote_id']}")
        assert model["cover"] is not None
        (other,) = [each for each in near.get("/api/servers/models").json() if each["kind"] == "finetuned"]
        assert (other["id"], other["name"]) == (ended["elsewhere_model_id"], "Rex · gpu")

    def test_it_needs_no_device_here(self, near, far, wire):
        start(near)
        with state_of(near).database.reading() as session:
            from fluxtune.jobs.tables import JobRow

            assert [row.lane for row in session.query(JobRow)] == ["network"]

    def test_what_is_sent(self, near, far, wire):
        finetune = start(near)
        at_look(wire, 1, lambda: train_there(far, FarBackend()))
        work(near, finetune)
        (sent,) = [index for index, request in enumerate(wire.requests) if request.url.path == "/v1/finetune"]
        assert int(wire.requests[sent].headers["content-length"]) == len(wire.bodies[sent])
        body = json.loads(wire.bodies[sent])
        with zipfile.ZipFile(io.BytesIO(b64decode(body["file_data"]))) as archive:
            assert archive.testzip() is None
            assert len(archive.namelist()) == 12
        assert body["fluxtune"]["key"] == finetune["id"]
        assert body["iterations"] == 100  # what BFL's field can say
        folder = state_of(near).settings.paths.run(finetune["id"])
        assert not list(folder.glob("*.zip*"))
        assert not (folder / "snapshot").exists()

    def test_repeats_are_said_not_to_be_sent(self, near, far, wire):
        finetune = start(near)
        with state_of(near).database.transaction() as session:
            row = session.get(FinetuneRow, finetune["id"])
            first, *others = row.snapshot["images"]
            row.snapshot = {**row.snapshot, "images": [{**first, "repeats": 3}, *others]}
        wire.before = lambda request: httpx2.Response(403, json={"detail": "Not authenticated"})
        work(near, finetune)
        assert "repeats can't be sent" in log_of(near, finetune)


class TestSteering:
    def test_cancelling(self, near, far, wire):
        finetune = start(near)
        at_look(wire, 2, lambda: near.post(f"/api/finetunes/{finetune['id']}/cancellation") and None)
        ended = work(near, finetune)
        assert (ended["state"], ended["model_id"]) == ("cancelled", None)
        assert far.get("/api/finetunes").json()[0]["state"] == "cancelled"

    def test_stopping_keeps_what_was_learned(self, near, far, wire):
        finetune = start(near)

        def before(request):
            if request.url.path == "/v1/fluxtune/stop":
                set_job(far, far_jobs(far)[0]["id"], started_at=now())
            elif request.url.path == PROGRESS and "/v1/fluxtune/stop" in wire.paths():
                if far_jobs(far)[0]["state"] == "queued":
                    train_there(far, FarBackend(steps=10))
            elif request.url.path == PROGRESS:
                near.post(f"/api/finetunes/{finetune['id']}/stop")

        wire.before = before
        ended = work(near, finetune)
        assert (ended["state"], ended["is_stopping"], ended["step"]) == ("succeeded", False, 10)
        assert near.get(f"/api/models/{ended['model_id']}").json()["versions"][0]["step"] == 10

    def test_cancelling_while_the_server_is_away(self, near, far, wire):
        finetune = start(near)

        def before(request):
            if request.url.path == PROGRESS:
                near.post(f"/api/finetunes/{finetune['id']}/cancellation")
                raise httpx2.ConnectError("no route to host")

        wire.before = before
        assert work(near, finetune)["state"] == "cancelled"
        assert "Cancel it there, too" in log_of(near, finetune)

    def test_pausing_and_going_on(self, near, far, wire):
        finetune = start(near)
        path = f"/api/finetunes/{finetune['id']}"
        at_look(wire, 2, lambda: near.post(f"{path}/pause") and None)
        paused = work(near, finetune)
        assert (paused["state"], paused["paused_because"]) == ("paused", "user")
        assert far_jobs(far)[0]["state"] == "paused"
        # It goes on there as soon as it goes on here.
        assert near.post(f"{path}/resumption").json()["state"] == "queued"
        at_look(wire, 1, lambda: train_there(far, FarBackend()))
        assert work(near, finetune, attempt=2)["state"] == "succeeded"
        assert wire.paths().count("/v1/fluxtune/resume") == 1

    @pytest.mark.parametrize(("what", "end"), [("cancellation", "cancelled"), ("stop", "succeeded")])
    def test_while_it_is_paused(self, near, far, wire, what, end):
        finetune = start(near)
        path = f"/api/finetunes/{finetune['id']}"
        at_look(wire, 2, lambda: near.post(f"{path}/pause") and None)
        work(near, finetune)
        assert near.post(f"{path}/{what}").json()["state"] == "queued", "a worker has to tell the server"
        wire.before = None
        if what == "stop":
            at_look(wire, 1, lambda: train_there(far, FarBackend(steps=10)))
        assert work(near, finetune, attempt=2)["state"] == end
        assert far.get("/api/finetunes").json()[0]["state"] == end
        assert "/v1/fluxtune/resume" not in wire.paths()

    def test_paused_there_by_its_owner_it_is_left_so(self, near, far, wire):
        finetune = start(near)
        states = []

        def pause_and_look():
            far.post(f"/api/finetunes/{far.get('/api/finetunes').json()[0]['id']}/pause")

        def before(request):
            if request.url.path != PROGRESS:
                return
            states.append(near.get(f"/api/finetunes/{finetune['id']}").json()["phase"])
            if len(states) == 1:
                pause_and_look()
            elif len(states) == 4:
                near.post(f"/api/finetunes/{finetune['id']}/cancellation")

        wire.before = before
        assert work(near, finetune)["state"] == "cancelled"
        assert "paused at gpu" in states
        assert "/v1/fluxtune/resume" not in wire.paths()

    @pytest.mark.parametrize("what", ["sample", "save"])
    def test_a_wish_is_passed_on(self, near, far, wire, what):
        finetune = start(near)

        def ask():
            at = now()
            job_id = far_jobs(far)[0]["id"]
            set_job(far, job_id, state="running", owner=owner_name(), heartbeat_at=at, started_at=at)
            assert near.post(f"/api/finetunes/{finetune['id']}/{what}").status_code == 200

        def after(request, response):
            if request.url.path == f"/v1/fluxtune/{what}":
                set_job(far, far_jobs(far)[0]["id"], state="cancelled", owner=None)
            return response

        at_look(wire, 1, ask)
        wire.after = after
        work(near, finetune)
        assert wire.paths().count(f"/v1/fluxtune/{what}") == 1
        with state_of(far).database.reading() as session:
            from fluxtune.jobs.tables import JobRow

            (row,) = session.query(JobRow)
            assert row.wishes == [what]

    def test_a_wish_that_comes_at_the_wrong_time_is_said_not_to_be_done(self, near, far, wire):
        finetune = start(near)
        at_look(wire, 1, lambda: near.post(f"/api/finetunes/{finetune['id']}/sample") and None)
        looks = []

        def after(request, response):
            if request.url.path == "/v1/fluxtune/sample":
                looks.append(response.status_code)
                near.post(f"/api/finetunes/{finetune['id']}/cancellation")
            return response

        wire.after = after
        work(near, finetune)
        assert looks == [409]  # it waits there
        assert "gpu does not sample now" in log_of(near, finetune)

    @pytest.mark.parametrize("what", ["pause", "sample", "save"])
    def test_what_an_older_server_does_not_offer(self, near, far, wire, what):
        def without(request, response):
            if request.url.path != "/v1/fluxtune":
                return response
            told = json.loads(response.read())
            told["extensions"] = [name for name in told["extensions"] if name != what]
            return httpx2.Response(200, json=told)

        wire.after = without
        near.post("/api/servers/gpu/test")
        finetune = start(near)
        refused = near.post(f"/api/finetunes/{finetune['id']}/{what}")
        assert (refused.status_code, refused.json()["title"]) == (409, "That is not possible at a server")
        assert what in refused.json()["detail"]


class TestTroubles:
    def test_a_server_away_for_a_while_is_waited_for(self, near, far, wire):
        finetune = start(near)
        away = iter(range(4))

        def before(request):
            if request.url.path == PROGRESS and next(away, None) is not None:
                raise httpx2.ConnectError("no route to host")
            if request.url.path == PROGRESS and far_jobs(far)[0]["state"] == "queued":
                train_there(far, FarBackend())
            return None

        wire.before = before
        ended = work(near, finetune)
        assert ended["state"] == "succeeded"
        assert "Waiting for gpu" in log_of(near, finetune)
        assert "gpu answers again" in log_of(near, finetune)

    def test_killed_while_it_follows_it_goes_on_and_sends_nothing_twice(self, near, far, wire):
        finetune = start(near)
        state = state_of(near)
        task = FinetuneTask(state.settings, state.blobs, NoBackend())

        class Killed(BaseException):
            pass

        def die():
            raise Killed

        at_look(wire, 2, die)
        runner = JobRunner(state.database, [task], lambda: False)
        runner.begin(finetune["job_id"], 1)
        runner.run_step(finetune["job_id"], "prepare")
        with pytest.raises(Killed):
            runner.run_step(finetune["job_id"], "train")
        at_look(wire, 1, lambda: train_there(far, FarBackend()))
        assert work(near, finetune)["state"] == "succeeded"
        assert wire.paths().count("/v1/finetune") == 1

    @pytest.mark.parametrize("is_told", [True, False])
    def test_an_answer_that_was_lost_starts_nothing_twice(self, near, far, wire, is_told, monkeypatch):
        monkeypatch.setattr(elsewhere, "ARRIVES_WITHIN_S", 0.05)
        finetune = start(near)

        def lose(request, response):
            if request.url.path == "/v1/finetune" and wire.paths().count("/v1/finetune") == 1:
                raise httpx2.ReadError("connection reset")
            return response

        def before(request):
            if request.url.path == "/v1/finetune" and not is_told and wire.paths().count("/v1/finetune") == 1:
                raise httpx2.WriteError("broken pipe")
            if request.url.path == PROGRESS and far_jobs(far)[0]["state"] == "queued":
                train_there(far, FarBackend())
            return None

        wire.before, wire.after = before, lose
        assert work(near, finetune)["state"] == "succeeded"
        assert len(far.get("/api/finetunes").json()) == 1
        assert wire.paths().count("/v1/finetune") == (1 if is_told else 2)

    def test_one_that_was_removed_there(self, near, far, wire):
        finetune = start(near)
        at_look(wire, 2, lambda: httpx2.Response(404, json={"detail": "No such finetune"}))
        gone = wire.before

        def before(request):
            answer = gone(request)
            return answer or (
                httpx2.Response(404, json={"detail": "No such"}) if request.url.path == PROGRESS else None
            )

        wire.before = before
        ended = work(near, finetune)
        assert (ended["state"], ended["error"]["title"]) == ("failed", "The server no longer has this finetune")

    def test_one_that_failed_there(self, near, far, wire):
        finetune = start(near)
        at_look(wire, 1, lambda: train_there(far, FarBackend("failed")))
        ended = work(near, finetune)
        assert (ended["state"], ended["error"]["title"]) == ("failed", "The finetune failed on the server")

    def test_a_broken_adapter_is_not_taken(self, near, far, wire):
        finetune = start(near)
        at_look(wire, 1, lambda: train_there(far, FarBackend()))

        def cut(request, response):
            if request.url.path == "/v1/fluxtune/adapter":
                return httpx2.Response(200, content=response.read()[:-10])
            return response

        wire.after = cut
        ended = work(near, finetune)
        assert (ended["state"], ended["error"]["title"]) == ("failed", "The adapter arrived broken")
        assert near.get("/api/models", params={"kind": "finetuned"}).json() == []
        # What is fixed goes on from there.
        wire.after = None
        near.post(f"/api/finetunes/{finetune['id']}/resumption")
        assert work(near, finetune, 2)["state"] == "succeeded"
        assert wire.paths().count("/v1/finetune") == 1

    def test_a_token_that_was_revoked(self, near, far, wire):
        finetune = start(near)
        wire.before = lambda request: httpx2.Response(403, json={"detail": "Not authenticated"})
        ended = work(near, finetune)
        assert (ended["state"], ended["error"]["title"]) == ("failed", "The server does not accept the token")

    def test_a_server_that_was_removed(self, near, far, wire):
        finetune = start(near)
        near.delete("/api/servers/gpu")
        ended = work(near, finetune)
        assert (ended["state"], ended["error"]["title"]) == ("failed", "No such server")

    def test_too_large_for_the_server(self, near, far, wire):
        state_of(near)
        with state_of(near).database.transaction() as session:
            from fluxtune.servers.tables import ServerRow

            row = session.query(ServerRow).one()
            row.facts = {**row.facts, "max_body_bytes": 70_000}
        ended = work(near, start(near))
        assert (ended["state"], ended["error"]["title"]) == ("failed", "Too large")
        assert "/v1/finetune" not in wire.paths()


class TestWithoutExtensions:
    """A server that only speaks BFL's API: here the other studio, which hides what else it can do."""

    @pytest.fixture
    def near(self, shared_client, wire, token, far, monkeypatch):
        monkeypatch.setattr(state_of(far).settings.contract, "base", "pocket")
        wire.before = self.hide
        add_server(shared_client, token)
        return shared_client

    @staticmethod
    def hide(request):
        hidden = request.url.path.startswith("/v1/fluxtune")
        return httpx2.Response(404, json={"detail": "Not found"}) if hidden else None

    def test_the_result_is_a_model_there(self, near, far, wire):
        finetune = start(near, base="pocket", name="Rex")
        # What BFL's fields can say.
        assert (finetune["recipe"]["steps"], finetune["recipe"]["rank"]) == (100, 16)

        def before(request):
            if request.url.path == "/v1/get_result" and far_jobs(far)[0]["state"] == "queued":
                train_there(far, FarBackend())
            return self.hide(request)

        wire.before = before
        ended = work(near, finetune)
        assert (ended["state"], ended["model_id"]) == ("succeeded", None)
        (model,) = [each for each in near.get("/api/servers/models").json() if each["kind"] == "finetuned"]
        assert (model["id"], model["trigger_word"]) == (ended["elsewhere_model_id"], "rexo")
        there = far.get("/api/finetunes").json()[0]
        assert there["name"] == f"Rex [{finetune['id'][-12:]}]"

    def test_an_answer_that_was_lost_starts_nothing_twice(self, near, far, wire):
        finetune = start(near, base="pocket")

        def after(request, response):
            if request.url.path == "/v1/finetune":
                raise httpx2.ReadError("connection reset")
            return response

        def before(request):
            if request.url.path == "/v1/get_result" and far_jobs(far)[0]["state"] == "queued":
                train_there(far, FarBackend())
            return self.hide(request)

        wire.before, wire.after = before, after
        assert work(near, finetune)["state"] == "succeeded"
        assert wire.paths().count("/v1/finetune") == 1

    def test_one_that_failed_there(self, near, far, wire):
        finetune = start(near, base="pocket")

        def before(request):
            if request.url.path == "/v1/get_result" and far_jobs(far)[0]["state"] == "queued":
                train_there(far, FarBackend("failed"))
            return self.hide(request)

        wire.before = before
        ended = work(near, finetune)
        assert (ended["state"], ended["error"]["title"]) == ("failed", "The finetune failed on the server")
        assert "memory" in ended["error"]["detail"]

    def test_cancelling_says_that_it_goes_on_there(self, near, far, wire):
        finetune = start(near, base="pocket")

        def before(request):
            if request.url.path == "/v1/get_result":
                near.post(f"/api/finetunes/{finetune['id']}/cancellation")
            return self.hide(request)

        wire.before = before
        assert work(near, finetune)["state"] == "cancelled"
        assert "it goes on there" in log_of(near, finetune)

    def test_a_plan_says_what_it_decides_by_itself(self, near):
        body = {"dataset_id": add_dataset(near)["id"], "server_id": "gpu"}
        plan = near.post("/api/finetunes/plans", json=body).json()
        assert "everything else it decides by itself" in plan["warnings"][0]


class TestPlanning:
    def test_a_plan_says_what_is_not_known(self, near, far):
        body = {"dataset_id": add_dataset(near)["id"], "server_id": "gpu", "base": "tiny"}
        plan = near.post("/api/finetunes/plans", json=body).json()
        assert (plan["server"], plan["fits"], plan["seconds"]) == ("gpu", True, {"low": 0, "high": 0})
        assert plan["recipe"]["steps"] > 0

    @pytest.mark.parametrize(("wrong", "status"), [({"base": "nowhere"}, 404), ({"server_id": "other"}, 404)])
    def test_what_is_not_there(self, near, far, wrong, status):
        body = {"dataset_id": add_dataset(near)["id"], "server_id": "gpu", "base": "tiny"} | wrong
        assert near.post("/api/finetunes/plans", json=body).status_code == status
        assert near.post("/api/finetunes", json=body).status_code == status

    def test_measuring_is_for_this_computer(self, near, far):
        body = {"dataset_id": add_dataset(near)["id"], "server_id": "gpu", "base": "tiny"}
        assert near.post("/api/finetunes/probes", json=body).status_code == 409
