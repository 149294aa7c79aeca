"""Limits per person, checked where something is begun, in the transaction that begins it.

The local owner of a studio that nobody else uses has none; administrators have only those set for themselves.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.core.actor import LOCAL_ID, Actor, acting
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict
from fluxtune.jobs import service as jobs
from fluxtune.quotas import repository
from fluxtune.quotas.schemas import Limits
from fluxtune.quotas.tables import QuotaRow

EVERYBODY = "*"
"""In place of a person's id: the limits of all who have no others."""
_What = Literal["images", "finetunes"]


class QuotaReached(Conflict):
    """A limit of one's own would be passed."""

    title = "Your quota does not allow this"
    action = "An administrator can raise it under Admin, Quotas."


def limits_of(session: Session, actor: Actor) -> Limits:
    """Return what somebody may use."""
    if actor.id in ("", LOCAL_ID):
        return Limits()
    everybody = repository.find_quota(session, EVERYBODY) if not actor.is_administrator else None
    own = repository.find_quota(session, actor.id)
    return Limits.model_validate({**(everybody.limits if everybody else {}), **(own.limits if own else {})})


def own_limits(session: Session, person_id: str) -> tuple[Limits, datetime | None]:
    """Return the limits that are set for one person, or for `EVERYBODY`, and since when."""
    row = repository.find_quota(session, person_id)
    return (Limits.model_validate(row.limits), row.changed_at) if row is not None else (Limits(), None)


def set_limits(session: Session, person_id: str, limits: Limits, *, name: str = "") -> None:
    """Set one person's limits, or everybody's. Only what was given is kept; nothing given is as for everybody."""
    row = repository.find_quota(session, person_id)
    before = dict(row.limits) if row is not None else {}
    after = limits.model_dump(mode="json", exclude_unset=True)
    if row is not None and not after:
        repository.remove(session, row)
    elif row is not None:
        row.limits, row.changed_at = after, now()
    elif after:
        repository.add(session, QuotaRow(person_id=person_id, limits=after, changed_at=now()))
    if before != after:
        audit.record(session, "quota.changed", "person", person_id, before, after, name=name)


def begin_images(session: Session, count: int) -> None:
    """Count images that the actor begins; raise `QuotaReached` if they are too many for a day, or the disk is full."""
    limits = limits_of(session, acting())
    _count(session, "images", "today", f"{now():%Y-%m-%d}", count, limits.images_per_day, "tomorrow (UTC)")
    check_storage(session, limits)


def begin_finetune(session: Session) -> None:
    """Count a finetune that the actor begins; raise `QuotaReached` if that is one too many."""
    limits = limits_of(session, acting())
    check_running(session, limits)
    month = f"{now():%Y-%m}"
    _count(session, "finetunes", "this month", month, 1, limits.finetunes_per_month, "on the first of next month (UTC)")
    check_storage(session, limits)


def check_running(session: Session, limits: Limits | None = None) -> None:
    """Raise `QuotaReached` if the actor has as many finetunes under way as they may."""
    limits = limits or limits_of(session, acting())
    most = limits.finetunes_at_once
    if most is None:
        return
    count = jobs.count_active_of(session, acting().id, "finetune")
    if count >= most:
        raise QuotaReached(
            f"{_so_many(count, 'finetune')} of yours wait, run or are paused; at most {most} may at once.",
            action="Wait for one to end, or cancel one; an administrator can raise the limit under Admin, Quotas.",
        )


def check_storage(session: Session, limits: Limits | None = None) -> None:
    """Raise `QuotaReached` if what is the actor's takes as much room as it may already."""
    limits = limits or limits_of(session, acting())
    if limits.storage_bytes is None:
        return
    used = repository.stored_bytes(session, acting().id)
    if used >= limits.storage_bytes:
        raise QuotaReached(
            f"Your images, models and checkpoints take {used / 1e9:.1f} GB; {limits.storage_bytes / 1e9:.1f} GB may be "
            "yours.",
            action="Delete what you no longer need and empty the trash; an administrator can raise the limit under "
            "Admin, Quotas.",
        )


def stored_bytes(session: Session, person_id: str) -> int:
    """Return how many bytes of images, models and checkpoints are a person's."""
    return repository.stored_bytes(session, person_id)


def begun(session: Session, person_id: str, what: _What) -> int:
    """Return how many images a person has begun today, or how many finetunes this month."""
    period = f"{now():%Y-%m-%d}" if what == "images" else f"{now():%Y-%m}"
    row = repository.find_usage(session, person_id, what, period)
    return row.amount if row is not None else 0


def _count(session: Session, what: _What, when: str, period: str, count: int, most: int | None, again: str) -> None:
    person_id = acting().id
    if person_id in ("", LOCAL_ID):
        return
    row = repository.lock_usage(session, person_id, what, period)
    if most is not None and row.amount + count > most:
        raise QuotaReached(
            f"You have begun {_so_many(row.amount, what[:-1])} {when} and may begin {most}; {count} more are too many."
            if row.amount
            else f"You may begin {_so_many(most, what[:-1])} {when}; this would be {count}.",
            action=f"Begin fewer, or go on {again}; an administrator can raise the limit under Admin, Quotas.",
        )
    row.amount += count


def _so_many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
