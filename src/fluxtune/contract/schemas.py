"""What BFL's endpoints answer."""

from typing import Any, Literal

from pydantic import BaseModel, Field

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

    name: str
    version: str
    extensions: list[str]
    bases: list[str]
    usual_base: str


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
