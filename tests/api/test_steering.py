"""Routes that steer runs, let them go on, and change the order of the queue. What a run does is in its task's tests."""

import pytest
from sqlalchemy import select

from fluxtune.backends.local import readiness
from fluxtune.core.clock import now
from fluxtune.engine.config import Recipe
from fluxtune.engine.estimate import ProbeResult, cost_settings
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes.tables import CheckpointRow, FinetuneRow, ProbeRow
from fluxtune.jobs import service as jobs
from fluxtune.jobs.liveness import owner_name
from fluxtune.jobs.tables import JobRow
from fluxtune.models.service import ModelService
from fluxtune.webhooks.tables import DeliveryRow
from tests.makers import add_dataset, add_model, set_job, state_of
from tests.zoo import make_base


@pytest.fixture
def client(shared_client, monkeypatch):
    """A signed-in browser on a studio with one base and an engine."""
    monkeypatch.setattr(readiness, "require_engine", lambda: None)
    make_base(state_of(shared_client).settings.paths.bases)
    return shared_client


@pytest.fixture
def dataset(client):
    """Six captioned images."""
    return add_dataset(client)


def start(client, dataset, **more):
    body = {"dataset_id": dataset["id"], "base": "tiny", "quality": "draft", "recipe": {"steps": 100}} | more
    response = client.post("/api/finetunes", json=body)
    assert response.status_code == 201, response.text
    return response.json()


@pytest.fixture
def finetune(client, dataset):
    """A finetune that waits."""
    return start(client, dataset)


def run(client, finetune):
    set_job(client, finetune["job_id"], state="running", owner=owner_name(), heartbeat_at=now(), started_at=now())


def job_row(client, finetune):
    with state_of(client).database.reading() as session:
        return session.get(JobRow, finetune["job_id"])


def finish(client, finetune, steps=100, checkpoints=(50, 100)):
    """Bring a finetune to its end, as its worker would."""
    state = state_of(client)
    set_job(client, finetune["job_id"], state="succeeded", started_at=now(), finished_at=now(), step=steps)
    with state.database.transaction() as session:
        session.get(FinetuneRow, finetune["id"]).steps_done = steps
        for step in checkpoints:
            folder = state.settings.paths.run(finetune["id"]) / "checkpoints" / f"step-{step:06d}"
            folder.mkdir(parents=True)
            for name in ("adapter.safetensors", "optimizer.safetensors", "state.json"):
                (folder / name).write_bytes(name.encode())
            session.merge(
                CheckpointRow(
                    finetune_id=finetune["id"], step=step, folder=folder.name, byte_count=60, created_at=now()
                )
            )
    return client.get(f"/api/finetunes/{finetune['id']}").json()


class TestWishes:
    @pytest.mark.parametrize("what", ["sample", "save"])
    def test_a_running_finetune_is_asked(self, client, finetune, what):
        assert client.post(f"/api/finetunes/{finetune['id']}/{what}").status_code == 409
        run(client, finetune)
        for _ in range(2):
            assert client.post(f"/api/finetunes/{finetune['id']}/{what}").json()["state"] == "running"
        assert job_row(client, finetune).wishes == [what]

    def test_both_at_once(self, client, finetune):
        run(client, finetune)
        client.post(f"/api/finetunes/{finetune['id']}/sample")
        client.post(f"/api/finetunes/{finetune['id']}/save")
        assert job_row(client, finetune).wishes == ["sample", "save"]

    def test_one_that_is_about_to_end_is_not(self, client, finetune):
        run(client, finetune)
        client.post(f"/api/finetunes/{finetune['id']}/stop")
        response = client.post(f"/api/finetunes/{finetune['id']}/sample")
        assert (response.status_code, response.json()["type"]) == (409, "/errors/job-not-running")

    def test_one_whose_worker_died_is_not(self, client, finetune):
        run(client, finetune)
        set_job(client, finetune["job_id"], owner="elsewhere:1:1", heartbeat_at=None)
        assert client.post(f"/api/finetunes/{finetune['id']}/save").status_code == 409


