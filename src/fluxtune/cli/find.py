"""Finding things by id, by the beginning of an id, or by name."""

import difflib
from collections.abc import Callable, Sequence
from typing import TypeVar

from fluxtune.core.errors import InvalidInput, NotFound

T = TypeVar("T")
SHORTEST_PREFIX = 6


def find(things: Sequence[T], wanted: str, noun: str, *, name: Callable[[T], str], id_: Callable[[T], str]) -> T:
    """Return the thing that is meant: its id, a clear beginning of it, or its name (letter case aside)."""
    for thing in things:
        if id_(thing) == wanted:
            return thing
    named = [thing for thing in things if name(thing).casefold() == wanted.casefold()]
    if not named and len(wanted) >= SHORTEST_PREFIX:
        named = [thing for thing in things if id_(thing).startswith(wanted.lower())]
    if len(named) == 1:
        return named[0]
    if named:
        ids = ", ".join(id_(thing) for thing in named[:5])
        raise InvalidInput(
            f"{len(named)} {noun}s are called “{wanted}”: {ids}.",
            title=f"It is not clear which {noun} is meant",
            action="Give the id instead of the name.",
        )
    close = difflib.get_close_matches(wanted, [name(thing) for thing in things], n=3)
    hint = f" Did you mean {' or '.join(f'“{each}”' for each in close)}?" if close else ""
    raise NotFound(
        f"There is no {noun} with the name or id “{wanted}”.{hint}",
        title=f"No such {noun}",
        action=f"`fluxtune {noun} list` shows what there is.",
    )
