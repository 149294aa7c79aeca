"""Why a job can't be found, or not be steered as asked."""

from fluxtune.core.errors import Conflict, NotFound


class JobMissing(NotFound):
    """There is no such job."""

    title = "That job does not exist"


class JobOver(Conflict):
    """The job has ended already."""

    title = "The job has ended already"
    action = "Look at its result, or start a new one."


class JobNotRunning(Conflict):
    """Only a running job can do that."""

    title = "The job is not running"
    action = "Wait until it runs, or cancel it."


class JobNotWaiting(Conflict):
    """Only jobs that wait have a turn that can be changed."""

    title = "The job does not wait"
    action = "Move one of those that wait."


class JobNotPaused(Conflict):
    """Only a paused or failed job can be resumed."""

    title = "The job is not paused"
    action = "Nothing needs to be done: it goes on by itself."
