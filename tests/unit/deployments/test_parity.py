"""The same drawn here and at BFL: paid once, shown side by side."""

from datetime import timedelta

import pytest
from PIL import Image

from fluxtune.backends.base import RunEnd
from fluxtune.core.clock import now
from fluxtune.engine.events import GeneratorEvent
from fluxtune.generations.tasks import GenerationTask
from fluxtune.imaging.likeness import difference_of, fingerprint_of
from fluxtune.upkeep.trash import Trash
from tests.hosting import lines
from tests.makers import add_model, run_job, state_of
from tests.zoo import make_base, picture


class PlayedBackend:
    """Draws whatever it is asked for at once."""

    def generate(self, request, sink, steering):
        for index, seed in enumerate(request.seeds):
            (request.out_dir / f"{index}.png").write_bytes(picture(seed))
            data = {"id": request.id, "index": index, "file": f"{index}.png", "seed": seed, "seconds": 1.0}
            sink.receive(GeneratorEvent(type="generation.image", data=data))
        return RunEnd("succeeded")


@pytest.fixture
def linked(studio, model):
    """A model that is called rex at BFL."""
    assert studio.put(f"/api/models/{model.id}/deployment", json={"finetune_id": "rex"}).status_code == 200
    return model


def draw(studio, parity):
    """Let a worker draw all of it."""
    state = state_of(studio)
    for generation_id in parity["generation_ids"]:
        job_id = studio.get(f"/api/generations/{generation_id}").json()["job_id"]
        run_job(studio, GenerationTask(state.settings, state.blobs, PlayedBackend()), job_id)


def start(studio, model, **body):
    response = studio.post(f"/api/models/{model.id}/parity", json=body)
    assert response.status_code == 201, response.text
    return response.json()


def test_side_by_side(studio, linked, server):
    body = {"count": 2, "seed": 9, "strength": 0.9}
    estimate = studio.post(f"/api/models/{linked.id}/parity/estimate", json=body).json()
    assert (estimate["images"], estimate["credits"]) == (4, pytest.approx(5.6))
    assert lines(studio) == [], "an estimate sets nothing aside"
    parity = start(studio, linked, **body)
    assert (parity["state"], len(parity["pairs"])) == ("running", 4)
    assert len(lines(studio)) == 4
    draw(studio, parity)
    (shown,) = studio.get(f"/api/models/{linked.id}/parity").json()
    assert (shown["state"], shown["cost"]) == ("succeeded", pytest.approx(5.6))
    assert [(pair["prompt"], pair["seed"]) for pair in shown["pairs"]] == [
        ("a rexo in the rain", 9), ("a rexo in the rain", 10), ("a rexo", 9), ("a rexo", 10),
    ]  # fmt: skip
    for pair in shown["pairs"]:
        assert pair["here"]["facts"]["finetune_strength"] == pair["there"]["facts"]["finetune_strength"] == 0.9
        assert pair["here"]["facts"]["model_id"] == pair["there"]["facts"]["model_id"] == linked.id
        assert 0 < pair["edges"] <= 100
        assert f"{pair['edges']:g} of 100" in pair["says"]
    assert {(task["body"]["seed"], task["body"]["width"]) for task in server.tasks.values()} == {(9, 128), (10, 128)}
    assert any("FP8" in text for text in shown["differences"])


def test_another_base_there_is_said(studio, model):
    link = {"finetune_id": "rex", "endpoint": "flux-2-klein-4b-finetuned"}
    studio.put(f"/api/models/{model.id}/deployment", json=link)
    assert start(studio, model, prompts=["a cat"])["differences"][0].startswith("Another base")


def test_all_or_nothing_is_set_aside(studio, linked):
    studio.put("/api/hosted/budget", json={"per_request": 2})
    refused = studio.post(f"/api/models/{linked.id}/parity", json={})
    assert (refused.status_code, refused.json()["title"]) == (409, "The budget does not allow this")
    assert lines(studio) == []
    assert studio.get(f"/api/models/{linked.id}/parity").json() == []


def test_one_that_fails_says_why_and_keeps_the_rest(studio, linked, server):
    server.statuses.append("Content Moderated")
    parity = start(studio, linked)
    draw(studio, parity)
    shown = studio.get(f"/api/models/{linked.id}/parity/{parity['id']}").json()
    assert shown["state"] == "failed"
    assert shown["error"]["title"] == "BFL's moderation withholds the image"
    assert [pair["there"] is None for pair in shown["pairs"]] == [True, False]
    assert shown["pairs"][0]["says"] == "Not both images are here."


def test_cancelled_before_anything_was_sent_costs_nothing(studio, linked, server):
    parity = start(studio, linked)
    path = f"/api/models/{linked.id}/parity/{parity['id']}/cancellation"
    assert studio.post(path).json()["state"] == "cancelled"
    assert studio.post(path).status_code == 409
    assert server.tasks == {}
    assert all(line["cost"] == 0 for line in lines(studio))


def test_endpoints_that_need_an_image_are_not_compared(studio, tmp_path):
    other = add_model(studio, tmp_path, name="Old", base="tiny")
    make_base(state_of(studio).settings.paths.bases)
    link = {"finetune_id": "old", "endpoint": "flux-pro-1.0-fill-finetuned"}
    assert studio.put(f"/api/models/{other.id}/deployment", json=link).status_code == 200
    assert (
        studio.post(f"/api/models/{other.id}/parity/estimate", json={}).json()["title"]
        == "This endpoint can't be compared"
    )


def test_what_is_not_there(studio, model, linked):
    assert studio.get(f"/api/models/{model.id}/parity/none").status_code == 404
    studio.delete(f"/api/models/{model.id}/deployment")
    assert studio.post(f"/api/models/{model.id}/parity", json={}).status_code == 404


def test_a_model_goes_with_its_checks(studio, linked):
    start(studio, linked)
    studio.delete(f"/api/models/{linked.id}")
    state = state_of(studio)
    Trash(state.settings, state.database, state.blobs).empty(now() + timedelta(days=400))
    assert studio.get(f"/api/models/{linked.id}").status_code == 404


def test_how_far_pictures_lie_apart():
    black, white = (fingerprint_of(Image.new("RGB", (64, 64), colour)) for colour in ("black", "white"))
    assert (difference_of(black, black).edges, difference_of(black, black).colour) == (0, 0)
    assert (difference_of(black, white).edges, difference_of(black, white).colour) == (0, 255)
