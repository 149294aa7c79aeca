"""Who is acting."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Role = Literal["viewer", "creator", "trainer", "administrator"]
"""What a person may do; each may what those before may."""
ROLES: tuple[Role, ...] = ("viewer", "creator", "trainer", "administrator")
LOCAL_ID = "local"


@dataclass(frozen=True, slots=True)
class Actor:
    """The user, key or program behind a request. On loopback there is one: the local owner.

    `id` is the person's, also when a token of theirs is used; `scopes` limit a token, None is no limit.
    """

    name: str
    id: str = LOCAL_ID
    role: Role = "administrator"
    scopes: frozenset[str] | None = None

    @property
    def is_person(self) -> bool:
        """Return whether it is somebody who signed in, not the local owner and not nobody."""
        return self.id not in ("", LOCAL_ID)

    @property
    def is_administrator(self) -> bool:
        """Return whether everything is this actor's to see and change."""
        return self.role == "administrator"


LOCAL_OWNER = Actor("local owner")
NOBODY = Actor("nobody", id="", role="viewer", scopes=frozenset())
"""Who has not said who they are: may see what is open to all, and owns nothing."""

_acting: ContextVar[Actor] = ContextVar("actor", default=LOCAL_OWNER)


def acting() -> Actor:
    """Return who is behind what is done now; where nobody said so, in workers and commands, the local owner."""
    return _acting.get()


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Do the block in somebody's name."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)
