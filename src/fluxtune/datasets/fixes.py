"""The one-click fixes of the dataset check. Each can be taken back; nothing is removed for good."""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.datasets import repository
from fluxtune.datasets.caption_history import repository as caption_steps
from fluxtune.datasets.caption_history.schemas import CaptionStepCreate
from fluxtune.datasets.caption_history.service import CaptionService
from fluxtune.datasets.caption_history.writing import write_captions
from fluxtune.datasets.captions_edits import CaptionEdit, TriggerEdit
from fluxtune.datasets.check_captions import long_ones
from fluxtune.datasets.check_images import best_of, surplus
from fluxtune.datasets.check_limits import CheckLimits
from fluxtune.datasets.check_rules import BaseFacts, Rules
from fluxtune.datasets.edits import EditService, make_edits
from fluxtune.datasets.schemas import CropsRequest, FindingKind, FixKind, FixResult, ImageEdits
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.tables import CaptionStepRow
from fluxtune.db import Database
from fluxtune.engine.tokens import count_tokens
from fluxtune.storage import Blobs

_REMOVES: dict[FixKind, FindingKind] = {
    "remove_small": "too_small",
    "remove_blurred": "blurred",
    "remove_compressed": "compressed",
    "remove_transparent": "transparent",
}
_TRIGGERS: dict[FixKind, tuple[FindingKind, TriggerEdit]] = {
    "insert_trigger": ("trigger_missing", TriggerEdit(action="insert")),
    "single_trigger": ("trigger_doubled", TriggerEdit(action="move")),
    "caption_with_trigger": ("caption_missing", TriggerEdit(action="insert", fill_empty=True)),
}
CROP_ASPECT = 1.5
"""What odd shapes are cut to, lying or standing: 3:2, the shape of most photographs."""
MOST_CROPS = 100
"""Pictures are made while the page waits; the next click does the next ones."""


