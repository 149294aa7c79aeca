"""What goes beyond BFL's API: said to be there, and then there."""

import pytest

from fluxtune.core.clock import now
from fluxtune.finetunes import repository
from fluxtune.finetunes.tables import FinetuneSampleRow, LossPointRow
from fluxtune.images.service import ImageService, store_content
from fluxtune.jobs import repository as jobs
from fluxtune.jobs.liveness import owner_name
from tests.api.contract.test_drawing import generation_of, result_of, submit
from tests.makers import add_model, set_job, state_of
from tests.zoo import make_base, picture


@pytest.fixture
def finetune_id(program, request_body):
    """A finetune that waits."""
    return program.post("/v1/finetune", json=request_body).json()["id"]


def test_is_discovered(program):
    told = program.get("/v1/fluxtune").json()
    assert (told["name"], told["usual_base"]) == ("fluxtune", "tiny")
    assert set(told["extensions"]) == {
        "adapter", "cancel", "draw", "pause", "preview", "progress", "recipe", "sample", "save", "stop",
    }  # fmt: skip
    assert "tiny" in told["bases"]
    (tiny,) = [base for base in told["described_bases"] if base["name"] == "tiny"]
    assert tiny["default_steps"] > 0
    assert not {"path", "parts_path"} & set(tiny)


def test_a_recipe_of_ones_own(studio, program, request_body):
    wishes = {
        "key": "one-of-a-kind", "name": "Rex", "base": "tiny", "quality": "draft",
        "recipe": {"steps": 6, "rank": 4, "learning_rate": 0.002},
    }  # fmt: skip
    started = program.post("/v1/finetune", json=request_body | {"fluxtune": wishes}).json()
    finetune = studio.get(f"/api/finetunes/{started['id']}").json()
    assert (finetune["name"], finetune["quality"], finetune["base"]) == ("Rex", "draft", "tiny")
    assert {name: finetune["recipe"][name] for name in wishes["recipe"]} == wishes["recipe"]
    # The same key again is the same finetune; another one is not.
    assert program.post("/v1/finetune", json=request_body | {"fluxtune": wishes}).json() == started
    other = program.post("/v1/finetune", json=request_body | {"fluxtune": wishes | {"key": "another one"}}).json()
    assert other["id"] != started["id"]
    assert len(program.get("/v1/my_finetunes").json()["finetunes"]) == 2


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"recipe": {"steps": 0}}, "steps"),
        ({"recipe": {"nonsense": 1}}, "nonsense"),
        ({"base": "nowhere"}, "nowhere"),
        ({"key": "short"}, "key"),
        ([], "fluxtune"),
    ],
)
def test_a_recipe_that_can_not_be(program, request_body, wishes, said):
    refused = program.post("/v1/finetune", json=request_body | {"fluxtune": wishes})
    assert 400 <= refused.status_code < 500
    assert said in refused.text


def test_drawing_with_any_base(studio, program, tmp_path):
    make_base(state_of(studio).settings.paths.bases, "other")
    model = add_model(studio, tmp_path)
    task = submit(program, "fluxtune/draw", base="other", steps=3, guidance=1.5, width=64, height=80)
    drawn = generation_of(studio, task)
    assert (drawn["model_id"], drawn["steps"], drawn["guidance"]) == ("other", 3, 1.5)
    assert (drawn["width"], drawn["height"]) == (64, 80)
    task = submit(program, "fluxtune/draw", finetune_id=model.finetune_id, finetune_strength=0.5)
    drawn = generation_of(studio, task)
    assert (drawn["model_id"], drawn["finetune_strength"]) == (model.id, 0.5)
    assert generation_of(studio, submit(program, "fluxtune/draw"))["model_id"] == "tiny"
    refused = program.post("/v1/fluxtune/draw", json={"prompt": "x", "base": "nowhere"})
    assert refused.status_code == 404


def test_progress(studio, program, stranger, finetune_id, tmp_path):
    def told(**query):
        return program.get("/v1/fluxtune/progress", params={"id": finetune_id, **query}).json()

    assert (told()["state"], told()["loss"], told()["samples"], told()["adapter"]) == ("queued", [], [], None)
    state = state_of(studio)
    with state.database.transaction() as session:
        points = [
            LossPointRow(
                finetune_id=finetune_id, step=step, loss=1 / step, smoothed=1.0, learning_rate=0.1, grad_norm=1.0,
                seconds_per_step=0.5,
            )
            for step in (1, 2, 3)
        ]  # fmt: skip
        content = store_content(state.blobs, picture(7))
        image = ImageService(session, state.blobs).create_image(content, "sample")
        sample = FinetuneSampleRow(finetune_id=finetune_id, step=0, row=0, prompt="a TOK", image_id=image.id)
        repository.save_all(session, [*points, sample])
    later = told(after=1)
    assert [point["step"] for point in later["loss"]] == [2, 3]
    assert stranger.get(later["samples"][0]["sample"]).content == picture(7)
    add_model(studio, tmp_path, finetune_id=finetune_id, step=3)
    adapter = told()["adapter"]
    assert (adapter["step"], adapter["byte_count"]) == (3, len(b"weights of an adapter"))
    assert program.get("/v1/fluxtune/progress", params={"id": "nope"}).status_code == 404


