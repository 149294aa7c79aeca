"""The grid of a dataset's images: views by filter, records of a window, what changed since, changes to many at once.

Nothing here reads a whole dataset, but for the ids of a view: 10,000 images must open and scroll at once.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.text import clean_text
from fluxtune.datasets import repository
from fluxtune.datasets.check import problems_by_image
from fluxtune.datasets.records import clean_tag, join_tags, pictures_of, record_values, split_tags
from fluxtune.datasets.schemas import Grid, GridChanges, GridCounts, GridFilter, GridImage, ImagesChange, ImagesChanged
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.tables import DatasetImageRow
from fluxtune.images.service import ImageService
from fluxtune.storage import Blobs

FIRST_RECORDS = 60
"""What fills the largest screen before anything is scrolled."""
MOST_CHANGES = 500
OVERLAP = timedelta(seconds=2)
"""Where writers overlap (PostgreSQL), a change may become visible after a later one; telling one twice does no harm."""
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_TEXTS = ("notes", "source", "licence")


class GridService:
    """Shows and changes many images of a dataset."""

    def __init__(self, session: Session, blobs: Blobs) -> None:
        self._session = session
        self._images = ImageService(session, blobs)
        self._datasets = DatasetService(session, blobs)

    def get_grid(self, dataset_id: str, wanted: GridFilter) -> Grid:
        """Return a view: all ids that match, the first records, and counts of the whole dataset."""
        row = self._datasets.find_row(dataset_id)
        revision = repository.newest_change(self._session, row.id) or _BEGINNING
        ids = repository.grid_ids(self._session, row.id, wanted)
        if wanted.problem is not None:
            problems = problems_by_image(self._datasets.check(row.id))
            ids = [each for each in ids if wanted.problem in problems.get(each, ())]
        return Grid(
            ids=ids, images=self._records(row.id, ids[:FIRST_RECORDS]), counts=self._counts(row.id), revision=revision
        )

    def get_records(self, dataset_id: str, ids: Sequence[str]) -> list[GridImage]:
        """Return the records of a window in the order asked for; unknown ids are left out."""
        return self._records(self._datasets.find_row(dataset_id).id, ids)

    def get_changes(self, dataset_id: str, since: datetime) -> GridChanges:
        """Return what became of a dataset's images since a revision."""
        row = self._datasets.find_row(dataset_id)
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        newest = repository.newest_change(self._session, row.id) or _BEGINNING
        if newest <= since:
            return GridChanges(images=[], removed_ids=[], is_too_much=False, revision=since)
        entries = repository.list_changed(self._session, row.id, since - OVERLAP, MOST_CHANGES + 1)
        if len(entries) > MOST_CHANGES:
            return GridChanges(images=[], removed_ids=[], is_too_much=True, revision=newest)
        present = [entry for entry in entries if entry.deleted_at is None]
        return GridChanges(
            images=self._show(present),
            removed_ids=[entry.id for entry in entries if entry.deleted_at is not None],
            is_too_much=False,
            revision=newest,
        )

    def change_images(self, dataset_id: str, change: ImagesChange) -> ImagesChanged:
        """Make one change to many images; the answer says how to take it back."""
        row = self._datasets.find_row(dataset_id, writable=True)
        entries = repository.find_dataset_images(self._session, row.id, change.ids)
        at = now()
        changed: set[str] = set()
        undo: list[ImagesChange] = []
        for step in (self._change_tags, self._change_texts, self._change_repeats, self._change_removed):
            for back in step(entries, change):
                undo.append(back)
                changed.update(back.ids)
        if changed:
            repository.touch(row, at)
        return ImagesChanged(changed_count=len(changed), undo=undo[::-1])

    def _change_tags(self, entries: list[DatasetImageRow], change: ImagesChange) -> list[ImagesChange]:
        undo = []
        for tag in filter(None, (clean_tag(tag) for tag in change.add_tags)):
            lacking = [entry for entry in entries if tag not in split_tags(entry.tags)]
            for entry in lacking:
                entry.tags = join_tags([*split_tags(entry.tags), tag])
            undo.append(ImagesChange(ids=_ids(lacking), remove_tags=[tag]))
        for tag in filter(None, (clean_tag(tag) for tag in change.remove_tags)):
            having = [entry for entry in entries if tag in split_tags(entry.tags)]
            for entry in having:
                entry.tags = join_tags(each for each in split_tags(entry.tags) if each != tag)
            undo.append(ImagesChange(ids=_ids(having), add_tags=[tag]))
        return [each for each in undo if each.ids]

    def _change_texts(self, entries: list[DatasetImageRow], change: ImagesChange) -> list[ImagesChange]:
        return [
            back
            for field in _TEXTS
            if (text := getattr(change, field)) is not None
            for back in _set(entries, field, clean_text(text))
        ]

    def _change_repeats(self, entries: list[DatasetImageRow], change: ImagesChange) -> list[ImagesChange]:
        return _set(entries, "repeats", change.repeats) if change.repeats is not None else []

    def _change_removed(self, entries: list[DatasetImageRow], change: ImagesChange) -> list[ImagesChange]:
        if change.removed is None:
            return []
        moved = [entry for entry in entries if (entry.deleted_at is not None) != change.removed]
        for entry in moved:
            entry.deleted_at = now() if change.removed else None
        return [ImagesChange(ids=_ids(moved), removed=not change.removed)] if moved else []

    def _counts(self, dataset_id: str) -> GridCounts:
        numbers = repository.grid_counts(self._session, dataset_id)
        tags: dict[str, int] = defaultdict(int)
        for stored, count in repository.tag_sets(self._session, dataset_id):
            for tag in split_tags(stored):
                tags[tag] += count
        kinds = {kind: _of_kind(numbers, kind) for kind in ("size", "shape")}
        return GridCounts.model_validate(
            {
                **{name: number for name, number in numbers.items() if " " not in name},
                "sizes": kinds["size"],
                "shapes": kinds["shape"],
                "tags": dict(sorted(tags.items(), key=lambda item: (-item[1], item[0]))),
            }
        )

    def _records(self, dataset_id: str, ids: Sequence[str]) -> list[GridImage]:
        found = {record.id: record for record in self._show(self._find(dataset_id, ids))}
        return [found[each] for each in ids if each in found]

    def _find(self, dataset_id: str, ids: Sequence[str]) -> list[DatasetImageRow]:
        return repository.find_dataset_images(self._session, dataset_id, ids)

    def _show(self, entries: Sequence[DatasetImageRow]) -> list[GridImage]:
        images = self._images.get_images(pictures_of(entries))
        return [GridImage.model_validate(record_values(entry, images)) for entry in entries]


def _ids(entries: Sequence[DatasetImageRow]) -> list[str]:
    return [entry.id for entry in entries]


def _of_kind(numbers: dict[str, int], kind: str) -> dict[str, int]:
    return {name.removeprefix(f"{kind} "): number for name, number in numbers.items() if name.startswith(f"{kind} ")}


def _set(entries: Sequence[DatasetImageRow], field: str, value: Any) -> list[ImagesChange]:
    """Set a value where it differs; return the changes that bring the earlier values back."""
    before: dict[Any, list[str]] = defaultdict(list)
    for entry in entries:
        if getattr(entry, field) != value:
            before[getattr(entry, field)].append(entry.id)
            setattr(entry, field, value)
    return [ImagesChange.model_validate({"ids": ids, field: old}) for old, ids in before.items()]
