"""A file that is imported gets an image, drawn by a job of its own."""

import pytest

from fluxtune.generations import service
from fluxtune.generations.service import PromptEmpty
from tests.loras import pocket_lora


@pytest.fixture
def bring(shared_client, tmp_path, monkeypatch):
    """Import a LoRA of pocket."""
    monkeypatch.setattr(service, "require_engine", lambda: None)

    def bring_one(**form):
        with pocket_lora(tmp_path / "fox.safetensors").open("rb") as file:
            response = shared_client.post("/api/models/imports", files={"file": file}, data=form)
        assert response.status_code == 201, response.text
        return response.json()

    return bring_one


def test_an_image_is_queued_with_its_first_prompt(shared_client, bring):
    model = bring(trigger_word="foxo")
    (generation,) = shared_client.get("/api/generations").json()
    assert (generation["job_id"], generation["model_id"]) == (model["preview_job_id"], model["id"])
    assert (generation["prompt"], len(generation["slots"])) == ("foxo", 1)


def test_unless_nobody_wants_one(shared_client, bring):
    assert bring(preview="false")["preview_job_id"] is None
    assert shared_client.get("/api/generations").json() == []


def test_a_model_without_an_image_is_a_model_all_the_same(shared_client, bring, monkeypatch):
    def refuse(*_):
        raise PromptEmpty("It holds no words.")

    monkeypatch.setattr(service.GenerationService, "create_generation", refuse)
    assert bring()["preview_job_id"] is None
