"""Things a test needs to be there already, made by the services that make them in real life."""

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from fluxtune.core.ids import new_id
from fluxtune.images.gallery import GalleryService
from fluxtune.images.schemas import GenerationFacts
from fluxtune.images.service import ImageService, store_content
from fluxtune.jobs.runner import JobRunner
from fluxtune.jobs.tables import JobRow
from fluxtune.jobs.tasks import Task
from fluxtune.models.schemas import Model
from fluxtune.models.service import ModelService, NewModel, store_adapter
from fluxtune.storage import Blobs
from tests.zoo import picture


def state_of(client: TestClient) -> Any:
    """Return the parts of the studio behind a client."""
    return client.app.state  # type: ignore[attr-defined]


def add_gallery_image(session: Session, blobs: Blobs, seed: int = 0, **facts: Any) -> str:
    """Add a generated image to the gallery and return its id."""
    values: dict[str, Any] = {
        "generation_id": new_id(), "prompt": "a zubo", "seed": seed, "model_id": "tiny", "model_name": "Tiny",
        "version_id": None, "base": "tiny", "finetune_strength": 1.0, "width": 160, "height": 140, "steps": 8,
        "guidance": 2.5,
    }  # fmt: skip
    image = ImageService(session, blobs).create_image(store_content(blobs, picture(seed)), "generated")
    GalleryService(session).add_image(image, GenerationFacts.model_validate(values | facts))
    return image.id


def fill_gallery(client: TestClient, *facts: dict[str, Any]) -> list[str]:
    """Add gallery images, oldest first, and return their ids."""
    state = state_of(client)
    with state.database.transaction() as session:
        return [add_gallery_image(session, state.blobs, seed, **values) for seed, values in enumerate(facts)]


def add_model(client: TestClient, folder: Path, **facts: Any) -> Model:
    """Add a finetuned model whose adapter is a few bytes."""
    state = state_of(client)
    adapter = folder / "adapter.safetensors"
    adapter.write_bytes(b"weights of an adapter")
    values: dict[str, Any] = {
        "finetune_id": new_id(), "dataset_id": new_id(), "name": "Rex", "base": "tiny", "mode": "character",
        "trigger_word": "rexo", "prompts": ["a rexo"], "description": "", "cover_image_id": None, "step": 100,
    }  # fmt: skip
    stored = store_adapter(state.settings.paths, adapter)
    with state.database.transaction() as session:
        return ModelService(session, state.blobs, state.settings).create_model(NewModel(**(values | facts)), stored)


def add_dataset(client: TestClient, count: int = 6, **facts: Any) -> dict[str, Any]:
    """Add a dataset of some captioned images over the API."""
    values = {"name": "Rex", "mode": "character", "trigger_word": "rexo"} | facts
    dataset = client.post("/api/datasets", json=values).json()
    files = [(f"{number}.png", picture(number)) for number in range(count)]
    files += [(f"{number}.txt", f"a rexo number {number}".encode()) for number in range(count)]
    if files:
        response = client.post(f"/api/datasets/{dataset['id']}/images", files=[("files", file) for file in files])
        assert response.status_code == 200, response.text
    shown: dict[str, Any] = client.get(f"/api/datasets/{dataset['id']}").json()
    return shown


def set_job(client: TestClient, job_id: str, **values: Any) -> None:
    """Bring a job into a state, as its worker would."""
    with state_of(client).database.transaction() as session:
        row = session.get(JobRow, job_id)
        assert row is not None
        for name, value in values.items():
            setattr(row, name, value)


def run_job(client: TestClient, task: Task, job_id: str, attempt: int = 1) -> None:
    """Run a job's task to its end in this process, the way a worker does."""
    runner = JobRunner(state_of(client).database, [task], lambda: False)
    end: dict[str, Any] = {}
    for name in runner.begin(job_id, attempt):
        end = runner.run_step(job_id, name)
        if end["state"] != "done":
            break
    runner.finish(job_id, attempt, end)