class TestPaused:
    def shown(self, client, finetune):
        (listed,) = client.get("/api/finetunes").json()
        shown = client.get(f"/api/finetunes/{finetune['id']}").json()
        assert listed == shown
        return shown["state"], shown["paused_because"], shown["is_loaded"]

    def pause(self, client, finetune, reason):
        set_job(client, finetune["job_id"], state="paused", started_at=now())
        with state_of(client).database.transaction() as session:
            jobs.record(session, session.get(JobRow, finetune["job_id"]), "job.paused", {"reason": reason})

    def test_says_why_also_later_on(self, client, finetune):
        assert self.shown(client, finetune) == ("queued", None, False)
        client.post(f"/api/finetunes/{finetune['id']}/pause")
        assert self.shown(client, finetune) == ("paused", "user", False)
        client.post(f"/api/finetunes/{finetune['id']}/resumption")
        assert self.shown(client, finetune) == ("queued", None, False)
        self.pause(client, finetune, "disk-full")
        assert self.shown(client, finetune) == ("paused", "disk-full", False)

    def test_is_loaded_as_long_as_its_trainer_lives(self, client, finetune):
        self.pause(client, finetune, "user")
        folder = state_of(client).settings.paths.run(finetune["id"])
        folder.mkdir()
        with RunFolder(folder).locked():
            assert self.shown(client, finetune) == ("paused", "user", True)
            run(client, finetune)
            assert self.shown(client, finetune) == ("running", None, False)
            self.pause(client, finetune, "user")
        assert self.shown(client, finetune) == ("paused", "user", False)


class TestExtend:
    def test_goes_on_from_where_it_ended(self, client, finetune):
        finish(client, finetune)
        extended = client.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": 40}).json()
        assert (extended["state"], extended["steps"], extended["recipe"]["steps"]) == ("queued", 140, 140)
        row = job_row(client, finetune)
        assert (row.payload, row.finished_at, row.worker_id) == ({"extended_at": 100}, None, None)

    def test_one_that_was_stopped_early_counts_from_there(self, client, finetune):
        finish(client, finetune, steps=50, checkpoints=(50,))
        extended = client.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": 10}).json()
        assert extended["recipe"]["steps"] == 60

    @pytest.mark.parametrize(("steps", "warm_up"), [(10, 20), (40, 30)])
    def test_a_warm_up_longer_than_the_run_is_over(self, client, dataset, steps, warm_up):
        finetune = start(client, dataset, recipe={"steps": 100, "warmup_steps": 30})
        finish(client, finetune, steps=20, checkpoints=(20,))
        response = client.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": steps})
        assert response.status_code == 200, response.text
        recipe = response.json()["recipe"]
        assert (recipe["steps"], recipe["warmup_steps"]) == (20 + steps, warm_up)

    @pytest.mark.parametrize("state", ["queued", "running", "paused", "failed", "cancelled"])
    def test_only_what_ended_well(self, client, finetune, state):
        finish(client, finetune)
        set_job(client, finetune["job_id"], state=state, owner=owner_name(), heartbeat_at=now())
        response = client.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": 10})
        assert (response.status_code, response.json()["type"]) == (409, "/errors/finetune-not-finished")
        assert "Restart" in response.json()["action"]

    def test_without_its_checkpoint_it_can_not(self, client, finetune):
        finish(client, finetune, checkpoints=(50,))
        assert client.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": 10}).status_code == 409

    @pytest.mark.parametrize("steps", [0, -1, 20_001, 19_950])
    def test_too_few_and_too_many(self, client, finetune, steps):
        finish(client, finetune)
        response = client.post(f"/api/finetunes/{finetune['id']}/extend", json={"steps": steps})
        assert response.status_code == 422
        assert response.json()["errors"]


