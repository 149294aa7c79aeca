"""Steps over many captions: previewed, done, undone, done again; and what captions were and say."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict
from fluxtune.core.ids import new_id
from fluxtune.datasets.caption_history import repository
from fluxtune.datasets.caption_history.schemas import (
    CaptionFrequencies,
    CaptionLengths,
    CaptionNote,
    CaptionPair,
    CaptionPreview,
    CaptionStep,
    CaptionStepCreate,
    CaptionSteps,
    CaptionVersion,
    Frequency,
    StepChoice,
    StepRestored,
)
from fluxtune.datasets.caption_history.writing import KEPT_STEPS, forget_old_steps, restore_captions, write_captions
from fluxtune.datasets.captions_edits import edit_captions, tags_of, title_of, words_of
from fluxtune.datasets.repository import list_dataset_images, touch
from fluxtune.datasets.service import DatasetImageMissing, DatasetService
from fluxtune.datasets.tables import CaptionStepRow, DatasetImageRow, DatasetRow
from fluxtune.engine.tokens import count_tokens
from fluxtune.storage import Blobs

SHOWN_CHANGES = 200
SHOWN_STEPS = KEPT_STEPS
SHOWN_VERSIONS = 50
SHOWN_FREQUENCIES = 500


class NothingToUndo(Conflict):
    """No step is left to undo or to do again."""

    title = "There is nothing to undo"
    action = "Look at the history of the captions."


class OtherStepNext(Conflict):
    """Another step came after the one that is meant."""

    title = "Other changes came after"
    action = "Undo those first; the history lists them in turn."


class CaptionService:
    """Everything a user does to many captions at once."""

    def __init__(self, session: Session, blobs: Blobs) -> None:
        self._session = session
        self._datasets = DatasetService(session, blobs)

    def preview(self, dataset_id: str, create: CaptionStepCreate) -> CaptionPreview:
        """Return what an edit would do, without doing it."""
        row = self._datasets.find_row(dataset_id)
        entries = self._entries(row, create.dataset_image_ids)
        changes, refused = _changed(create, entries, row.trigger_word)
        return CaptionPreview(
            title=title_of(create.edit, row.trigger_word),
            image_count=len(entries),
            changed_count=len(changes),
            typed_count=sum(entry.caption_by == "person" for entry, _ in changes),
            changes=[
                CaptionPair(dataset_image_id=entry.id, name=entry.name, before=entry.caption, after=text)
                for entry, text in changes[:SHOWN_CHANGES]
            ],
            refused=[entry.name for entry in refused],
        )

    def apply(self, dataset_id: str, create: CaptionStepCreate) -> CaptionStep:
        """Do an edit, as one step of the history; one that changes nothing leaves none to undo."""
        row = self._datasets.find_row(dataset_id, writable=True)
        changes, refused = _changed(create, self._entries(row, create.dataset_image_ids), row.trigger_word)
        step = CaptionStepRow(
            id=new_id(), dataset_id=row.id, job_id=None, kind=create.edit.kind,
            title=title_of(create.edit, row.trigger_word), state="done", changed_count=len(changes),
            notes=[[entry.id, entry.name, "It would become too long."] for entry in refused[:SHOWN_CHANGES]],
            turn=repository.next_turn(self._session, row.id), created_at=now(),
        )  # fmt: skip
        if changes:
            repository.drop_undone(self._session, row.id)
            repository.add_step(self._session, step)
            write_captions(self._session, changes, step.id)
            forget_old_steps(self._session, row.id)
            touch(row, now())
        return show_step(step)

    def list_steps(self, dataset_id: str) -> CaptionSteps:
        """Return the history of a dataset's captions."""
        row = self._datasets.find_row(dataset_id)
        undo, redo = repository.next_undo(self._session, row.id), repository.next_redo(self._session, row.id)
        return CaptionSteps(
            steps=[show_step(step) for step in repository.list_steps(self._session, row.id, SHOWN_STEPS)],
            undo_id=undo.id if undo else None,
            redo_id=redo.id if redo else None,
        )

    def undo(self, dataset_id: str, choice: StepChoice) -> StepRestored:
        """Take the last step back; captions that were changed since stay as they are."""
        return self._restore(dataset_id, choice, repository.next_undo, forward=False)

    def redo(self, dataset_id: str, choice: StepChoice) -> StepRestored:
        """Do the step again that was undone last."""
        return self._restore(dataset_id, choice, repository.next_redo, forward=True)

    def list_versions(self, dataset_id: str, dataset_image_id: str) -> list[CaptionVersion]:
        """Return what the caption of an image was, newest first; the last is what it was at the beginning."""
        row = self._datasets.find_row(dataset_id)
        if all(entry.id != dataset_image_id for entry in list_dataset_images(self._session, [row.id])):
            raise DatasetImageMissing(f"“{row.name}” has no image “{dataset_image_id[:64]}”.")
        changes = repository.list_changes(self._session, dataset_image_id, SHOWN_VERSIONS)
        versions = [
            _version(change.after, change.after_by, change.after_source).model_copy(
                update={
                    "at": change.at,
                    "step_title": step.title if step else None,
                    "is_undone": step is not None and step.state in ("undone", "dropped"),
                }
            )
            for change, step in changes
        ]
        if changes and changes[-1][0].before:
            first = changes[-1][0]
            versions.append(_version(first.before, first.before_by, first.before_source))
        return versions

    def list_frequencies(self, dataset_id: str, base_folder: Path | None = None) -> CaptionFrequencies:
        """Count in how many captions each tag and each word is, and how long captions are to a base."""
        row = self._datasets.find_row(dataset_id)
        entries = [entry for entry in list_dataset_images(self._session, [row.id]) if entry.caption]
        captions = [entry.caption for entry in entries]
        counts, is_counted = count_tokens(captions, base_folder)
        longest = max(zip(counts, entries, strict=True), key=lambda each: each[0], default=None)
        return CaptionFrequencies(
            captioned_count=len(captions),
            tokens=CaptionLengths(
                median=round(median(counts)) if counts else 0,
                longest=longest[0] if longest else 0,
                longest_id=longest[1].id if longest else None,
                is_counted=is_counted,
            ),
            tags=_count(captions, tags_of),
            words=_count(captions, words_of),
        )

    def _entries(self, row: DatasetRow, ids: Iterable[str] | None) -> list[DatasetImageRow]:
        entries = list_dataset_images(self._session, [row.id])
        if ids is None:
            return entries
        wanted = set(ids)
        return [entry for entry in entries if entry.id in wanted]

    def _restore(
        self,
        dataset_id: str,
        choice: StepChoice,
        find: Callable[[Session, str], CaptionStepRow | None],
        *,
        forward: bool,
    ) -> StepRestored:
        row = self._datasets.find_row(dataset_id, writable=True)
        step = find(self._session, row.id)
        if step is None:
            raise NothingToUndo(f"No change to many captions of “{row.name}” is left.")
        if choice.step_id not in (None, step.id):
            raise OtherStepNext(f"The next one is: {step.title}.", field="step_id")
        changes = repository.list_step_changes(self._session, step.id)
        entries = {entry.id: entry for entry in list_dataset_images(self._session, [row.id])}
        count = restore_captions(entries, changes[::-1] if forward else changes, forward=forward)
        step.state = "done" if forward else "undone"
        touch(row, now())
        return StepRestored(step=show_step(step), changed_count=count, kept_count=len(changes) - count)


