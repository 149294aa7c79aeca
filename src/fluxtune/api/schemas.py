"""Facts about the studio itself."""

from typing import Literal

from pydantic import BaseModel, Field

from fluxtune.core.actor import Role
from fluxtune.flags.registry import FlagName


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


class Readiness(BaseModel):
    """Whether a server can do its work; the worker does not decide that."""

    is_ready: bool
    database: Literal["ready", "behind", "not answering"]
    storage: Literal["ready", "not answering"]
    worker: Literal["ready", "none", "unknown"]


class SystemInfo(BaseModel):
    """What is ready, how much room there is, and for how many days deleted things can be restored (0: for ever)."""

    version: str
    data_dir: str
    engine: EngineStatus
    worker: WorkerStatus
    memory_total_bytes: int
    memory_available_bytes: int
    disk_free_bytes: int
    trash_keep_days: int


class Session(BaseModel):
    """Who is using the studio, what they may, and which features are on for them."""

    actor: str
    flags: list[FlagName]
    person_id: str = Field(description="`local` is the owner of a studio where nobody needs to sign in.")
    email: str = Field(description="Empty for the local owner.")
    role: Role
    permissions: list[str] = Field(description="The rules of the permission table that the actor holds.")
    is_team: bool = Field(description="Whether people sign in here.")
    needs_administrator: bool = Field(description="Whether the first administrator has to be made now.")


class SignInWays(BaseModel):
    """How one gets in."""

    is_team: bool = Field(description="By e-mail address and password; else by the address that was printed.")
    needs_administrator: bool = Field(description="Nobody has an account yet: the printed address makes the first.")


class SignIn(BaseModel):
    """The one-time token of the printed address."""

    token: str