class TestKeep:
    def keep(self, client, finetune, step=50):
        return client.post(f"/api/finetunes/{finetune['id']}/checkpoints/{step}/version")

    @pytest.fixture
    def ended(self, client, finetune, tmp_path):
        """A finetune that ended well at step 100 and made a model; that of step 50 is left, too."""
        add_model(client, tmp_path, finetune_id=finetune["id"], step=100)
        return finish(client, finetune)

    def test_a_checkpoint_becomes_a_version_and_the_last_one_stays_in_use(self, client, ended):
        response = self.keep(client, ended)
        assert response.status_code == 200, response.text
        model = response.json()
        assert [(version["step"], version["label"]) for version in model["versions"]] == [
            (100, "Step 100"),
            (50, "Step 50"),
        ]
        assert client.get(model["versions"][1]["file_url"]).content == b"adapter.safetensors"
        state = state_of(client)
        with state.database.reading() as session:
            models = ModelService(session, state.blobs, state.settings)
            assert models.require_usable(model["id"], None).version_id == model["versions"][0]["id"]

    def test_twice_makes_one(self, client, ended):
        first = self.keep(client, ended).json()
        assert self.keep(client, ended).json() == first
        assert self.keep(client, ended, 100).json() == first
        files = list((state_of(client).settings.paths.models / first["id"]).rglob("*.safetensors"))
        assert len(files) == 2

    def test_a_checkpoint_that_is_gone(self, client, ended):
        response = self.keep(client, ended, 70)
        assert (response.status_code, response.json()["type"]) == (404, "/errors/checkpoint-missing")
        assert self.keep(client, ended, 2**40).status_code == 404

    def test_before_there_is_a_model(self, client, finetune):
        finish(client, finetune)
        response = self.keep(client, finetune)
        assert (response.status_code, response.json()["type"]) == (409, "/errors/checkpoint-not-keepable")

    def test_beyond_where_the_model_was_made(self, client, ended):
        with state_of(client).database.transaction() as session:
            session.get(FinetuneRow, ended["id"]).steps_done = 40
        response = self.keep(client, ended)
        assert (response.status_code, response.json()["type"]) == (409, "/errors/checkpoint-not-keepable")

    def test_in_the_trash(self, client, ended):
        model = client.get("/api/models?kind=finetuned").json()[0]
        client.delete(f"/api/models/{model['id']}")
        assert self.keep(client, ended).json()["type"] == "/errors/model-in-trash"
        client.delete(f"/api/finetunes/{ended['id']}")
        assert self.keep(client, ended).json()["type"] == "/errors/finetune-in-trash"

    def test_a_full_disk_leaves_nothing(self, client, ended, monkeypatch):
        import errno
        import shutil

        def full(source, target):
            target.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(shutil, "copyfile", full)
        response = self.keep(client, ended)
        assert (response.status_code, response.json()["type"]) == (500, "/errors/disk-full")
        model = client.get("/api/models?kind=finetuned").json()[0]
        assert [version["step"] for version in model["versions"]] == [100]
        folder = state_of(client).settings.paths.models / model["id"]
        assert len([path for path in folder.rglob("*") if path.is_file()]) == 1


