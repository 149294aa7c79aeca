"""What goes beyond BFL's API: said to be there, and then there."""

import pytest

from fluxtune.finetunes import repository
from fluxtune.finetunes.tables import FinetuneSampleRow
from fluxtune.images.service import ImageService, store_content
from tests.api.contract.test_drawing import result_of, submit
from tests.makers import add_model, set_job, state_of
from tests.zoo import picture


@pytest.fixture
def finetune_id(program, request_body):
    """A finetune that waits."""
    return program.post("/v1/finetune", json=request_body).json()["id"]


def test_is_discovered(program):
    told = program.get("/v1/fluxtune").json()
    assert (told["name"], told["usual_base"]) == ("fluxtune", "tiny")
    assert set(told["extensions"]) == {"adapter", "cancel", "preview"}
    assert "tiny" in told["bases"]


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
