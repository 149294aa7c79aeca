"""A LoRA file becomes a model, and an image is drawn with it: one look says more than its metadata."""

from typing import BinaryIO

import structlog

from fluxtune.core.errors import FluxtuneError
from fluxtune.deployments.schemas import ImportedModel
from fluxtune.deployments.service import Deployments
from fluxtune.generations.schemas import GenerationCreate
from fluxtune.generations.service import GenerationService
from fluxtune.models.importing import Wish, import_model
from fluxtune.models.schemas import Model

log = structlog.get_logger(__name__)


def import_with_preview(
    studio: Deployments, filename: str, content: BinaryIO, wish: Wish, preview: bool
) -> ImportedModel:
    """Add a model from a file; queue an image of it where its base and the engine are here."""
    model = import_model(studio.database, studio.blobs, studio.settings, filename, content, wish)
    job_id = _preview(studio, model) if preview and model.is_ready else None
    return ImportedModel(**model.model_dump(), preview_job_id=job_id)


def _preview(studio: Deployments, model: Model) -> str | None:
    """Queue the image. A model without one is a model all the same, so nothing is raised."""
    prompt = model.prompts[0] if model.prompts else model.name
    try:
        with studio.database.transaction() as session:
            generations = GenerationService(session, studio.blobs, studio.settings)
            return generations.create_generation(GenerationCreate(model_id=model.id, prompt=prompt, count=1)).job_id
    except FluxtuneError as error:
        log.info("no preview of an imported model", model=model.id, because=str(error))
        return None
