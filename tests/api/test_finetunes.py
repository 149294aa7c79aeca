"""Routes of finetunes. What a run does is in the unit tests of its task."""

import pytest

from fluxtune.backends.base import EngineMissing
from fluxtune.backends.local import readiness
from tests.makers import add_dataset, set_job, state_of
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


def body(dataset, **more):
    return {"dataset_id": dataset["id"], "base": "tiny", "quality": "draft"} | more


@pytest.fixture
def finetune(client, dataset):
    """A finetune that waits."""
    response = client.post("/api/finetunes", json=body(dataset))
    assert response.status_code == 201, response.text
    return response.json()


class TestPlan:
    def test_says_what_it_would_do_and_cost(self, client, dataset):
        plan = client.post("/api/finetunes/plans", json=body(dataset)).json()
        assert plan["image_count"] == 6
        assert plan["changed"] == []
        assert plan["recipe"]["steps"] > 0
        assert plan["recipe"]["resolution"] == 128
        assert 0 < plan["seconds"]["low"] < plan["seconds"]["high"]
        assert 0 < plan["memory_bytes"]["low"] <= plan["memory_bytes"]["high"]
        assert plan["disk_bytes"] > 0
        assert plan["epochs"] == round(plan["recipe"]["steps"] * plan["recipe"]["batch_size"] / 6, 1)
        assert plan["waits_behind"] == 0

    def test_settings_that_differ_are_named(self, client, dataset):
        recipe = {"steps": 77, "rank": 4}
        plan = client.post("/api/finetunes/plans", json=body(dataset, recipe=recipe)).json()
        assert (plan["recipe"]["steps"], plan["recipe"]["rank"]) == (77, 4)
        assert plan["changed"] == ["rank", "steps"]
        assert plan["reasons"]["rank"].startswith("Chosen by you; ")
        assert set(plan["recipe"]) <= set(plan["reasons"])

    def test_a_setting_as_it_would_be_anyway_is_not_named(self, client, dataset):
        usual = client.post("/api/finetunes/plans", json=body(dataset)).json()["recipe"]
        plan = client.post("/api/finetunes/plans", json=body(dataset, recipe={"rank": usual["rank"]})).json()
        assert plan["changed"] == []

    def test_better_takes_longer(self, client, dataset):
        plans = [client.post("/api/finetunes/plans", json=body(dataset, quality=q)).json() for q in ("draft", "best")]
        assert plans[0]["seconds"]["low"] < plans[1]["seconds"]["low"]

    def test_warns_of_what_the_dataset_check_found(self, client):
        few = add_dataset(client, 2)
        warnings = client.post("/api/finetunes/plans", json=body(few)).json()["warnings"]
        assert any("Only 2 images" in warning for warning in warnings)

    def test_warns_of_images_below_the_resolution(self, client, dataset):
        warnings = client.post("/api/finetunes/plans", json=body(dataset, recipe={"resolution": 512})).json()[
            "warnings"
        ]
        assert any("6 of 6 images have fewer pixels" in warning for warning in warnings)

    def test_warns_of_a_base_that_is_not_complete(self, client, dataset):
        make_base(state_of(client).settings.paths.bases, "half", complete=False)
        warnings = client.post("/api/finetunes/plans", json=body(dataset, base="half")).json()["warnings"]
        assert any("not complete" in warning for warning in warnings)

    def test_an_empty_dataset_can_be_planned_with(self, client):
        plan = client.post("/api/finetunes/plans", json=body(add_dataset(client, 0))).json()
        assert (plan["image_count"], plan["epochs"]) == (0, 0)
        assert any("no images" in warning for warning in plan["warnings"])

    def test_counts_who_is_before(self, client, dataset, finetune):
        assert client.post("/api/finetunes/plans", json=body(dataset)).json()["waits_behind"] == 1

    def test_learns_from_finished_runs(self, client, dataset, finetune):
        from fluxtune.finetunes.tables import FinetuneRow

        with state_of(client).database.transaction() as session:
            row = session.get(FinetuneRow, finetune["id"])
            steps = row.recipe["steps"]
            row.device, row.seconds, row.seconds_per_step, row.steps_done = "cpu", 5 + steps * 2.0, 2.0, steps
            row.peak_memory_bytes = 10**9
        plan = client.post("/api/finetunes/plans", json=body(dataset)).json()
        assert plan["seconds"]["low"] < 5 + steps * 2.0 < plan["seconds"]["high"]
        assert plan["memory_bytes"] == {"low": pytest.approx(0.9e9), "high": pytest.approx(1.15e9)}
        double = client.post("/api/finetunes/plans", json=body(dataset, recipe={"batch_size": 8})).json()
        assert double["seconds"]["high"] > 1.8 * plan["seconds"]["high"]

    def test_never_waits_for_a_writer(self, client, dataset):
        with state_of(client).database.transaction() as session:
            session.connection()  # takes the write lock
            assert client.post("/api/finetunes/plans", json=body(dataset)).status_code == 200


