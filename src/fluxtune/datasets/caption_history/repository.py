"""Every query about what captions were."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from fluxtune.datasets.tables import CaptionChangeRow, CaptionStepRow


def last_change(session: Session, dataset_image_id: str) -> CaptionChangeRow | None:
    """Return the newest change of a caption."""
    return session.scalars(_changes_of(dataset_image_id).limit(1)).first()


def list_changes(
    session: Session, dataset_image_id: str, limit: int
) -> list[tuple[CaptionChangeRow, CaptionStepRow | None]]:
    """Return the changes of a caption with the steps they were part of, newest first."""
    query = (
        select(CaptionChangeRow, CaptionStepRow)
        .outerjoin(CaptionStepRow, CaptionChangeRow.step_id == CaptionStepRow.id)
        .where(CaptionChangeRow.dataset_image_id == dataset_image_id)
        .order_by(CaptionChangeRow.at.desc(), CaptionChangeRow.id.desc())
    )
    return [(change, step) for change, step in session.execute(query.limit(limit))]


def _changes_of(dataset_image_id: str) -> Any:
    return (
        select(CaptionChangeRow)
        .where(CaptionChangeRow.dataset_image_id == dataset_image_id)
        .order_by(CaptionChangeRow.at.desc(), CaptionChangeRow.id.desc())
    )


def was_typed_after(session: Session, dataset_image_id: str, at: datetime) -> bool:
    """Return whether somebody typed a caption, or emptied it, since then."""
    query = select(CaptionChangeRow.id).where(
        CaptionChangeRow.dataset_image_id == dataset_image_id,
        CaptionChangeRow.step_id.is_(None),
        CaptionChangeRow.after_by.in_(("person", "none")),
        CaptionChangeRow.at > at,
    )
    return session.scalars(query.limit(1)).first() is not None


def add_changes(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add changes; in one statement, as there may be ten thousand."""
    if rows:
        session.flush()  # of the step they belong to
        session.execute(insert(CaptionChangeRow), list(rows))


def list_step_changes(session: Session, step_id: str) -> list[CaptionChangeRow]:
    """Return what one step changed, newest first: taking it back goes through them in this order."""
    query = select(CaptionChangeRow).where(CaptionChangeRow.step_id == step_id)
    return list(session.scalars(query.order_by(CaptionChangeRow.at.desc(), CaptionChangeRow.id.desc())))


def prune_typed(session: Session, dataset_image_id: str, kept: int) -> None:
    """Forget all but the newest changes of a caption that were part of no step."""
    of_image = (CaptionChangeRow.dataset_image_id == dataset_image_id, CaptionChangeRow.step_id.is_(None))
    newest = select(CaptionChangeRow.id).where(*of_image)
    newest = newest.order_by(CaptionChangeRow.at.desc(), CaptionChangeRow.id.desc()).offset(kept)
    old = list(session.scalars(newest.limit(1000)))
    if old:
        session.execute(delete(CaptionChangeRow).where(CaptionChangeRow.id.in_(old)))


def prune_steps(session: Session, dataset_id: str, kept: int, kept_changes: int) -> None:
    """Forget the oldest steps beyond so many, or beyond so many changes in all; the newest always stays, and so does
    what a captioner is writing.
    """
    session.flush()
    steps = select(CaptionStepRow.id, CaptionStepRow.changed_count, CaptionStepRow.state)
    steps = steps.where(CaptionStepRow.dataset_id == dataset_id)
    changes, old = 0, []
    ordered = session.execute(steps.order_by(CaptionStepRow.turn.desc(), CaptionStepRow.id.desc()))
    for place, (step_id, changed_count, state) in enumerate(ordered):
        changes += changed_count
        if place > 0 and state != "writing" and (place >= kept or changes > kept_changes):
            old.append(step_id)
    for start in range(0, len(old), 500):
        some = old[start : start + 500]
        session.execute(delete(CaptionChangeRow).where(CaptionChangeRow.step_id.in_(some)))
        session.execute(delete(CaptionStepRow).where(CaptionStepRow.id.in_(some)))


def add_step(session: Session, row: CaptionStepRow) -> None:
    """Add a step."""
    session.add(row)
    session.flush()


def find_step(session: Session, step_id: str) -> CaptionStepRow | None:
    """Return one step."""
    return session.get(CaptionStepRow, step_id)


def find_step_of_job(session: Session, job_id: str) -> CaptionStepRow | None:
    """Return the step a captioner's job writes."""
    return session.scalars(select(CaptionStepRow).where(CaptionStepRow.job_id == job_id)).first()


def list_steps(session: Session, dataset_id: str, limit: int) -> list[CaptionStepRow]:
    """Return the steps of a dataset, newest first."""
    query = select(CaptionStepRow).where(CaptionStepRow.dataset_id == dataset_id)
    return list(session.scalars(query.order_by(CaptionStepRow.turn.desc(), CaptionStepRow.id.desc()).limit(limit)))


def next_undo(session: Session, dataset_id: str) -> CaptionStepRow | None:
    """Return the step that is undone next."""
    query = select(CaptionStepRow).where(CaptionStepRow.dataset_id == dataset_id, CaptionStepRow.state == "done")
    return session.scalars(query.order_by(CaptionStepRow.turn.desc()).limit(1)).first()


def next_redo(session: Session, dataset_id: str) -> CaptionStepRow | None:
    """Return the step that is done again next."""
    query = select(CaptionStepRow).where(CaptionStepRow.dataset_id == dataset_id, CaptionStepRow.state == "undone")
    return session.scalars(query.order_by(CaptionStepRow.turn).limit(1)).first()


def next_turn(session: Session, dataset_id: str) -> int:
    """Return the turn after the last."""
    query = select(func.max(CaptionStepRow.turn)).where(CaptionStepRow.dataset_id == dataset_id)
    return (session.scalars(query).one() or 0) + 1


def drop_undone(session: Session, dataset_id: str) -> None:
    """Let steps that were undone be: something else was done after them."""
    undone = (CaptionStepRow.dataset_id == dataset_id, CaptionStepRow.state == "undone")
    session.execute(update(CaptionStepRow).where(*undone).values(state="dropped"))


def remove_step(session: Session, step_id: str) -> None:
    """Remove a step that changed nothing."""
    session.execute(delete(CaptionStepRow).where(CaptionStepRow.id == step_id))
