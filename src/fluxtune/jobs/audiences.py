"""Who may see and steer jobs, and hear of them: whoever may see or change what they work on."""

from collections.abc import Collection
from typing import cast

from sqlalchemy.orm import Session

from fluxtune.core.actor import acting
from fluxtune.jobs.schemas import THINGS, HeardEvent, JobEvent, JobKind
from fluxtune.jobs.tables import JobRow
from fluxtune.sharing import service as sharing
from fluxtune.sharing.schemas import EVERYONES, Access, Thing

OTHERS = "somebody else's work"
"""In place of the title of a job that is not to be seen."""


def thing_of(row: JobRow) -> Thing:
    """Return what a job works on."""
    return THINGS[cast(JobKind, row.kind)], row.target_id


def hidden_jobs(session: Session, rows: Collection[JobRow], access: Access = "see") -> set[str]:
    """Return the ids of those jobs that the actor may not see, or steer."""
    actor = acting()
    if actor.is_administrator:
        return set()
    audiences = sharing.audiences(session, [thing_of(row) for row in rows])
    return {row.id for row in rows if not audiences.get(thing_of(row), EVERYONES).admits(actor, access)}


def hear(session: Session, events: Collection[JobEvent]) -> list[HeardEvent]:
    """Return events with who may hear of them."""
    audiences = sharing.audiences(session, {(THINGS[event.kind], event.target_id) for event in events})
    return [HeardEvent(event, audiences.get((THINGS[event.kind], event.target_id), EVERYONES)) for event in events]