class FixService:
    """Does what a finding's button says."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    def apply(self, dataset_id: str, fix: FixKind, base: BaseFacts | None = None) -> FixResult:
        """Apply a fix to what the check finds now; the answer says how to take it back."""
        if fix == "crop_odd":
            return self._crop(dataset_id, base)
        with self._database.transaction() as session:
            datasets = DatasetService(session, self._blobs)
            row = datasets.find_row(dataset_id, writable=True)
            limits = CheckLimits.model_validate(row.check_limits)
            rules = Rules(datasets.list_checked(row.id), row.mode, row.trigger_word, limits, base, row.id)
            if fix in _TRIGGERS:
                kind, edit = _TRIGGERS[fix]
                step = self._edit(session, dataset_id, self._found(session, dataset_id, base, kind), edit)
                return self._result(session, dataset_id, base, step=step)
            if fix == "shorten_captions":
                step = self._shorten(session, dataset_id, rules)
                return self._result(session, dataset_id, base, step=step)
            removed = self._remove(session, dataset_id, self._to_remove(session, dataset_id, fix, rules))
            return self._result(session, dataset_id, base, removed=removed)

    def _found(self, session: Session, dataset_id: str, base: BaseFacts | None, kind: FindingKind) -> list[str]:
        check = DatasetService(session, self._blobs).check(dataset_id, base)
        return [key for each in check.findings if each.kind == kind for key in each.dataset_image_ids]

    def _to_remove(self, session: Session, dataset_id: str, fix: FixKind, rules: Rules) -> list[str]:
        if fix == "remove_duplicates":
            return [image.id for group in rules.alike for image in group if image.id != best_of(group).id]
        if fix == "keep_different":
            return [image.id for image in surplus(rules)]
        return self._found(session, dataset_id, rules.base, _REMOVES[fix])

    def _remove(self, session: Session, dataset_id: str, ids: Sequence[str]) -> list[str]:
        at = now()
        entries = repository.find_dataset_images(session, dataset_id, ids)
        for entry in entries:
            entry.deleted_at = at
        if entries:
            repository.touch(DatasetService(session, self._blobs).find_row(dataset_id), at)
        return [entry.id for entry in entries]

    def _edit(self, session: Session, dataset_id: str, ids: list[str], edit: CaptionEdit) -> tuple[str | None, int]:
        if not ids:
            return None, 0
        create = CaptionStepCreate(edit=edit, dataset_image_ids=ids)
        step = CaptionService(session, self._blobs).apply(dataset_id, create)
        return (step.id, step.changed_count) if step.changed_count else (None, 0)

    def _shorten(self, session: Session, dataset_id: str, rules: Rules) -> tuple[str | None, int]:
        limit, long, _ = long_ones(rules)
        folder = rules.base.folder if rules.base else None

        def measure(texts: Sequence[str]) -> list[int]:
            return count_tokens(texts, folder)[0]

        texts = {image.id: shorten(image.caption, limit, measure) for image in long}
        entries = repository.find_dataset_images(session, dataset_id, list(texts))
        if not entries:
            return None, 0
        step = CaptionStepRow(
            id=new_id(), dataset_id=dataset_id, job_id=None, kind="shorten", title=f"Shorten to {limit} tokens",
            state="done", changed_count=len(entries), notes=[], turn=caption_steps.next_turn(session, dataset_id),
            created_at=now(),
        )  # fmt: skip
        caption_steps.drop_undone(session, dataset_id)
        caption_steps.add_step(session, step)
        write_captions(session, [(entry, texts[entry.id]) for entry in entries], step.id)
        return step.id, len(entries)

    def _crop(self, dataset_id: str, base: BaseFacts | None) -> FixResult:
        """Cut odd shapes as suggested. Pictures are made between two short transactions."""
        with self._database.transaction() as session:
            odd = set(self._found(session, dataset_id, base, "odd_shape")[:MOST_CROPS])
            images = [each for each in DatasetService(session, self._blobs).list_checked(dataset_id) if each.id in odd]
            edits = EditService(session, self._blobs)
            requests = [
                CropsRequest(ids=[each.id for each in images if each.width > each.height], aspect=CROP_ASPECT),
                CropsRequest(ids=[each.id for each in images if each.width <= each.height], aspect=1 / CROP_ASPECT),
            ]
            suggested = [each for request in requests for each in edits.suggest(dataset_id, request)]
            tasks = edits.plan(dataset_id, [ImageEdits(id=each.id, edits=each.edits) for each in suggested])
        made = make_edits(self._blobs, tasks)
        with self._database.transaction() as session:
            before = EditService(session, self._blobs).keep(dataset_id, made).undo
            return self._result(session, dataset_id, base, edits=before)

    def _result(
        self,
        session: Session,
        dataset_id: str,
        base: BaseFacts | None,
        *,
        removed: Sequence[str] = (),
        edits: Sequence[ImageEdits] = (),
        step: tuple[str | None, int] = (None, 0),
    ) -> FixResult:
        session.flush()
        check = DatasetService(session, self._blobs).check(dataset_id, base)
        return FixResult(
            **check.model_dump(), changed_count=len(removed) + len(edits) + step[1], removed_ids=list(removed),
            edits_before=list(edits), caption_step_id=step[0],
        )  # fmt: skip


def shorten(caption: str, limit: int, measure: Callable[[Sequence[str]], list[int]]) -> str:
    """Return the longest beginning of a caption that fits: whole sentences, else whole parts, else whole words."""
    for mark in (". ", ", ", " "):
        parts = caption.split(mark)
        low, high = 0, len(parts)
        while low < high:
            middle = (low + high + 1) // 2
            if measure([mark.join(parts[:middle])])[0] <= limit:
                low = middle
            else:
                high = middle - 1
        kept = mark.join(parts[:low]).rstrip(" ,")
        # Whole sentences only where most of what fits is kept: one short sentence and a long one keeps words of both.
        if kept and (mark == " " or measure([kept])[0] >= limit // 2):
            return kept + ("." if mark == ". " and not kept.endswith(".") else "")
    return caption[: max(1, limit)]
