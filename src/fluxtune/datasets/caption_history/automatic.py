"""Captions that a captioner writes, one after the other over minutes or hours: one step of the history in the end."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.datasets.caption_history import repository
from fluxtune.datasets.caption_history.schemas import CaptionStep
from fluxtune.datasets.caption_history.service import SHOWN_STEPS, show_step
from fluxtune.datasets.caption_history.writing import forget_old_steps, write_caption
from fluxtune.datasets.captions import MAX_CAPTION
from fluxtune.datasets.repository import find_dataset, find_dataset_image, touch
from fluxtune.datasets.tables import CaptionStepRow, DatasetImageRow

Scope = Literal["empty", "auto", "all"]
MOST_NOTES = 300
"""Enough to see what is wrong; ten thousand would be written anew with each one more."""
KEPT = "Its caption was typed meanwhile; it stays."


@dataclass(frozen=True, slots=True)
class Uncaptioned:
    """An image a captioner has not done yet."""

    id: str
    image_id: str
    name: str


class AutomaticCaptions:
    """What a captioner's job does to a dataset, in the caller's transactions."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def begin(self, dataset_id: str, job_id: str, title: str) -> CaptionStep:
        """Open a step for a job."""
        step = CaptionStepRow(
            id=new_id(), dataset_id=dataset_id, job_id=job_id, kind="write", title=title, state="writing",
            changed_count=0, notes=[], turn=repository.next_turn(self._session, dataset_id), created_at=now(),
        )  # fmt: skip
        repository.add_step(self._session, step)
        return show_step(step)

    def list_steps(self, dataset_id: str) -> list[CaptionStep]:
        """Return the steps of captioners, newest first."""
        steps = repository.list_steps(self._session, dataset_id, SHOWN_STEPS)
        return [show_step(step) for step in steps if step.job_id is not None]

    def remaining(self, job_id: str, dataset_id: str, image_ids: list[str], scope: Scope) -> list[Uncaptioned]:
        """Return which of the images are still to be done, after a crash too."""
        step = repository.find_step_of_job(self._session, job_id)
        if step is None:
            return []
        done = {change.dataset_image_id for change in repository.list_step_changes(self._session, step.id)}
        done |= {note[0] for note in step.notes}
        left: list[Uncaptioned] = []
        for image_id in image_ids:
            entry = find_dataset_image(self._session, dataset_id, image_id) if image_id not in done else None
            if entry is not None and entry.deleted_at is None and self._may_write(entry, scope, step):
                left.append(Uncaptioned(entry.id, entry.image_id, entry.name))
        return left

    def write(self, job_id: str, dataset_id: str, image_id: str, text: str, source: str, scope: Scope) -> bool:
        """Write one caption unless somebody typed one meanwhile; return whether it was written."""
        step = repository.find_step_of_job(self._session, job_id)
        entry = find_dataset_image(self._session, dataset_id, image_id)
        if step is None or entry is None or entry.deleted_at is not None:
            return False
        if not self._may_write(entry, scope, step):
            self._note(step, entry, KEPT)
            return False
        if write_caption(self._session, entry, text[:MAX_CAPTION], "auto", source, step_id=step.id):
            step.changed_count += 1
            dataset = find_dataset(self._session, dataset_id)
            if dataset is not None:
                touch(dataset, now())
        return True

    def note(self, job_id: str, dataset_id: str, image_id: str, reason: str) -> None:
        """Remember why an image got no caption."""
        step = repository.find_step_of_job(self._session, job_id)
        entry = find_dataset_image(self._session, dataset_id, image_id)
        if step is not None and entry is not None:
            self._note(step, entry, reason)

    def end(self, job_id: str) -> CaptionStep | None:
        """Close the step of a job that has ended, however it did."""
        step = repository.find_step_of_job(self._session, job_id)
        if step is None:
            return None
        if step.state == "writing":
            step.state = "done" if step.changed_count else "empty"
            if step.changed_count:
                repository.drop_undone(self._session, step.dataset_id)
                step.turn = repository.next_turn(self._session, step.dataset_id)
            forget_old_steps(self._session, step.dataset_id)
        return show_step(step)

    def _may_write(self, entry: DatasetImageRow, scope: Scope, step: CaptionStepRow) -> bool:
        if not entry.caption:
            return not repository.was_typed_after(self._session, entry.id, step.created_at)
        if scope == "auto":
            return entry.caption_by == "auto"
        return scope == "all" and not repository.was_typed_after(self._session, entry.id, step.created_at)

    def _note(self, step: CaptionStepRow, entry: DatasetImageRow, reason: str) -> None:
        if len(step.notes) < MOST_NOTES and all(note[0] != entry.id for note in step.notes):
            step.notes = [*step.notes, [entry.id, entry.name, reason[:500]]]
