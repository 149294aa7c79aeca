"""Jobs as the API shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel

from fluxtune.core.errors import Problem
from fluxtune.sharing.schemas import Audience, Kind

JobState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
JobKind = Literal["finetune", "generation", "health", "probe", "captions", "backup", "cleaning"]
THINGS: Mapping[JobKind, Kind] = {
    "finetune": "finetune",
    "generation": "generation",
    "health": "finetune",
    "probe": "finetune",
    "captions": "dataset",
}
"""What the target of a job is: who may see that may see the job, and who may change it may steer the job."""
JobLane = Literal["device", "network"]
"""What a job needs: the device, which one job holds at a time, or only the network, where many work side by side."""
ROOM: Mapping[JobLane, int] = {"device": 1, "network": 32}
"""How many jobs of a lane a worker runs at once. What waits for a server takes a thread or two, and no device."""
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
    lane: JobLane
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


@dataclass(frozen=True)
class HeardEvent:
    """An event, and who may hear of it; None: it has not been asked for, because all who listen may hear everything."""

    event: JobEvent
    audience: Audience | None

    @cached_property
    def frame(self) -> bytes:
        """The event as it goes to everybody who listens: written out once."""
        return f"event: {self.event.type}\ndata: {self.event.model_dump_json()}\nid: {self.event.id}\n\n".encode()


class JobMove(BaseModel):
    """Before which waiting job of its lane another one shall run; null: after all of them."""

    before: str | None
