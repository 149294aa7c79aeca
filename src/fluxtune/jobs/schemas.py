"""Jobs as the API shows them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from fluxtune.core.errors import Problem

JobState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
JobKind = Literal["finetune", "generation", "health", "probe"]
PauseReason = Literal["user", "disk-full", "shutdown"]
BACKGROUND_KINDS: tuple[JobKind, ...] = ("health",)
"""Work that nobody waits for: it gives way to other jobs."""
JobEventType = Literal[
    "job.queued",
    "job.started",
    "job.phase",
    "job.progressed",
    "job.sampled",
    "job.checkpointed",
    "job.resumed",
    "job.validated",
    "job.healed",
    "job.image_finished",
    "job.logged",
    "job.paused",
    "job.succeeded",
    "job.failed",
    "job.cancelled",
]


class Job(BaseModel):
    """A durable unit of background work. `running` means: has an owner and a fresh heartbeat."""

    id: str
    kind: JobKind
    title: str
    target_id: str
    state: JobState
    phase: str
    step: int
    steps: int
    eta_s: float | None
    waiting_for: str | None
    error: Problem | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None


class JobEvent(BaseModel):
    """Something that happened to a job: numbered, never changed. `data` depends on the type."""

    id: int
    job_id: str
    kind: JobKind
    target_id: str
    type: JobEventType
    at: datetime
    data: dict[str, Any]


class JobMove(BaseModel):
    """Before which waiting job another one shall run; null: after all of them."""

    before: str | None
