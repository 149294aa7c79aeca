"""The one place where captions change: each change keeps who wrote what, and what was there before."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text
from fluxtune.datasets.caption_history import repository
from fluxtune.datasets.schemas import CaptionAuthor, DatasetImageUpdate
from fluxtune.datasets.tables import CaptionChangeRow, DatasetImageRow

ONE_SITTING = timedelta(minutes=10)
"""Typing is saved after every pause; so long it counts as one change."""


KEPT_TYPED = 50
"""So many texts are remembered of one caption, beside those of steps over many."""
KEPT_STEPS = 100
KEPT_CHANGES = 200_000
"""So many captions the steps of a dataset remember together: twenty over 10,000 images, about 100 MB."""


class CaptionChanged(Conflict):
    """The caption is not the one that was being edited."""

    title = "The caption was changed meanwhile"
    action = "Look at the other text, then keep yours or take it."


def type_caption(session: Session, entry: DatasetImageRow, change: DatasetImageUpdate) -> None:
    """Keep a caption as somebody typed it; raise CaptionChanged if another was there than the one they edited."""
    text = clean_text(change.caption)
    if change.expected is not None and entry.caption not in (clean_text(change.expected), text):
        raise CaptionChanged(f"It now says “{entry.caption[:300]}”.", field="expected")
    if text == entry.caption:
        return
    last = repository.last_change(session, entry.id)
    if last is not None and last.step_id is None and last.after_by == "person" and now() - last.at < ONE_SITTING:
        last.after, last.after_by, last.at = text, "person" if text else "none", now()
        entry.caption, entry.caption_by, entry.caption_source = text, last.after_by, None
        return
    write_caption(session, entry, text, "person")


def write_caption(
    session: Session,
    entry: DatasetImageRow,
    text: str,
    by: CaptionAuthor,
    source: str | None = None,
    *,
    step_id: str | None = None,
) -> bool:
    """Write a caption, remembering the one before; return whether it changed."""
    if text == entry.caption:
        return False
    author: str = by if text else "none"
    repository.add_changes(session, [_change(entry, text, author, source if text else None, step_id)])
    if step_id is None:
        repository.prune_typed(session, entry.id, KEPT_TYPED)
    entry.caption, entry.caption_by, entry.caption_source = text, author, source if text else None
    return True


def import_caption(session: Session, entry: DatasetImageRow, text: str, by: CaptionAuthor) -> None:
    """Write a caption that came with a file; a first caption needs no history."""
    if entry.caption:
        write_caption(session, entry, text, by)
    else:
        entry.caption, entry.caption_by, entry.caption_source = text, by, None


def write_captions(session: Session, changes: Sequence[tuple[DatasetImageRow, str]], step_id: str) -> int:
    """Write what an edit made of captions; their authors stay, as most of the words are still theirs."""
    rows: list[dict[str, Any]] = []
    for entry, text in changes:
        author = "none" if not text else "person" if entry.caption_by == "none" else entry.caption_by
        rows.append(_change(entry, text, author, entry.caption_source if text else None, step_id))
        entry.caption, entry.caption_by = text, author
        entry.caption_source = rows[-1]["after_source"]
    repository.add_changes(session, rows)
    return len(rows)


def forget_old_steps(session: Session, dataset_id: str) -> None:
    """Keep the history of a dataset within bounds; what captions are now is not touched."""
    repository.prune_steps(session, dataset_id, KEPT_STEPS, KEPT_CHANGES)


def restore_captions(entries: dict[str, DatasetImageRow], changes: Sequence[CaptionChangeRow], *, forward: bool) -> int:
    """Take changes back, or do them again, where nobody wrote anything since; return how many captions changed."""
    count = 0
    for change in changes:
        entry = entries.get(change.dataset_image_id)
        if entry is None or entry.caption != (change.before if forward else change.after):
            continue
        if forward:
            entry.caption, entry.caption_by, entry.caption_source = change.after, change.after_by, change.after_source
        else:
            entry.caption, entry.caption_by, entry.caption_source = (
                change.before,
                change.before_by,
                change.before_source,
            )
        count += 1
    return count


def _change(entry: DatasetImageRow, text: str, by: str, source: str | None, step_id: str | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "dataset_image_id": entry.id,
        "step_id": step_id,
        "at": now(),
        "before": entry.caption,
        "before_by": entry.caption_by,
        "before_source": entry.caption_source,
        "after": text,
        "after_by": by,
        "after_source": source,
    }
