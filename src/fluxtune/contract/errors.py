"""What can stand in the way of something asked for under `/v1`."""

from fluxtune.core.errors import FluxtuneError, InvalidInput, NotFound


class RequestRefused(InvalidInput):
    """This server can't do what is asked; `field` names the part that it can't."""

    title = "This server can't do that"


class FinetuneNotReady(NotFound):
    """No usable finetune has this id or name."""

    title = "Finetune not found or not ready"
    action = "GET /v1/my_finetunes lists what there is."


class TooManyTasks(FluxtuneError):
    """As many tasks as are allowed at once wait or run already."""

    status = 429
    title = "Too many active tasks"
    action = "Wait until one of them has ended, then send it again."


class LinkRefused(FluxtuneError):
    """A link to a result is too old, or was not made here."""

    status = 403
    title = "This link does not work"
    action = "Poll the task again: the answer holds a fresh link."


class ResultGone(NotFound):
    """The image behind a link was removed."""

    title = "The image is gone"
    action = "Generate it again."
