"""Facts about the studio itself."""

from typing import Literal

from pydantic import BaseModel


class Missing(BaseModel):
    """A part that is missing and the command that adds it."""

    name: str
    reason: str
    command: str


class EngineStatus(BaseModel):
    """Can this computer train and generate?"""

    is_ready: bool
    device: str
    device_name: str
    missing: list[Missing]


class WorkerStatus(BaseModel):
    """The process that runs jobs."""

    state: Literal["starting", "ready", "lost"]
    device_holder: str | None


class SystemInfo(BaseModel):
    """What is ready, how much room there is, and for how many days deleted things can be restored (0: for ever)."""

class Readiness(BaseModel):
    """Whether a server can do its work; the worker does not decide that."""

    is_ready: bool
    database: Literal["ready", "behind", "not answering"]
    storage: Literal["ready", "not answering"]
    worker: Literal["ready", "none", "unknown"]


    version: str
    data_dir: str
    engine: EngineStatus
    worker: WorkerStatus
    memory_total_bytes: int
    memory_available_bytes: int
    disk_free_bytes: int
    trash_keep_days: int


class Session(BaseModel):
    """Who is using the studio."""

    actor: str


class SignIn(BaseModel):
    """The one-time token of the printed address."""

    token: str
