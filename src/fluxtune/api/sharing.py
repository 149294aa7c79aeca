"""Who may see a thing, and what people may use: put together from the domains that know of it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from fluxtune.accounts import people
from fluxtune.accounts.schemas import Person
from fluxtune.audit import service as audit
from fluxtune.core.actor import Actor, acting
from fluxtune.core.errors import InvalidInput, Problem
from fluxtune.db import get_session
from fluxtune.hosted import ledger
from fluxtune.jobs import service as jobs
from fluxtune.quotas import service as quotas
from fluxtune.quotas.schemas import Limits, OwnQuota, PersonQuota, Quotas, Usage
from fluxtune.sharing import service as sharing
from fluxtune.sharing.schemas import Access, Audience

SessionDep = Annotated[Session, Depends(get_session, scope="function")]

Responses = dict[int | str, dict[str, Any]]
NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such thing for who asks."}}
REFUSED: Responses = {403: {"model": Problem, "description": "Only its owner and administrators may."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}

router = APIRouter(prefix="/api", tags=["sharing"], responses=INVALID)
SharedKind = Literal["dataset", "finetune", "model", "generation"]


class PersonUnknown(InvalidInput):
    """A thing can't be shared with somebody who is not there."""

    title = "There is no such person"
    action = "Choose people of this studio."


class ShareEntry(BaseModel):
    """One person a thing is shared with."""

    person_id: str
    name: str
    may: Access


class Sharing(BaseModel):
    """Whose a thing is and who may do what with it; without an owner it is everyone's, to see and to change."""

    owner_id: str | None
    owner: str | None = Field(description="The owner's name.")
    everyone: Access | None = Field(description="What all people of the studio may do with it.")
    people: list[ShareEntry]
    is_mine: bool = Field(description="Whether who asks says who may see it.")
    may_change: bool = Field(description="Whether who asks may change it.")


class SharingUpdate(BaseModel):
    """Who may see or change a thing beside its owner."""

    everyone: Access | None
    people: dict[str, Access] = Field(max_length=500, description="What single people may, by their ids.")


class OwnerUpdate(BaseModel):
    """Whose a thing shall be."""

    person_id: str = Field(max_length=32)


@router.get("/sharing/{kind}/{thing_id}", responses=NOT_FOUND)
def get_sharing(kind: SharedKind, thing_id: str, session: SessionDep) -> Sharing:
    """Show whose a thing is, and who may see and change it."""
    sharing.check(session, kind, thing_id)
    return _show(session, sharing.audience_of(session, kind, thing_id))


@router.put("/sharing/{kind}/{thing_id}", responses={**NOT_FOUND, **REFUSED})
def share_thing(kind: SharedKind, thing_id: str, update: SharingUpdate, session: SessionDep) -> Sharing:
    """Share a thing with all, with some, or with nobody. Only its owner and administrators may."""
    sharing.check(session, kind, thing_id)
    before = sharing.audience_of(session, kind, thing_id)
    known = {person.id: person.name for person in people.list_names(session)}
    # Who has left may stay on the list: nobody has to take them off to share with somebody else.
    _require_known(set(update.people) - set(before.people), known)
    sharing.share(session, kind, thing_id, update.everyone, update.people)
    after = sharing.audience_of(session, kind, thing_id)
    audit.record(session, f"{kind}.shared", kind, thing_id, _facts(before), _facts(after))
    return _show(session, after)


@router.put("/sharing/{kind}/{thing_id}/owner", responses={**NOT_FOUND, **REFUSED})
def give_thing(kind: SharedKind, thing_id: str, update: OwnerUpdate, session: SessionDep) -> Sharing:
    """Make a thing somebody else's."""
    sharing.check(session, kind, thing_id)
    before = sharing.audience_of(session, kind, thing_id)
    _require_known({update.person_id}, {person.id: person.name for person in people.list_names(session)})
    sharing.give(session, kind, thing_id, update.person_id)
    after = sharing.audience_of(session, kind, thing_id)
    audit.record(session, f"{kind}.given", kind, thing_id, {"owner": before.owner_id}, {"owner": after.owner_id})
    return _show(session, after)


@router.get("/quotas/mine")
def get_own_quota(session: SessionDep) -> OwnQuota:
    """Show what who asks may use, and has used."""
    actor = acting()
    return OwnQuota(limits=quotas.limits_of(session, actor), usage=_usage(session, actor.id))


@router.get("/quotas")
def list_quotas(session: SessionDep) -> Quotas:
    """Show what everybody may use, and what each person may and has."""
    everybody, _ = quotas.own_limits(session, quotas.EVERYBODY)
    return Quotas(everybody=everybody, people=[_quota(session, each) for each in people.list_(session)])


@router.put("/quotas/everybody")
def set_common_quota(limits: Limits, session: SessionDep) -> Limits:
    """Set what everybody may use who has no limits of their own. Administrators have only their own."""
    quotas.set_limits(session, quotas.EVERYBODY, limits, name="everybody")
    return quotas.own_limits(session, quotas.EVERYBODY)[0]


@router.put("/quotas/people/{person_id}", responses=NOT_FOUND)
def set_quota(person_id: str, limits: Limits, session: SessionDep) -> PersonQuota:
    """Set what one person may use; what is left out is as for everybody, null is without limit."""
    person = next((each for each in people.list_(session) if each.id == person_id), None)
    if person is None:
        raise people.PersonMissing(f"There is nobody with the id “{person_id[:64]}”.")
    quotas.set_limits(session, person_id, limits, name=person.name)
    return _quota(session, person)


def _require_known(wanted: set[str], known: dict[str, str]) -> None:
    unknown = sorted(wanted - known.keys())
    if unknown:
        raise PersonUnknown(f"There is nobody with the id “{unknown[0][:64]}”.", field="people")


def _facts(audience: Audience) -> dict[str, Any]:
    return {"owner": audience.owner_id, "everyone": audience.everyone, "people": dict(audience.people)}


def _show(session: Session, audience: Audience) -> Sharing:
    names = {person.id: person.name for person in people.list_(session)}
    actor = acting()
    return Sharing(
        owner_id=audience.owner_id,
        owner=names.get(audience.owner_id, "somebody who has left") if audience.owner_id else None,
        everyone=audience.everyone,
        people=[
            ShareEntry(person_id=key, name=names.get(key, "somebody who has left"), may=may)
            for key, may in audience.people.items()
        ],
        is_mine=sharing.is_owner(audience, actor),
        may_change=audience.admits(actor, "change"),
    )


def _quota(session: Session, person: Person) -> PersonQuota:
    own, changed_at = quotas.own_limits(session, person.id)
    return PersonQuota(
        person_id=person.id,
        name=person.name,
        role=person.role,
        limits=quotas.limits_of(session, Actor(person.name, person.id, person.role)),
        own=own.model_dump(mode="json", exclude_unset=True),
        usage=_usage(session, person.id),
        changed_at=changed_at,
    )


def _usage(session: Session, person_id: str) -> Usage:
    return Usage(
        images_per_day=quotas.begun(session, person_id, "images"),
        finetunes_at_once=jobs.count_active_of(session, person_id, "finetune"),
        finetunes_per_month=quotas.begun(session, person_id, "finetunes"),
        storage_bytes=quotas.stored_bytes(session, person_id),
        hosted_usd_per_month=ledger.spent_by(session, person_id) / ledger.PER_CREDIT / 100,
    )
