"""Captioners and what they are asked, as the API shows them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from fluxtune.datasets.caption_history.schemas import CaptionStep
from fluxtune.engine.config import Mode
from fluxtune.jobs.schemas import Job

CaptionerKind = Literal["pocket", "endpoint", "model"]
CaptionScope = Literal["empty", "auto", "all"]
"""Which captions are written: only missing ones, also those a captioner wrote, or all, typed ones too."""


class Captioner(BaseModel):
    """Something that writes captions. `id` is what a job names it by; `source` is noted beside what it writes.

    `sends_images`: images leave this computer. Where it is not ready, `reason` and `action` say why and what to do.
    """

    id: str
    kind: CaptionerKind
    name: str
    what: str
    source: str
    sends_images: bool
    takes_prompt: bool
    is_ready: bool
    reason: str
    action: str


class CaptionEndpointCreate(BaseModel):
    """An OpenAI-compatible server that describes images, such as Ollama, LM Studio, vLLM or a hosted one."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[^/]*[^/\s][^/]*$")
    url: str = Field(min_length=8, max_length=500, description="As in http://localhost:11434/v1.")
    model: str = Field(min_length=1, max_length=200)
    key: str = Field("", max_length=500, description="Kept encrypted; local servers mostly need none.")


class CaptionEndpoint(BaseModel):
    """A server that describes images; its key is never shown."""

    id: str
    name: str
    url: str
    model: str
    has_key: bool
    created_at: datetime


class CaptionPrompt(BaseModel):
    """What captioners are asked for datasets of a mode; `[trigger]` stands for the trigger word."""

    mode: Mode
    text: str
    usual: str


class CaptionPromptUpdate(BaseModel):
    """Another prompt; empty: the usual one."""

    text: str = Field(max_length=4_000)


class CaptionSelection(BaseModel):
    """Which images are meant; absent: all of the dataset."""

    dataset_image_ids: list[str] | None = Field(None, max_length=100_000)


class CaptionCounts(BaseModel):
    """Who wrote the captions of the chosen images, and so how many each scope would write."""

    image_count: int
    empty_count: int
    auto_count: int
    imported_count: int
    typed_count: int


class CaptionJobCreate(CaptionSelection):
    """Captions to write. `prompt` takes the place of the mode's own; `model` names a folder or downloaded model."""

    captioner: str = Field(min_length=1, max_length=100)
    scope: CaptionScope = "empty"
    prompt: str | None = Field(None, max_length=4_000)
    model: str | None = Field(None, max_length=500)
    insert_trigger: bool = Field(True, description="Put the trigger word in front where the caption lacks it.")


class CaptionRun(BaseModel):
    """A captioner at work, or that was; `step` is its entry in the history, with notes on images it could not do."""

    job: Job
    step: CaptionStep
