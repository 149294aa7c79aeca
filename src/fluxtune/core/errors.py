"""Errors a user can act on.

FluxtuneError                    what happened, why, what to do now
├── InvalidInput         422     something given is not acceptable
│   └── FileRefused      422     one file of an upload, named
├── NotFound             404
├── Conflict             409     the thing is in a state that does not allow this
├── NotAllowed           403
├── TooLarge             413
├── NotReady             503     a part is missing (engine, base weights); says how to add it
└── JobFailed            500     a job ended badly; carried in the job's record
    ├── OutOfMemory
    ├── LossNotFinite
    ├── DiskFull
    ├── DeviceLost
    └── EngineCrashed

Domain packages subclass these and name the fact (`DatasetEmpty`).
"""

import re
from typing import Any, ClassVar

from pydantic import BaseModel


class FieldProblem(BaseModel):
    """One bad field of an input."""

    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details, extended with `action` (what to do now)."""

    type: str
    title: str
    status: int
    detail: str
    action: str
    errors: list[FieldProblem]
    technical: str | None


class FluxtuneError(Exception):
    """Base of every error shown to a user.

    `title` says what happened, `detail` why (in the user's terms), `action` what to do now.
    """

    status: ClassVar[int] = 500
    title: str = "Something went wrong"
    action: str = "Try again; if it happens again, look at the log."

    def __init__(
        self,
        detail: str = "",
        *,
        title: str | None = None,
        action: str | None = None,
        field: str | None = None,
        technical: str | None = None,
    ) -> None:
        self.title = title or type(self).title
        self.action = action or type(self).action
        self.detail = detail
        self.field = field
        self.technical = technical
        super().__init__(f"{self.title}: {detail}" if detail else self.title)

    @property
    def slug(self) -> str:
        """The error's name in kebab case, the tail of its problem type."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    def problem(self) -> Problem:
        """Return the error as problem details."""
        errors = [FieldProblem(field=self.field, message=self.detail)] if self.field else []
        return Problem(
            type=f"/errors/{self.slug}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            action=self.action,
            errors=errors,
            technical=self.technical,
        )

    def as_record(self) -> dict[str, Any]:
        """Return the problem as plain JSON values, for storing with a job."""
        return self.problem().model_dump(mode="json")


class InvalidInput(FluxtuneError):
    """Something the user gave is not acceptable."""

    status = 422
    title = "That input can't be used"
    action = "Correct it and try again."


class FileRefused(InvalidInput):
    """One file of an upload can't be used; the rest goes on."""

    title = "This file can't be used"


class NotFound(FluxtuneError):
    """The thing does not exist, or no longer."""

    status = 404
    title = "Not found"
    action = "Check the address, or look for it in the list."


class Conflict(FluxtuneError):
    """The thing is in a state that does not allow this."""

    status = 409
    title = "That can't be done now"


class NotAllowed(FluxtuneError):
    """The actor may not do this."""

    status = 403
    title = "Not allowed"
    action = "Open the address printed by `fluxtune serve`, which signs you in."


class TooLarge(FluxtuneError):
    """The request body or a file is larger than allowed."""

    status = 413
    title = "Too large"


class NotReady(FluxtuneError):
    """A part that is needed is missing; `action` says how to add it."""

    status = 503
    title = "Not ready yet"


class JobFailed(FluxtuneError):
    """A job ended badly."""

    title = "The job failed"


class OutOfMemory(JobFailed):
    """The device or computer ran out of memory."""

    title = "Out of memory"
    action = "Choose a smaller resolution or batch size, or close other programs, and start again."


class LossNotFinite(JobFailed):
    """The loss became NaN or infinite."""

    title = "The training became unstable"
    action = "Lower the learning rate and start again; checkpoints made before are kept."


class DiskFull(JobFailed):
    """No room left where the data lives."""

    title = "The disk is full"
    action = "Free some room, then resume the run; it goes on from its last checkpoint."


class DeviceLost(JobFailed):
    """The GPU or its driver failed or went away, and the process that used it can't use it any more."""

    title = "The GPU was lost"
    action = (
        "Look whether `nvidia-smi` still lists it; restart the computer if it does not. Then resume the run: it goes "
        "on from its last checkpoint."
    )


class EngineCrashed(JobFailed):
    """The engine's process ended without saying why."""

    title = "The engine stopped unexpectedly"
    action = "Resume the run; it goes on from its last checkpoint. The log has the technical detail."