class TestRestart:
    def restart(self, client, finetune, **body):
        return client.post(f"/api/finetunes/{finetune['id']}/restart", json={"step": 50} | body)

    def test_a_new_finetune_from_a_checkpoint(self, client, finetune):
        finish(client, finetune)
        response = self.restart(client, finetune, recipe={"learning_rate": 1e-5})
        assert response.status_code == 201, response.text
        child = response.json()
        assert (child["parent_id"], child["parent_step"], child["name"]) == (finetune["id"], 50, "Rex from 50")
        assert (child["snapshot_hash"], child["state"], child["model_id"]) == (
            finetune["snapshot_hash"],
            "queued",
            None,
        )
        assert child["recipe"] == finetune["recipe"] | {"learning_rate": 1e-5}

    def test_the_checkpoint_is_there_even_when_the_parents_is_removed(self, client, finetune):
        import shutil

        finish(client, finetune)
        child = self.restart(client, finetune).json()
        paths = state_of(client).settings.paths
        shutil.rmtree(paths.run(finetune["id"]))
        copied = paths.run(child["id"]) / "checkpoints" / "step-000050"
        assert sorted(file.name for file in copied.iterdir()) == [
            "adapter.safetensors", "optimizer.safetensors", "state.json",
        ]  # fmt: skip
        assert (copied / "state.json").read_bytes() == b"state.json"

    @pytest.mark.parametrize(
        ("recipe", "field"),
        [
            ({"rank": 3}, "recipe.rank"),
            ({"method": "dora"}, "recipe.method"),
            ({"target_layers": "attention"}, "recipe.target_layers"),
            ({"steps": 50}, "recipe.steps"),
            ({"steps": 0}, "recipe.steps"),
            ({"nope": 1}, "recipe.nope"),
            ({"validation_images": 6, "validate_every": 5}, "recipe.validation_images"),
        ],
    )
    def test_what_does_not_fit(self, client, finetune, recipe, field):
        finish(client, finetune)
        response = self.restart(client, finetune, recipe=recipe)
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == [field]
        assert len(client.get("/api/finetunes").json()) == 1
        assert len(list(state_of(client).settings.paths.runs.iterdir())) == 1

    def test_a_checkpoint_that_is_gone(self, client, finetune):
        finish(client, finetune)
        assert self.restart(client, finetune, step=70).status_code == 404

    def test_also_while_the_parent_still_runs(self, client, finetune):
        finish(client, finetune)
        run(client, finetune)
        assert self.restart(client, finetune, name="Other").json()["name"] == "Other"

    def test_a_full_disk_says_so_and_leaves_nothing(self, client, finetune, monkeypatch):
        import errno

        from fluxtune.finetunes import continuing

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        finish(client, finetune)
        monkeypatch.setattr(continuing, "_link_or_copy", full)
        response = self.restart(client, finetune)
        assert (response.status_code, response.json()["type"]) == (500, "/errors/disk-full")
        assert len(client.get("/api/finetunes").json()) == 1
        assert len(list(state_of(client).settings.paths.runs.iterdir())) == 1


class TestQueue:
    @pytest.fixture
    def three(self, client, dataset):
        """Three finetunes that wait."""
        return [start(client, dataset, name=name)["job_id"] for name in "abc"]

    def order(self, client):
        return [job["title"][-2] for job in client.get("/api/jobs?in_turn=true").json()]

    def move(self, client, job_id, before):
        return client.post(f"/api/jobs/{job_id}/move", json={"before": before})

    def test_before_another_and_last(self, client, three):
        a, b, c = three
        assert self.order(client) == ["a", "b", "c"]
        assert [job["id"] for job in self.move(client, c, a).json()] == [c, a, b]
        self.move(client, c, None)
        assert self.order(client) == ["a", "b", "c"]
        self.move(client, a, c)
        assert self.order(client) == ["b", "a", "c"]
        self.move(client, a, a)
        assert self.order(client) == ["b", "a", "c"]

    def test_what_runs_stays_first_and_can_not_be_moved(self, client, three):
        a, b, c = three
        set_job(client, a, state="running", owner=owner_name(), heartbeat_at=now())
        assert self.move(client, a, None).status_code == 409
        assert self.move(client, c, a).status_code == 409
        self.move(client, c, b)
        assert self.order(client) == ["a", "c", "b"]

    def test_a_new_one_is_last_also_after_moves(self, client, three, dataset):
        self.move(client, three[2], three[0])
        start(client, dataset, name="d")
        assert self.order(client) == ["c", "a", "b", "d"]

    def test_unknown(self, client, three):
        assert self.move(client, "nope", None).status_code == 404
        assert self.move(client, three[0], "nope").status_code == 404
        assert self.move(client, three[0], 7).status_code == 422


