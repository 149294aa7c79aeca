"""Stored images and the gallery as the API shows them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

Origin = Literal["uploaded", "generated", "sample", "edited"]


class Image(BaseModel):
    """One stored image. `placeholder` is a tiny blurred data URI shown until the file arrives."""

    id: str
    origin: Origin
    width: int
    height: int
    byte_count: int
    format: str
    sha256: str
    placeholder: str
    url: str
    thumbnail_url: str
    created_at: datetime


class GenerationFacts(BaseModel):
    """All that is needed to make an image again."""

    generation_id: str
    prompt: str
    seed: int
    model_id: str
    model_name: str
    version_id: str | None
    base: str
    finetune_strength: float
    width: int
    height: int
    steps: int
    guidance: float


class GalleryImage(BaseModel):
    """One image of the gallery with its recipe."""

    image: Image
    is_favourite: bool
    facts: GenerationFacts


class GalleryRecordsRequest(BaseModel):
    """Ids of the visible window."""

    ids: list[str] = Field(max_length=200)


class GalleryImageUpdate(BaseModel):
    """What a user may change on a gallery image."""

    is_favourite: bool