class TestCreate:
    def test_is_queued_with_its_frozen_dataset(self, client, dataset, finetune):
        assert (finetune["state"], finetune["step"], finetune["name"]) == ("queued", 0, "Rex")
        assert (finetune["mode"], finetune["trigger_word"], finetune["image_count"]) == ("character", "rexo", 6)
        assert finetune["steps"] == finetune["recipe"]["steps"]
        assert len(finetune["snapshot_hash"]) == 64
        job = client.get(f"/api/jobs/{finetune['job_id']}").json()
        assert (job["kind"], job["target_id"], job["title"]) == ("finetune", finetune["id"], "Finetune “Rex”")

    def test_the_same_content_has_the_same_snapshot(self, client, dataset, finetune):
        again = client.post("/api/finetunes", json=body(dataset)).json()
        assert again["snapshot_hash"] == finetune["snapshot_hash"]
        assert again["name"] == "Rex 2"
        image = client.get(f"/api/datasets/{dataset['id']}/images").json()[0]
        client.patch(f"/api/datasets/{dataset['id']}/images/{image['id']}", json={"caption": "changed"})
        changed = client.post("/api/finetunes", json=body(dataset)).json()
        assert changed["snapshot_hash"] != finetune["snapshot_hash"]

    def test_choices_win_over_the_dataset(self, client, dataset):
        chosen = body(dataset, name="Mine", mode="style", trigger_word="moxo", quality="best")
        finetune = client.post("/api/finetunes", json=chosen).json()
        assert (finetune["name"], finetune["mode"], finetune["trigger_word"]) == ("Mine", "style", "moxo")
        assert finetune["quality"] == "best"

    def test_a_sample_dataset_draws_its_own_prompts(self, client):
        sample = client.get("/api/samples").json()[0]
        dataset = client.post("/api/datasets", json={"sample": sample["name"]}).json()
        finetune = client.post("/api/finetunes", json=body(dataset)).json()
        assert finetune["recipe"]["sample_prompts"]
        assert client.get(f"/api/finetunes/{finetune['id']}/samples").json()["prompts"] == sample["prompts"][:4]

    def test_an_empty_dataset(self, client):
        response = client.post("/api/finetunes", json=body(add_dataset(client, 0)))
        assert response.status_code == 409
        assert response.json()["type"] == "/errors/dataset-empty"
        assert "Add" in response.json()["action"]

    def test_an_unknown_dataset(self, client):
        assert client.post("/api/finetunes", json=body({"id": "nope"})).status_code == 404

    def test_a_dataset_in_the_trash(self, client, dataset):
        client.delete(f"/api/datasets/{dataset['id']}")
        response = client.post("/api/finetunes", json=body(dataset))
        assert (response.status_code, response.json()["type"]) == (409, "/errors/dataset-in-trash")

    def test_an_unknown_base(self, client, dataset):
        response = client.post("/api/finetunes", json=body(dataset, base="nope"))
        assert (response.status_code, response.json()["type"]) == (404, "/errors/base-unknown")
        assert "tiny" in response.json()["detail"]

    def test_a_base_that_is_not_complete(self, client, dataset):
        make_base(state_of(client).settings.paths.bases, "half", complete=False)
        response = client.post("/api/finetunes", json=body(dataset, base="half"))
        assert (response.status_code, response.json()["type"]) == (503, "/errors/base-not-ready")
        assert "weights" in response.json()["detail"]

    def test_without_an_engine(self, client, dataset, monkeypatch):
        def missing():
            raise EngineMissing("Needs torch.", action="Run `pip install`.")

        monkeypatch.setattr(readiness, "require_engine", missing)
        response = client.post("/api/finetunes", json=body(dataset))
        assert (response.status_code, response.json()["type"]) == (503, "/errors/engine-missing")
        assert "pip install" in response.json()["action"]
        assert client.get("/api/finetunes").json() == []
        assert client.get("/api/jobs").json() == []

    def test_bad_settings_are_all_named(self, client, dataset):
        recipe = {"steps": 0, "resolution": 100, "strange": 1, "sample_prompts": ["ok", "x" * 2000]}
        response = client.post("/api/finetunes", json=body(dataset, recipe=recipe))
        assert (response.status_code, response.json()["type"]) == (422, "/errors/recipe-invalid")
        errors = {error["field"]: error["message"] for error in response.json()["errors"]}
        assert errors["recipe.strange"] == "There is no such setting."
        assert errors["recipe.steps"].startswith("Must be greater than or equal to 1")
        assert set(errors) == {
            "recipe.steps", "recipe.resolution", "recipe.strange", "recipe.sample_prompts.1",
        }  # fmt: skip

    @pytest.mark.parametrize(
        "recipe", [{"steps": "many"}, {"learning_rate": -1}, {"rank": None}, {"sample_prompts": "one"}, {"steps": 1e9}]
    )
    def test_every_bad_value_is_refused(self, client, dataset, recipe):
        response = client.post("/api/finetunes", json=body(dataset, recipe=recipe))
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == f"recipe.{next(iter(recipe))}"


