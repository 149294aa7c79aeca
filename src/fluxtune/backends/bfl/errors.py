"""What can go wrong with a hosted image, each with what to do now.

Whether money may have been spent decides everything: only `AcceptanceUnknown` leaves that open. Whatever else `submit`
raises says that the request was surely not accepted.
"""

from fluxtune.core.errors import Conflict, InvalidInput, JobFailed, NotReady


class HostedRefused(InvalidInput):
    """BFL does not accept the request: 400, 404 or 422. Nothing was charged."""

    title = "BFL refused the request"
    action = "Change what is named here and try again. Nothing was charged."


class KeyRefused(Conflict):
    """BFL does not accept the key: 401 or 403."""

    title = "BFL does not accept the key"
    action = "Look in BFL's dashboard whether the key still exists, then add it anew: `fluxtune hosted key add`."


class CreditsGone(Conflict):
    """There are no credits left: 402."""

    title = "There are no credits left at BFL"
    action = "Buy credits in BFL's dashboard, then try again."


class TooManyTasks(Conflict):
    """More unfinished tasks than the account may have: 429. To be sent again after a while."""

    title = "BFL is busy with earlier images of this account"
    action = "Wait until some of them are done, then try again."


class HostUnreachable(NotReady):
    """No connection came about, so nothing was sent. To be sent again after a while."""

    title = "BFL can't be reached"
    action = "Check the connection to the internet, then try again. Nothing was charged."


class HostedDown(NotReady):
    """A question was not answered, or not understandably. Asking again costs nothing."""

    title = "BFL does not answer as it should"
    action = "Try again in a few minutes."


class AcceptanceUnknown(JobFailed):
    """The request left, and no understandable answer came: it may have been accepted and charged."""

    title = "Nobody knows whether BFL accepted the request"
    action = (
        "Look in BFL's dashboard whether it was charged. It is not sent again by itself; "
        "“paid, not delivered” on the Hosted page lists it and can send it again."
    )


class RequestModerated(JobFailed):
    """The prompt or an image given was rejected; nothing was drawn."""

    title = "BFL's moderation rejected the request"
    action = "Say it differently, or allow more with the safety tolerance."


class ContentModerated(JobFailed):
    """The image was drawn and is withheld."""

    title = "BFL's moderation withholds the image"
    action = "Try another seed, say it differently, or allow more with the safety tolerance."


class TaskFailed(JobFailed):
    """BFL could not make the image."""

    title = "BFL could not make the image"
    action = "Try again. If it happens again, try another prompt or model."


class TaskLost(JobFailed):
    """BFL does not know the task any more."""

    title = "BFL no longer knows this task"
    action = "If it was charged, ask BFL's support with the task's number from the ledger."


class TaskUnfinished(JobFailed):
    """The image was not there in time; the task may still end well."""

    title = "The image is not there yet"
    action = "Fetch it later: “paid, not delivered” on the Hosted page, or `fluxtune hosted fetch`."


class DeliveryFailed(JobFailed):
    """The image is made and could not be fetched."""

    title = "The image could not be fetched"
    action = "Fetch it again soon, before its link expires: the Hosted page, or `fluxtune hosted fetch`."
