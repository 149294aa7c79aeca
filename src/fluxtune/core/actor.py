"""Who is acting."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The user, key or program behind a request. On loopback there is one: the local owner."""

    name: str


LOCAL_OWNER = Actor("local owner")