class TestSteering:
    def test_a_waiting_run_is_cancelled_at_once(self, client, finetune):
        assert client.post(f"/api/finetunes/{finetune['id']}/cancellation").json()["state"] == "cancelled"
        assert client.post(f"/api/finetunes/{finetune['id']}/cancellation").status_code == 409

    def test_stop_and_keep(self, client, finetune, running):
        assert client.post(f"/api/finetunes/{finetune['id']}/stop").json()["is_stopping"]
        assert client.get(f"/api/finetunes/{finetune['id']}").json()["is_stopping"]

    def test_what_has_not_started_can_not_be_stopped_and_kept(self, client, finetune):
        response = client.post(f"/api/finetunes/{finetune['id']}/stop")
        assert response.status_code == 409
        assert not client.get(f"/api/finetunes/{finetune['id']}").json()["is_stopping"]

    def test_pause_and_resume(self, client, finetune):
        assert client.post(f"/api/finetunes/{finetune['id']}/pause").json()["state"] == "paused"
        assert client.post(f"/api/finetunes/{finetune['id']}/resumption").json()["state"] == "queued"

    def test_only_what_is_paused_can_be_resumed(self, client, finetune):
        assert client.post(f"/api/finetunes/{finetune['id']}/resumption").status_code == 409

    def test_a_failed_run_can_be_resumed(self, client, finetune):
        set_job(client, finetune["job_id"], state="failed")
        assert client.post(f"/api/finetunes/{finetune['id']}/resumption").json()["state"] == "queued"

    @pytest.fixture
    def running(self, client, finetune):
        """The finetune, taken up by a living worker."""
        from fluxtune.core.clock import now
        from fluxtune.jobs.liveness import owner_name

        set_job(
            client,
            finetune["job_id"],
            state="running",
            owner=owner_name(),
            heartbeat_at=now(),
            started_at=now(),
            step=7,
        )

    def test_shows_how_far_it_is(self, client, finetune, running):
        shown = client.get(f"/api/finetunes/{finetune['id']}").json()
        assert (shown["state"], shown["step"]) == ("running", 7)


class TestTrash:
    def test_what_has_not_ended_stays(self, client, finetune):
        response = client.delete(f"/api/finetunes/{finetune['id']}")
        assert (response.status_code, response.json()["type"]) == (409, "/errors/finetune-active")

    def test_there_and_back(self, client, finetune):
        client.post(f"/api/finetunes/{finetune['id']}/cancellation")
        for _ in range(2):
            assert client.delete(f"/api/finetunes/{finetune['id']}").status_code == 204
        assert client.get("/api/finetunes").json() == []
        assert len(client.get("/api/finetunes?deleted=true").json()) == 1
        set_job(client, finetune["job_id"], state="failed")
        assert client.post(f"/api/finetunes/{finetune['id']}/resumption").status_code == 409
        assert client.post(f"/api/finetunes/{finetune['id']}/restoration").json()["deleted_at"] is None
        assert len(client.get("/api/finetunes").json()) == 1

    def test_a_dataset_in_the_trash_leaves_its_finetunes(self, client, dataset, finetune):
        client.delete(f"/api/datasets/{dataset['id']}")
        assert client.get(f"/api/finetunes/{finetune['id']}").json()["dataset_name"] == "Rex"


def test_a_new_run_has_nothing_to_show_yet(client, finetune):
    url = f"/api/finetunes/{finetune['id']}"
    assert client.get(f"{url}/loss").json() == []
    assert client.get(f"{url}/checkpoints").json() == []
    assert client.get(f"{url}/log").json() == []
    sheet = client.get(f"{url}/samples").json()
    assert (sheet["steps"], sheet["cells"]) == ([], [])
    assert sheet["prompts"][0] == "rexo"
    assert client.get(f"{url}/checkpoints/100/file").status_code == 404
    assert client.get(f"{url}/checkpoints/{10**20}/file").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/stop"),
        ("POST", "/cancellation"),
        ("POST", "/pause"),
        ("POST", "/resumption"),
        ("POST", "/restoration"),
        ("GET", "/loss"),
        ("GET", "/samples"),
        ("GET", "/checkpoints"),
        ("GET", "/checkpoints/1/file"),
        ("GET", "/log"),
    ],
)
def test_unknown(client, method, path):
    response = client.request(method, f"/api/finetunes/nope{path}")
    assert response.status_code == 404
    assert response.json()["title"] == "No such finetune"


def test_a_stranger_sees_nothing(stranger):
    assert stranger.get("/api/finetunes").status_code == 403
    assert stranger.post("/api/finetunes", json={"dataset_id": "x"}).status_code == 403
