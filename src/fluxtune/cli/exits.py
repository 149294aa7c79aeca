"""What a command's exit code means. Scripts may rely on these; `docs/reference/cli.md` lists them."""

from typing import Final

OK: Final = 0
FAILED: Final = 1
INVALID: Final = 2
NOT_READY: Final = 3
NOT_FOUND: Final = 4
CONFLICT: Final = 5
INTERRUPTED: Final = 130

MEANINGS: Final = {
    OK: "It worked.",
    FAILED: "It failed: a run or generation ended badly or was cancelled, or something unforeseen happened.",
    INVALID: "The command or what it was given is not acceptable; nothing was changed.",
    NOT_READY: "A part is missing: the engine, a base, or the studio. The message says how to add it.",
    NOT_FOUND: "There is no such dataset, finetune, model or file.",
    CONFLICT: "The thing is in a state that does not allow this.",
    INTERRUPTED: "Interrupted with Ctrl-C.",
}

_OF_STATUS = {404: NOT_FOUND, 409: CONFLICT, 413: INVALID, 422: INVALID, 400: INVALID, 503: NOT_READY}


def code_of(status: int) -> int:
    """Return the exit code of an error with this HTTP status."""
    return _OF_STATUS.get(status, FAILED)
