"""What can go wrong with a server of one's own: BFL's errors in other words, so that the same code deals with both."""

from fluxtune.backends.bfl.errors import (
    AcceptanceUnknown,
    CreditsGone,
    DeliveryFailed,
    HostedDown,
    HostedRefused,
    HostUnreachable,
    KeyRefused,
    TaskFailed,
    TaskLost,
    TaskUnfinished,
    TooManyTasks,
)
from fluxtune.core.errors import FluxtuneError, JobFailed, NotReady


class ServerUnreachable(HostUnreachable):
    """No connection came about."""

    title = "The server can't be reached"
    action = "Look whether it runs and whether this computer reaches its address, then try again."


class ServerDown(HostedDown):
    """A question was not answered, or not understandably."""

    title = "The server does not answer as it should"
    action = "Look whether its address is right and what its own log says, then try again."


class TokenRefused(KeyRefused):
    """The server does not accept the token."""

    title = "The server does not accept the token"
    action = "On the server, `fluxtune token create NAME` prints a new one; add the server again with it."


class ServerRefused(HostedRefused):
    """The server does not do what is asked."""

    title = "The server refused the request"
    action = "Change what is named here and try again."


class ServerBusy(TooManyTasks):
    """As many tasks as the server takes at once wait or run there."""

    title = "The server is busy with earlier requests"
    action = "Wait until some of them are done, then try again."


class RequestUncertain(AcceptanceUnknown):
    """The request left, and no understandable answer came."""

    title = "Nobody knows whether the server accepted the request"
    action = "Look in the studio on the server; then try again."


class ElsewhereFailed(TaskFailed):
    """The server could not do it."""

    title = "The server could not do it"
    action = "Look in the studio on the server, or at its log; then try again."


class ElsewhereLost(TaskLost):
    """The server does not know the task any more."""

    title = "The server no longer knows this task"
    action = "It was removed there. Start it again."


class ElsewhereUnfinished(TaskUnfinished):
    """An image was not there in time."""

    title = "The image is not there yet"
    action = "Look in the studio on the server what it waits for; then try again."


class ResultNotFetched(DeliveryFailed):
    """What the server made could not be fetched."""

    title = "What the server made could not be fetched"
    action = "Try again; it stays there."


class NoServer(NotReady):
    """Something answers at the address, and it is no server of this kind."""

    title = "This is no fluxtune and no server of BFL's API"
    action = "Give the address `fluxtune serve` printed on the server, without a path."


class AdapterBroken(JobFailed):
    """The adapter arrived otherwise than it was made."""

    title = "The adapter arrived broken"
    action = "Resume the finetune: it is fetched again."


_OWN: tuple[tuple[type[FluxtuneError], type[FluxtuneError]], ...] = (
    (HostUnreachable, ServerUnreachable),
    (HostedDown, ServerDown),
    (KeyRefused, TokenRefused),
    (CreditsGone, ServerRefused),
    (HostedRefused, ServerRefused),
    (TooManyTasks, ServerBusy),
    (AcceptanceUnknown, RequestUncertain),
    (TaskFailed, ElsewhereFailed),
    (TaskLost, ElsewhereLost),
    (TaskUnfinished, ElsewhereUnfinished),
    (DeliveryFailed, ResultNotFetched),
)


def in_own_words(error: FluxtuneError, name: str) -> FluxtuneError:
    """Return an error about BFL as one about the server of this name; anything else as it is."""
    for theirs, own in _OWN:
        if isinstance(error, theirs) and not isinstance(error, own):
            return own(error.detail.replace("BFL", f"“{name}”"), technical=error.technical, field=error.field)
    return error
