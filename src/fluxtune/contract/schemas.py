"""What BFL's endpoints answer."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from fluxtune.core.errors import Problem

Status = Literal["Task not found", "Pending", "Request Moderated", "Content Moderated", "Ready", "Error"]


class Submitted(BaseModel):
    """An accepted task; `status` and `webhook_url` where a webhook was given."""

    id: str
    polling_url: str
    status: Status | None = None
    webhook_url: str | None = None
    cost: float | None = Field(None, description="Always 0: nothing is billed here.")
    input_mp: float | None = None
    output_mp: float | None = Field(None, description="Megapixels that will be drawn.")


class FinetuneSubmitted(Submitted):
    """An accepted finetune; both ids are the same."""

    finetune_id: str


class ResultResponse(BaseModel):
    """How far a task is. Only these statuses are ever sent; moderation never happens here."""

    id: str
    status: Status
    result: dict[str, Any] | None = None
    progress: float | None = Field(None, ge=0, le=1)
    details: dict[str, Any] | None = None
    preview: dict[str, Any] | None = None
    cost: float | None = None


class FinetuneDetailResponse(BaseModel):
    """What is known of a finetune."""

    finetune_details: dict[str, Any]


class MyFinetunesResponse(BaseModel):
    """Ids of finetunes, newest first."""

    finetunes: list[str]


class DeleteFinetuneResponse(BaseModel):
    """What was deleted."""

    status: str
    message: str
    deleted_finetune_id: str
    timestamp: str


class CreditsResponse(BaseModel):
    """What is left to spend."""

    credits: float


class ExtensionsResponse(BaseModel):
    """What this server does beyond BFL's API."""

    name: str = Field(description="Always `fluxtune`.")
    version: str
    extensions: list[str]
    bases: list[str] = Field(description="Bases that are ready.")
    described_bases: list[dict[str, Any]] = Field(description="What is known of each of them.")
    usual_base: str = Field(description="The base of finetunes that name none.")
    max_body_bytes: int = Field(description="The largest POST /v1/finetune.")


class LossReading(BaseModel):
    """One measured step."""

    step: int
    loss: float
    learning_rate: float
    grad_norm: float
    seconds_per_step: float
    memory_bytes: int | None = None
    device_load: float | None = None


class SampleReading(BaseModel):
    """One sample image: prompt `row` at `step` (0 is the untouched base), and a link to it that works for a while."""

    step: int
    row: int
    prompt: str
    sample: str


class AdapterFacts(BaseModel):
    """The adapter a finetune made."""

    step: int
    byte_count: int
    sha256: str


class ProgressResponse(BaseModel):
    """How far a finetune is. `loss` holds at most a thousand steps, evenly taken from those after the one asked for."""

    id: str
    state: str = Field(description="queued, running, paused, succeeded, failed or cancelled.")
    phase: str
    step: int
    steps: int
    eta_s: float | None
    waiting_for: str | None
    base: str
    loss: list[LossReading]
    samples: list[SampleReading]
    error: Problem | None
    adapter: AdapterFacts | None


class CancelInputs(BaseModel):
    """Which task to end."""

    id: str


class CancelResponse(BaseModel):
    """A task that is ending, or has ended."""

    id: str
    status: Literal["success"] = "success"


class FieldError(BaseModel):
    """One field that can't be used."""

    loc: list[str | int]
    msg: str
    type: str


class ValidationFailed(BaseModel):
    """Answer 422."""

    detail: list[FieldError]


class Refused(BaseModel):
    """Every other answer that is an error."""

    detail: str
