"""What a command's exit code means. Scripts may rely on these; `docs/reference/cli.md` lists them."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fluxtune.core.errors import Problem

OK: Final = 0
FAILED: Final = 1
INVALID: Final = 2
NOT_READY: Final = 3
NOT_FOUND: Final = 4
CONFLICT: Final = 5
CANCELLED: Final = 6
PAUSED: Final = 7
UNHEALTHY: Final = 8
OUT_OF_MEMORY: Final = 10
DISK_FULL: Final = 11
UNSTABLE: Final = 12
CRASHED: Final = 13
INTERRUPTED: Final = 130

MEANINGS: Final = {
    OK: "It worked.",
    FAILED: "It failed: a run or generation ended badly for another reason than those below, or something unforeseen.",
    INVALID: "The command or what it was given is not acceptable; nothing was changed.",
    NOT_READY: "A part is missing: the engine, a base, or the studio. The message says how to add it.",
    NOT_FOUND: "There is no such dataset, finetune, model or file.",
    CONFLICT: "The thing is in a state that does not allow this.",
    CANCELLED: "What was followed was cancelled.",
    PAUSED: "What was followed was paused by somebody; it has not ended.",
    UNHEALTHY: "The model was measured and found under- or overtrained.",
    OUT_OF_MEMORY: "The run or generation ran out of memory, and nothing it could change by itself helped.",
    DISK_FULL: "The disk is full; a run is paused and goes on when it is resumed.",
    UNSTABLE: "The training became unstable, and halving the learning rate did not help.",
    CRASHED: "The engine stopped several times without getting further, or lost its GPU.",
    INTERRUPTED: "Interrupted with Ctrl-C.",
}

_OF_STATUS = {404: NOT_FOUND, 409: CONFLICT, 413: INVALID, 422: INVALID, 400: INVALID, 503: NOT_READY}

_OF_ERROR = {
    "/errors/out-of-memory": OUT_OF_MEMORY,
    "/errors/disk-full": DISK_FULL,
    "/errors/loss-not-finite": UNSTABLE,
    "/errors/engine-crashed": CRASHED,
    "/errors/device-lost": CRASHED,
}


def code_of_end(state: str, error: "Problem | None" = None, reason: str | None = None) -> int:
    """Return the exit code of a job that was followed: its state, its error, and why it was paused."""
    if state == "paused":
        return DISK_FULL if reason == "disk-full" else PAUSED
    if state == "failed" and error is not None:
        return _OF_ERROR.get(error.type, FAILED)
    return {"succeeded": OK, "cancelled": CANCELLED}.get(state, FAILED)


def code_of(status: int) -> int:
    """Return the exit code of an error with this HTTP status."""
    return _OF_STATUS.get(status, FAILED)
