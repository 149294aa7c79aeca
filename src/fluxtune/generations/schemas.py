"""Generations as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from fluxtune.backends.bfl.prices import Confidence
from fluxtune.core.errors import Problem
from fluxtune.core.parameters import parameter
from fluxtune.images.schemas import GalleryImage
from fluxtune.jobs.schemas import JobState


class GenerationCreate(BaseModel):
    """One request to make images. Empty means: what the model's base wants."""

    model_id: str = Field(title="Model", description="A model's id, a base's name, or a hosted model's id.")
    version_id: str | None = None
    prompt: str = Field(min_length=1, max_length=8_000, title="Prompt")
    finetune_strength: float = parameter(
        1.0,
        "Strength",
        "How strongly the finetuned model acts: 0 is the untouched base, 1 as trained.",
        level="basic",
        group="Model",
        ge=0,
        le=2,
    )
    count: int = parameter(
        4, "Images", "How many to make; 4 if nothing is said.", level="basic", group="Images", ge=1, le=32
    )
    seed: int | None = parameter(
        None,
        "Seed",
        "The same seed gives the same image; empty takes a new one. Further images count up from it.",
        level="more",
        group="Images",
        ge=0,
        le=2**32 - 1,
    )
    width: int | None = parameter(
        None, "Width", "Multiple of 16.", level="basic", group="Images", unit="px", ge=64, le=2048, multiple_of=16
    )
    height: int | None = parameter(
        None, "Height", "Multiple of 16.", level="basic", group="Images", unit="px", ge=64, le=2048, multiple_of=16
    )
    steps: int | None = parameter(
        None, "Steps", "How often each image is refined.", level="more", group="Quality", unit="steps", ge=1, le=150
    )
    guidance: float | None = parameter(
        None, "Guidance", "How closely the prompt is followed.", level="more", group="Quality", ge=1, le=20
    )
    parameters: dict[str, Any] = Field(
        {},
        max_length=40,
        title="Parameters",
        description="Further parameters of a hosted model, by BFL's names; images by the ids they have here.",
    )
    key_name: str | None = Field(
        None, max_length=60, title="Key", description="Which key pays for a hosted model; empty: the first."
    )


class GenerationEstimate(BaseModel):
    """What a hosted generation will cost, in credits (US cents), how sure that is, and whether a budget gets tight."""

    credits: float
    credits_each: float
    confidence: Confidence
    source: str
    warnings: list[str]


class GenerationCost(BaseModel):
    """What a hosted generation costs, in credits; `owed` are images that may have been paid and did not come."""

    estimate: float
    cost: float
    owed: list[int]


class GenerationRetry(BaseModel):
    """Fetch what is owed; `send_again` pays once more for images that did not come."""

    send_again: bool = False


class GenerationSlot(BaseModel):
    """One image of a generation: waiting (`result` is null), or finished."""

    index: int
    seed: int
    step: int
    result: GalleryImage | None


class Generation(BaseModel):
    """One request and its images. `cost` and `parameters` are those of a hosted model; it has no steps of its own."""

    id: str
    job_id: str
    state: JobState
    phase: str
    waiting_for: str | None
    prompt: str
    model_id: str
    model_name: str
    version_id: str | None
    base: str
    finetune_strength: float
    width: int
    height: int
    steps: int
    guidance: float
    slots: list[GenerationSlot]
    cost: GenerationCost | None
    parameters: dict[str, Any]
    error: Problem | None
    created_at: datetime
    finished_at: datetime | None