def test_stopping(studio, program, finetune_id):
    assert program.post("/v1/fluxtune/stop", json={"id": "nope"}).status_code == 404
    set_job(studio, studio.get(f"/api/finetunes/{finetune_id}").json()["job_id"], state="running", started_at=now())
    stopped = program.post("/v1/fluxtune/stop", json={"id": finetune_id})
    assert stopped.json() == {"id": finetune_id, "status": "success"}
    with state_of(studio).database.reading() as session:
        row = repository.find_finetune(session, finetune_id)
        assert row is not None
        assert row.is_stopping


def test_pausing_and_going_on(studio, program, finetune_id):
    def state():
        return studio.get(f"/api/finetunes/{finetune_id}").json()["state"]

    assert program.post("/v1/fluxtune/resume", json={"id": finetune_id}).status_code == 409
    assert program.post("/v1/fluxtune/pause", json={"id": finetune_id}).json()["status"] == "success"
    assert state() == "paused"
    assert program.get("/v1/fluxtune/progress", params={"id": finetune_id}).json()["state"] == "paused"
    assert program.post("/v1/fluxtune/resume", json={"id": finetune_id}).status_code == 200
    assert state() == "queued"
    for what in ("pause", "resume", "sample", "save"):
        assert program.post(f"/v1/fluxtune/{what}", json={"id": "nope"}).status_code == 404


@pytest.mark.parametrize("what", ["sample", "save"])
def test_a_sample_or_a_checkpoint_now(studio, program, finetune_id, what):
    assert program.post(f"/v1/fluxtune/{what}", json={"id": finetune_id}).status_code == 409  # it waits
    job_id = studio.get(f"/api/finetunes/{finetune_id}").json()["job_id"]
    set_job(studio, job_id, state="running", owner=owner_name(), heartbeat_at=now(), started_at=now())
    assert program.post(f"/v1/fluxtune/{what}", json={"id": finetune_id}).status_code == 200
    with state_of(studio).database.reading() as session:
        row = jobs.find_job(session, job_id)
        assert row is not None
        assert row.wishes == [what]


def test_the_adapter(studio, program, tmp_path):
    model = add_model(studio, tmp_path)
    response = program.get("/v1/fluxtune/adapter", params={"finetune_id": model.finetune_id})
    assert response.content == b"weights of an adapter"
    assert program.get("/v1/fluxtune/adapter", params={"finetune_id": "nope"}).status_code == 404
    assert program.get("/v1/fluxtune/adapter", params={"finetune_id": "../../secret.key"}).status_code == 404


def test_cancelling(studio, program, finetune_id):
    drawing = submit(program)["id"]
    own = studio.post("/api/generations", json={"model_id": "tiny", "prompt": "x"}).json()
    for task_id in (drawing, finetune_id):
        assert program.post("/v1/fluxtune/cancel", json={"id": task_id}).json() == {"id": task_id, "status": "success"}
        assert result_of(program, task_id)["status"] == "Error"
        assert program.post("/v1/fluxtune/cancel", json={"id": task_id}).status_code == 409
    for task_id in (own["id"], "nope"):
        assert program.post("/v1/fluxtune/cancel", json={"id": task_id}).status_code == 404


def test_samples_while_it_trains(studio, program, stranger, finetune_id):
    assert result_of(program, finetune_id)["preview"] is None
    state = state_of(studio)
    with state.database.transaction() as session:
        for step in (0, 50):
            content = store_content(state.blobs, picture(step))
            image = ImageService(session, state.blobs).create_image(content, "sample")
            sample = FinetuneSampleRow(finetune_id=finetune_id, step=step, row=0, prompt="a TOK", image_id=image.id)
            repository.save_all(session, [sample])
    set_job(studio, studio.get(f"/api/finetunes/{finetune_id}").json()["job_id"], step=60, steps=100)
    preview = result_of(program, finetune_id)["preview"]
    assert (preview["step"], preview["steps"]) == (60, 100)
    (sample,) = preview["samples"]
    assert sample["step"] == 50
    assert stranger.get(sample["sample"]).content == picture(50)
