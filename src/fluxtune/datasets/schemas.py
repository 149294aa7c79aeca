"""Datasets as the API shows them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from fluxtune.engine.config import Mode
from fluxtune.images.schemas import Image

CaptionAuthor = Literal["none", "person", "file", "sample"]
Severity = Literal["error", "warning", "hint"]
FindingKind = Literal[
    "empty", "too_few", "too_small", "duplicate", "caption_missing", "caption_identical", "trigger_missing", "odd_shape"
]


class Finding(BaseModel):
    """One thing the dataset check found; `fix` names a one-click fix the server offers, if any."""

    kind: FindingKind
    severity: Severity
    sentence: str
    action: str
    fix: Literal["remove_duplicates", "remove_small"] | None
    dataset_image_ids: list[str]


class DatasetCheck(BaseModel):
    """The check of a dataset as it is now."""

    findings: list[Finding]
    image_count: int
    captioned_count: int
    is_trainable: bool


class DatasetImage(BaseModel):
    """An image in one dataset with its caption."""

    id: str
    position: int
    name: str
    caption: str
    caption_by: CaptionAuthor
    problems: list[FindingKind]
    image: Image


class Dataset(BaseModel):
    """A named, ordered set of images with captions."""

    id: str
    name: str
    mode: Mode
    trigger_word: str
    notes: str
    sample: str | None
    image_count: int
    captioned_count: int
    covers: list[Image]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class DatasetCreate(BaseModel):
    """A new dataset; with `sample` it is filled with that sample concept's images and captions."""

    name: str | None = Field(None, min_length=1, max_length=120)
    mode: Mode = "general"
    trigger_word: str = Field("", max_length=60)
    sample: str | None = None


class DatasetUpdate(BaseModel):
    """What a user may change on a dataset; absent means unchanged."""

    name: str | None = Field(None, min_length=1, max_length=120)
    mode: Mode | None = None
    trigger_word: str | None = Field(None, max_length=60)
    notes: str | None = Field(None, max_length=10_000)


class DatasetImageUpdate(BaseModel):
    """A caption as the user typed it."""

    caption: str = Field(max_length=4_000)


class RefusedFile(BaseModel):
    """A file that could not be taken: its name, why, and what to do."""

    name: str
    reason: str
    action: str


class UploadReport(BaseModel):
    """What became of an upload. `notes` are sentences about what was done otherwise than one might expect."""

    added: list[DatasetImage]
    captioned_count: int
    duplicates: list[str]
    refused: list[RefusedFile]
    notes: list[str]
    image_count: int


class FixRequest(BaseModel):
    """Apply the one-click fix of a finding."""

    fix: Literal["remove_duplicates", "remove_small"]


class SampleConcept(BaseModel):
    """A bundled sample concept."""

    name: str
    title: str
    mode: Mode
    trigger_word: str
    description: str
    prompts: list[str]
    image_count: int
    cover_url: str
