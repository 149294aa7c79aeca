"""Finetunes as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from fluxtune.core.errors import Problem
from fluxtune.engine.config import Mode, Recipe
from fluxtune.engine.recipes import Quality
from fluxtune.images.schemas import Image
from fluxtune.jobs.schemas import JobState, PauseReason
from fluxtune.webhooks.schemas import Delivery


class FinetuneCreate(BaseModel):
    """The three choices (what, where, how good), and any recipe settings that differ from theirs.

    A template goes before what the choices imply; whatever is given here goes before the template.
    """

    name: str | None = Field(None, min_length=1, max_length=120)
    dataset_id: str
    base: str = "pocket"
    mode: Mode | None = None
    quality: Quality = "balanced"
    trigger_word: str | None = Field(None, max_length=60)
    recipe: dict[str, Any] = Field(default_factory=dict)
    template_id: str | None = Field(None, max_length=64)
    server_id: str | None = Field(
        None, max_length=60, description="The server to train at, by its id or name; empty: this computer."
    )
    webhook_url: str | None = Field(None, max_length=2_000, description="Where to POST how the run has ended.")
    webhook_secret: SecretStr | None = Field(
        None, min_length=8, max_length=200, description="Signs what is sent there; kept encrypted, never shown again."
    )


class FinetuneExtension(BaseModel):
    """How many steps a finished run goes on for."""

    steps: int = Field(ge=1, le=20_000)


class FinetuneRestart(BaseModel):
    """From which checkpoint a new finetune goes on, and what it does differently."""

    step: int = Field(ge=1)
    name: str | None = Field(None, min_length=1, max_length=120)
    recipe: dict[str, Any] = Field(default_factory=dict)


class Range(BaseModel):
    """An honest estimate."""

    low: float
    high: float


class Suggestion(BaseModel):
    """One way to make a finetune fit: settings to take over with one click."""

    title: str
    detail: str
    recipe: dict[str, Any]


class Probe(BaseModel):
    """A few real steps of a recipe on this machine, and what they took."""

    id: str
    job_id: str
    state: JobState
    waiting_for: str | None
    base: str
    device: str | None
    steps: int
    seconds_per_step: float | None
    seconds_per_step_spread: float | None
    memory_bytes: int | None
    device_memory_bytes: int | None
    disk_bytes: int | None
    load_seconds: float | None
    seconds_per_sample: float | None
    error: Problem | None
    created_at: datetime
    finished_at: datetime | None


class FinetunePlan(BaseModel):
    """What a finetune would do and cost, before it starts.

    `reasons` says of each setting why it has its value and where that comes from; `probe` is the newest measurement
    of a recipe with the same load on this machine, which the ranges then come from. With `server`, the name of the
    server it will train at, all ranges are 0: nobody here knows what it takes there.
    """

    recipe: Recipe
    changed: list[str]
    reasons: dict[str, str]
    image_count: int
    epochs: float
    seconds: Range
    memory_bytes: Range
    disk_bytes: int
    fits: bool
    warnings: list[str]
    suggestions: list[Suggestion]
    probe: Probe | None
    waits_behind: int
    server: str | None


class Healing(BaseModel):
    """A trouble the run overcame by itself: `changes` is setting → [before, after]."""

    step: int
    trouble: str
    message: str
    changes: dict[str, list[Any]]
    goes_on_from: int
    at: datetime


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
    memory_bytes: int | None
    peak_memory_bytes: int | None
    device_load: float | None
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
    server_id: str | None = Field(description="The server it trains at; null: this computer.")
    server_name: str | None
    remote_id: str | None = Field(description="Its id there, once it was sent.")
    elsewhere_model_id: str | None = Field(description="What one draws with there.")
    cover: Image | None
    error: Problem | None
    is_stopping: bool
    paused_because: PauseReason | None
    is_loaded: bool = Field(description="The run is paused, and its trainer waits with the model in memory.")
    parent_id: str | None
    parent_step: int | None
    healings: list[Healing]
    webhook_url: str | None
    webhook: Delivery | None
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
    memory_bytes: int | None
    device_load: float | None


class ValidationPoint(BaseModel):
    """The validation loss at one step; `base_loss` is that of the untouched base on the same noise."""

    step: int
    loss: float
    base_loss: float | None
    by_sigma: dict[str, float]
    on: str
    image_count: int


class ImageLoss(BaseModel):
    """How hard one training image is: its mean loss, and how that went. `image` is null if it was removed for good."""

    index: int
    image: Image | None
    caption: str
    loss: float
    count: int
    steps: list[int]
    losses: list[float]


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
