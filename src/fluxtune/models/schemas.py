"""The catalogue as the API shows it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from fluxtune.images.schemas import Image


class GenerationDefaults(BaseModel):
    """What a base wants when nothing else is said."""

    steps: int
    guidance: float
    width: int
    height: int
    max_width: int
    max_height: int
    max_prompt_tokens: int


class ModelVersion(BaseModel):
    """One released adapter of a finetuned model."""

    id: str
    step: int
    label: str
    byte_count: int
    sha256: str
    file_url: str
    created_at: datetime


class Model(BaseModel):
    """Weights one can generate with: a base, or a finetuned model with its versions.

    The version trained furthest comes first. `default_version_id` is used where none is named: the one that was
    chosen for that, else the first; null for a base.
    """

    id: str
    name: str
    kind: Literal["base", "finetuned"]
    base: str
    mode: str | None
    trigger_word: str
    notes: str
    licence: str
    description: str
    cover: Image | None
    prompts: list[str]
    versions: list[ModelVersion]
    default_version_id: str | None
    defaults: GenerationDefaults
    is_ready: bool
    missing: str | None
    finetune_id: str | None
    dataset_id: str | None
    image_count: int
    created_at: datetime
    deleted_at: datetime | None


class BaseMemory(BaseModel):
    """What a base needs of a GPU's memory at 1024 px, in bytes: comfortably, and at the least with everything saved.

    Of a small base, which can't draw that large: at its own usual size, at most and at the least.
    """

    train_bytes: int
    train_least_bytes: int
    generate_bytes: int
    generate_least_bytes: int


class BaseEntry(BaseModel):
    """One base: one that is here, or a published model that could be.

    `command` downloads it; `how_to_get` says that as a sentence, with what a gated model asks first. `missing` says
    what is lacking. `is_free_commercially` and `is_gated` are null where nobody has said.
    """

    name: str
    title: str
    description: str
    licence: str
    is_free_commercially: bool | None
    is_gated: bool | None
    size_bytes: int
    memory: BaseMemory
    is_ready: bool
    missing: str | None
    command: str | None
    how_to_get: str | None
    url: str | None
    source: Literal["bundled", "folder", "file", "cache", "absent"]
    training: Literal["yes", "discouraged", "no"]
    training_note: str | None
    train_on: str | None
    is_default: bool


class ModelUpdate(BaseModel):
    """What a user may change; absent means unchanged. A null `default_version_id` means: the one trained furthest."""

    name: str | None = Field(None, min_length=1, max_length=120)
    notes: str | None = Field(None, max_length=10_000)
    trigger_word: str | None = Field(None, max_length=60)
    default_version_id: str | None = Field(None, max_length=64)