class TestWebhooks:
    URL = "https://example.com/hook"

    def test_the_secret_is_never_shown(self, client, dataset):
        finetune = start(client, dataset, webhook_url=self.URL, webhook_secret="correct horse battery")
        assert finetune["webhook_url"] == self.URL
        for path in (f"/api/finetunes/{finetune['id']}", "/api/finetunes", f"/api/finetunes/{finetune['id']}/recipe"):
            assert "horse" not in client.get(path).text
        with state_of(client).database.reading() as session:
            assert "horse" not in session.get(FinetuneRow, finetune["id"]).webhook_secret

    @pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://localhost:1/", "nonsense", "ftp://x/", ""])
    def test_addresses_are_checked(self, client, dataset, url):
        response = client.post("/api/finetunes", json={"dataset_id": dataset["id"], "base": "tiny", "webhook_url": url})
        assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "webhook_url")
        assert client.get("/api/finetunes").json() == []

    def test_a_secret_that_is_too_short_is_not_repeated(self, client, dataset):
        body = {"dataset_id": dataset["id"], "webhook_url": self.URL, "webhook_secret": "horse"}
        response = client.post("/api/finetunes", json=body)
        assert response.status_code == 422
        assert "horse" not in response.text

    def test_cancelling_what_waits_tells(self, client, dataset):
        finetune = start(client, dataset, webhook_url=self.URL)
        client.post(f"/api/finetunes/{finetune['id']}/cancellation")
        with state_of(client).database.reading() as session:
            (delivery,) = session.scalars(select(DeliveryRow)).all()
        assert (delivery.type, delivery.data["state"], delivery.secret) == ("finetune.cancelled", "cancelled", None)
        shown = client.get(f"/api/finetunes/{finetune['id']}").json()["webhook"]
        assert (shown["state"], shown["attempts"]) == ("waiting", 0)


class TestProbes:
    @pytest.fixture
    def probe(self, client, dataset):
        """A probe that waits."""
        body = {"dataset_id": dataset["id"], "base": "tiny", "quality": "draft", "recipe": {"steps": 100}}
        response = client.post("/api/finetunes/probes", json=body)
        assert response.status_code == 202, response.text
        return response.json()

    def test_queued_as_a_job(self, client, probe):
        assert (probe["state"], probe["seconds_per_step"], probe["error"]) == ("queued", None, None)
        assert client.get(f"/api/finetunes/probes/{probe['id']}").json() == probe
        assert client.get(f"/api/jobs/{probe['job_id']}").json()["kind"] == "probe"
        assert client.get("/api/finetunes").json() == []
        assert client.get("/api/finetunes/probes/nope").status_code == 404

    def test_plans_use_the_newest_that_matches(self, client, dataset, probe):
        state = state_of(client)
        with state.database.transaction() as session:
            row = session.get(ProbeRow, probe["id"])
            from fluxtune.models.service import ModelService

            base = ModelService(session, state.blobs, state.settings).get_base("tiny")
            row.result = ProbeResult(
                seconds_per_step=2.0, seconds_per_step_spread=0.1, peak_memory_bytes=3 * 2**30, device="cpu",
                device_memory_bytes=8 * 2**30, checkpoint_bytes=1000, load_seconds=5, cache_seconds_per_image=0.5,
                seconds_per_sample=1, base_fingerprint=base.fingerprint,
                settings=cost_settings(Recipe.model_validate(row.recipe)),
            ).model_dump(mode="json")  # fmt: skip
        body = {"dataset_id": dataset["id"], "base": "tiny", "quality": "draft", "recipe": {"steps": 150}}
        plan = client.post("/api/finetunes/plans", json=body).json()
        assert plan["probe"]["id"] == probe["id"]
        assert plan["seconds"]["low"] < 150 * 2 + 30
        assert plan["seconds"]["high"] > 150 * 2
        other = client.post("/api/finetunes/plans", json={**body, "recipe": {"rank": 2}}).json()
        assert other["probe"] is None

    def test_what_can_not_start_can_not_be_measured(self, client, dataset):
        for base, status in (("nope", 404), ("tiny", 422)):
            body = {"dataset_id": dataset["id"], "base": base, "recipe": {"rank": 0}}
            assert client.post("/api/finetunes/probes", json=body).status_code == status
        assert client.get("/api/jobs").json() == []


def test_nothing_was_validated_yet(client, finetune):
    for what in ("validation", "image-losses"):
        assert client.get(f"/api/finetunes/{finetune['id']}/{what}").json() == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/sample", None),
        ("POST", "/save", None),
        ("POST", "/extend", {"steps": 1}),
        ("POST", "/restart", {"step": 1}),
        ("POST", "/checkpoints/1/version", None),
        ("GET", "/validation", None),
        ("GET", "/image-losses", None),
        ("GET", "/recipe", None),
    ],
)
def test_unknown(client, method, path, body):
    response = client.request(method, f"/api/finetunes/nope{path}", json=body)
    assert (response.status_code, response.json()["title"]) == (404, "No such finetune")
