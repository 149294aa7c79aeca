"""Things a test needs to be there already, made by the services that make them in real life."""

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from fluxtune.core.ids import new_id
from fluxtune.images.gallery import GalleryService
from fluxtune.images.schemas import GenerationFacts
from fluxtune.images.service import ImageService, store_content
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
