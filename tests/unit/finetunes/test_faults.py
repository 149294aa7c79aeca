"""What can go wrong with a run that waits, injected: a clear state and message each, and no trainer is started."""

import json

import pytest

from fluxtune.images.keys import original_key
from tests.makers import state_of
from tests.unit.finetunes.test_going_on import Trainer, dataset, finetune, run, studio

__all__ = ["dataset", "finetune", "studio"]


def remove_weights(base):
    (base / "transformer" / "model.safetensors").unlink()


def cut_weights_short(base):
    file = base / "vae" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])


def make_pickles(base):
    file = base / "transformer" / "model.safetensors"
    file.unlink()
    file.with_suffix(".bin").write_bytes(b"PK\x03\x04")


def hide_a_pickle(base):
    (base / "transformer" / "model.safetensors").write_bytes(b"\x80\x02}q\x00" + b"\x00" * 40)


def put_another_model_there(base):
    (base / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (remove_weights, "base-not-ready", "transformer has no weights"),
        (cut_weights_short, "base-not-ready", "is cut short"),
        (make_pickles, "base-not-ready", "pickle weights only"),
        (hide_a_pickle, "base-not-ready", "pickle"),
        (put_another_model_there, "base-unknown", "tiny"),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_the_base_is_damaged_while_the_run_waits(studio, finetune, damage, error, says):
    damage(state_of(studio).settings.paths.bases / "tiny")
    trainer = Trainer()
    shown = run(studio, finetune, trainer)
    assert (shown["state"], shown["error"]["type"]) == ("failed", f"/errors/{error}")
    assert says in shown["error"]["detail"]
    assert shown["error"]["action"]
    assert trainer.config is None


def test_storage_loses_a_training_image_while_the_run_waits(studio, dataset, finetune):
    image = studio.get(f"/api/datasets/{dataset['id']}/images").json()[2]["image"]
    key = original_key(image["sha256"], image["format"])
    blobs = state_of(studio).blobs
    content = blobs.get(key)
    blobs.delete(key)
    shown = run(studio, finetune, Trainer())
    assert (shown["state"], shown["error"]["type"]) == ("failed", "/errors/snapshot-incomplete")
    assert "Image 3 of the 6 of “Rex”" in shown["error"]["detail"]
    blobs.put(key, content)
    assert studio.post(f"/api/finetunes/{finetune['id']}/resumption").json()["state"] == "queued"
    assert run(studio, finetune, Trainer(), attempt=2)["state"] == "succeeded"


@pytest.mark.parametrize(
    ("recipe", "field"),
    [
        ({"warmup_steps": 50, "steps": 20}, "recipe.warmup_steps"),
        ({"validation_images": 6, "validate_every": 5}, "recipe.validation_images"),
        ({"method": "full", "quantization": "int8"}, "recipe.quantization"),
    ],
)
def test_a_contradiction_is_refused_before_anything_waits(studio, dataset, recipe, field):
    body = {"dataset_id": dataset["id"], "base": "tiny", "recipe": recipe}
    for path in ("/api/finetunes", "/api/finetunes/plans", "/api/finetunes/probes"):
        response = studio.post(path, json=body)
        assert response.status_code == 422, path
        assert [error["field"] for error in response.json()["errors"]] == [field]
    assert studio.get("/api/jobs").json() == []
