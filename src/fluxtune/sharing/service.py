"""Whose a thing is, who may see it, and who may change it.

What is made by a person is private until they share it with all or with some. What was made before there were people,
or by the local owner of a studio that nobody else uses, has no owner: it is everyone's. Administrators see all.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar, cast

from sqlalchemy.orm import Session

from fluxtune.core.actor import LOCAL_ID, Actor, acting
from fluxtune.core.clock import now
from fluxtune.core.errors import NotAllowed, NotFound
from fluxtune.sharing import repository
from fluxtune.sharing.schemas import EVERYONES, Access, Audience, Kind, Thing
from fluxtune.sharing.tables import OwnershipRow, ShareRow

Query = TypeVar("Query")
WORDS: Mapping[Kind, str] = {
    "dataset": "dataset",
    "finetune": "finetune",
    "model": "model",
    "generation": "generation",
    "image": "image",
}


class ThingMissing(NotFound):
    """There is no such thing for who asks: it is private, or shared with others."""

    title = "No such thing here"
    action = "If it is somebody else's, ask them to share it with you."


class NotYours(NotAllowed):
    """The actor may see the thing, not change it."""

    title = "This is somebody else's"
    action = "Ask its owner to let you change it, or make a copy."


def own(session: Session, kind: Kind, thing_id: str) -> None:
    """Let a new thing be the actor's, private. Of the local owner nothing is noted: it is everyone's."""
    actor = acting()
    if actor.id in ("", LOCAL_ID):
        return
    known = repository.find_ownership(session, kind, thing_id)
    if known is None:
        row = OwnershipRow(kind=kind, thing_id=thing_id, owner_id=actor.id, everyone="", created_at=now())
        repository.add(session, row)
    elif not audience_of(session, kind, thing_id).admits(actor):
        # The same content from two people is stored once.
        repository.add(session, ShareRow(kind=kind, thing_id=thing_id, person_id=actor.id, may="see"))


def inherit(session: Session, source: Thing, kind: Kind, thing_id: str) -> None:
    """Let a thing that came of another one (a model of its finetune) be the same person's, shared in the same way."""
    audience = audience_of(session, *source)
    if audience.owner_id is None or repository.find_ownership(session, kind, thing_id) is not None:
        return
    row = OwnershipRow(
        kind=kind, thing_id=thing_id, owner_id=audience.owner_id, everyone=audience.everyone or "", created_at=now()
    )
    repository.add(session, row)
    repository.replace_shares(session, kind, thing_id, audience.people)


def visible(kind: Kind, column: Any) -> Any | None:
    """Return the SQL condition that the actor may see the thing whose id stands in a column; None: they see all."""
    actor = acting()
    return None if actor.is_administrator else repository.visible_to(kind, column, actor.id)


def only_visible(query: Query, kind: Kind, column: Any) -> Query:
    """Return a query that leaves out what the actor may not see."""
    condition = visible(kind, column)
    if condition is None:
        return query
    narrowed: Query = query.where(condition)  # type: ignore[attr-defined]
    return narrowed


def owned_by(kind: Kind, column: Any, person_id: str) -> Any:
    """Return the SQL condition that the thing whose id stands in a column is this person's."""
    return repository.owned_by(kind, column, person_id)


def check(session: Session, kind: Kind, thing_id: str, access: Access = "see") -> None:
    """Raise `ThingMissing` for what the actor may not see, `NotYours` for what they may see and not change."""
    actor = acting()
    if actor.is_administrator:
        return
    audience = audience_of(session, kind, thing_id)
    if not audience.admits(actor):
        raise ThingMissing(f"There is no {WORDS[kind]} “{thing_id[:64]}” that you may see.")
    if not audience.admits(actor, access):
        raise NotYours(f"You may use this {WORDS[kind]}, not change it.")


def may(session: Session, kind: Kind, thing_id: str, access: Access = "see") -> bool:
    """Return whether the actor may see, or change, a thing."""
    actor = acting()
    return actor.is_administrator or audience_of(session, kind, thing_id).admits(actor, access)


def is_shared(session: Session, kind: Kind, thing_id: str) -> bool:
    """Return whether a thing is the actor's own, or shared with them; what has no owner is not."""
    audience = audience_of(session, kind, thing_id)
    return audience.owner_id is not None and audience.admits(acting())


def audience_of(session: Session, kind: Kind, thing_id: str) -> Audience:
    """Return who may do what with a thing."""
    return audiences(session, [(kind, thing_id)]).get((kind, thing_id), EVERYONES)


def audiences(session: Session, things: Iterable[Thing]) -> dict[Thing, Audience]:
    """Return who may do what with some things; those that are everyone's are left out."""
    owned = {_thing(row): row for row in repository.list_ownerships(session, things)}
    people: dict[Thing, dict[str, Access]] = {}
    for row in repository.list_shares(session, owned) if owned else ():
        people.setdefault(_thing(row), {})[row.person_id] = cast(Access, row.may)
    return {
        thing: Audience(row.owner_id, cast(Access, row.everyone) if row.everyone else None, people.get(thing, {}))
        for thing, row in owned.items()
    }


def _thing(row: OwnershipRow | ShareRow) -> Thing:
    return cast(Kind, row.kind), row.thing_id


def share(session: Session, kind: Kind, thing_id: str, everyone: Access | None, people: Mapping[str, Access]) -> None:
    """Say who may see or change a thing beside its owner. Only the owner and administrators may; others get an error.

    An administrator who shares what was everyone's becomes its owner.
    """
    check(session, kind, thing_id, "see")
    actor, row = acting(), repository.find_ownership(session, kind, thing_id)
    if not actor.is_administrator and (row is None or row.owner_id != actor.id):
        raise NotYours("Only its owner and administrators say who may see it.", action="Ask its owner.")
    if row is None:
        row = OwnershipRow(kind=kind, thing_id=thing_id, owner_id=actor.id, everyone="", created_at=now())
        repository.add(session, row)
    row.everyone = everyone or ""
    repository.replace_shares(session, kind, thing_id, {key: may for key, may in people.items() if key != row.owner_id})


def give(session: Session, kind: Kind, thing_id: str, person_id: str) -> None:
    """Make a thing somebody else's."""
    check(session, kind, thing_id, "see")
    actor, row = acting(), repository.find_ownership(session, kind, thing_id)
    if not actor.is_administrator and (row is None or row.owner_id != actor.id):
        raise NotYours("Only its owner and administrators can give it away.", action="Ask its owner.")
    if row is None:
        repository.add(
            session, OwnershipRow(kind=kind, thing_id=thing_id, owner_id=person_id, everyone="change", created_at=now())
        )
    else:
        row.owner_id = person_id


def forget(session: Session, kind: Kind, ids: Collection[str]) -> None:
    """Forget whose things were that are gone for good."""
    repository.forget(session, kind, ids)


def is_owner(audience: Audience, actor: Actor) -> bool:
    """Return whether the actor says who may see a thing."""
    return actor.is_administrator or (audience.owner_id is not None and audience.owner_id == actor.id)
