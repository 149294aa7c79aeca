"""Finetunes as the API shows them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from fluxtune.core.errors import Problem
from fluxtune.engine.config import Mode, Recipe
from fluxtune.images.schemas import Image
from fluxtune.jobs.schemas import JobState

Quality = Literal["draft", "balanced", "best"]


class FinetuneCreate(BaseModel):
    """The three choices (what, where, how good), and any recipe settings that differ from theirs."""

    name: str | None = Field(None, min_length=1, max_length=120)
    dataset_id: str
    base: str = "pocket"
    mode: Mode | None = None
    quality: Quality = "balanced"
    trigger_word: str | None = Field(None, max_length=60)
    recipe: dict[str, Any] = Field(default_factory=dict)


class Range(BaseModel):
    """An honest estimate."""

    low: float
    high: float


class FinetunePlan(BaseModel):
    """What a finetune would do and cost, before it starts."""

    recipe: Recipe
    changed: list[str]
    image_count: int
    epochs: float
    seconds: Range
    memory_bytes: Range
    disk_bytes: int
    fits: bool
    warnings: list[str]
    waits_behind: int


class Finetune(BaseModel):
    """What the user asked for, and how far it is."""

    id: str
    job_id: str
    name: str
    state: JobState
    phase: str
    step: int
    steps: int
    eta_s: float | None
    seconds_per_step: float | None
    loss: float | None
    peak_memory_bytes: int | None
    waiting_for: str | None
    dataset_id: str
    dataset_name: str
    snapshot_hash: str
    image_count: int
    base: str
    mode: Mode
    quality: Quality
    trigger_word: str
    recipe: Recipe
    model_id: str | None
    cover: Image | None
    error: Problem | None
    is_stopping: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    deleted_at: datetime | None


class LossPoint(BaseModel):
    """One measured step."""

    step: int
    loss: float
    smoothed: float
    learning_rate: float
    grad_norm: float
    seconds_per_step: float


class SampleCell(BaseModel):
    """One sample image: prompt `row` at `step` (0 is the untouched base)."""

    row: int
    step: int
    image: Image


class SampleSheet(BaseModel):
    """Prompts × steps, growing while the run trains."""

    prompts: list[str]
    steps: list[int]
    cells: list[SampleCell]


class Checkpoint(BaseModel):
    """A saved state of the run."""

    step: int
    byte_count: int
    file_url: str
    created_at: datetime


class LogLine(BaseModel):
    """One line of the run's log."""

    at: datetime
    level: str
    message: str
