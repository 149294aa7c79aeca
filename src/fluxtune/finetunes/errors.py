"""What can stand in the way of something asked of a finetune."""

from fluxtune.core.errors import Conflict, InvalidInput, JobFailed, NotFound


class FinetuneMissing(NotFound):
    """No such finetune."""

    title = "No such finetune"
    action = "Go back to the list of finetunes."


class FinetuneActive(Conflict):
    """The finetune still waits, runs or is paused."""

    title = "The finetune has not ended"
    action = "Stop or cancel it first."


class FinetuneInTrash(Conflict):
    """The finetune is in the trash."""

    title = "The finetune is in the trash"
    action = "Restore it first."


class FinetuneNotFinished(Conflict):
    """Only a run that ended well can be extended."""

    title = "The finetune can't be extended"
    action = "Restart it from one of its checkpoints instead; that makes a finetune of its own."


class CheckpointMissing(NotFound):
    """The run has no checkpoint at this step, or no longer."""

    title = "No such checkpoint"
    action = "Choose one of the run's list; older ones are removed while it trains."


class CheckpointDoesNotFit(InvalidInput):
    """What was learnt has another shape than the changed settings want."""

    title = "The checkpoint does not fit these settings"
    action = "Leave these settings as they were, or start a new finetune with them."


class CheckpointNotKeepable(Conflict):
    """A checkpoint becomes a version of the model its run made; there is none yet."""

    title = "The checkpoint can't become a version yet"
    action = "Wait for the end of the run, or stop it and keep what it learned; or restart from this checkpoint."


class NotElsewhere(Conflict):
    """A finetune at a server can't do everything that one here can."""

    title = "That is not possible at a server"
    action = (
        "Do it in the studio on the server. If that was updated since, test the server anew: Admin → Servers, or "
        "`fluxtune server test`."
    )


class LostElsewhere(JobFailed):
    """The server does not know the finetune any more."""

    title = "The server no longer has this finetune"
    action = "It was removed there, or its data were. Start the finetune again."


class EndedElsewhere(JobFailed):
    """The server says that the finetune went wrong."""

    title = "The finetune failed on the server"
    action = "Look in the studio on the server, or at its log; then start the finetune again."


class ProbeMissing(NotFound):
    """No such probe."""

    title = "No such probe"
    action = "Measure again."