def show_step(step: CaptionStepRow) -> CaptionStep:
    """Return a step as the API shows it."""
    notes = [CaptionNote(dataset_image_id=each[0], name=each[1], reason=each[2]) for each in step.notes]
    return CaptionStep.model_validate(
        {
            "id": step.id,
            "job_id": step.job_id,
            "kind": step.kind,
            "title": step.title,
            "state": step.state,
            "changed_count": step.changed_count,
            "notes": notes,
            "created_at": step.created_at,
        }
    )


def _changed(
    create: CaptionStepCreate, entries: Sequence[DatasetImageRow], trigger_word: str
) -> tuple[list[tuple[DatasetImageRow, str]], list[DatasetImageRow]]:
    """Return the entries whose caption changes, with the new one, and those whose caption would be too long."""
    texts = edit_captions(create.edit, [entry.caption for entry in entries], trigger_word)
    pairs = list(zip(entries, texts, strict=True))
    # Only blanks that are no longer as they were: not what was asked for.
    changes = [(e, text) for e, text in pairs if text is not None and text != " ".join(e.caption.split())]
    return changes, [entry for entry, text in pairs if text is None]


def _version(caption: str, by: str, source: str | None) -> CaptionVersion:
    return CaptionVersion.model_validate(
        {
            "caption": caption,
            "caption_by": by,
            "caption_source": source,
            "at": None,
            "step_title": None,
            "is_undone": False,
        }
    )


def _count(captions: Sequence[str], parts: Callable[[str], list[str]]) -> list[Frequency]:
    counts: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for caption in captions:
        for part in {each.casefold(): each for each in parts(caption)}.items():
            spelled.setdefault(*part)
            counts[part[0]] += 1
    return [Frequency(text=spelled[key], count=count) for key, count in counts.most_common(SHOWN_FREQUENCIES)]
