"""Datasets: what they are called, what is in them, what is wrong with them."""

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, NotFound
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text
from fluxtune.datasets import concepts, repository
from fluxtune.datasets.caption_history.writing import type_caption
from fluxtune.datasets.check import BaseFacts, CheckedImage, check_dataset, problems_by_image
from fluxtune.datasets.check_limits import CheckLimits
from fluxtune.datasets.records import pictures_of, record_values
from fluxtune.datasets.schemas import (
    Dataset,
    DatasetCheck,
    DatasetCreate,
    DatasetImage,
    DatasetImageUpdate,
    DatasetUpdate,
)
from fluxtune.datasets.tables import DatasetImageRow, DatasetRow
from fluxtune.images.schemas import Image
from fluxtune.images.service import ImageService
from fluxtune.sharing import service as sharing
from fluxtune.storage import Blobs

COVER_COUNT = 4


class DatasetMissing(NotFound):
    """No such dataset."""

    title = "No such dataset"
    action = "Go back to the list of datasets."


class DatasetImageMissing(NotFound):
    """No such image in this dataset."""

    title = "Not in this dataset"
    action = "Open the dataset again; the image may have been removed."


class DatasetInTrash(Conflict):
    """The dataset is in the trash."""

    title = "The dataset is in the trash"
    action = "Restore it first."


class DatasetService:
    """Creates, shows, changes and checks datasets. Uploads are in `uploads.py`, snapshots in `snapshot.py`."""

    def __init__(self, session: Session, blobs: Blobs) -> None:
        self._session = session
        self._images = ImageService(session, blobs)

    def list_datasets(self, deleted: bool = False) -> list[Dataset]:
        """Return the datasets in or outside the trash, last changed first."""
        return self._show(repository.list_datasets(self._session, deleted))

    def get_dataset(self, dataset_id: str) -> Dataset:
        """Return one dataset, also from the trash."""
        return self._show([self.find_row(dataset_id)])[0]

    def create_dataset(self, create: DatasetCreate) -> Dataset:
        """Create an empty dataset; a sample's facts are used where the user gave none."""
        name, mode, trigger_word = create.name, create.mode, create.trigger_word
        if create.sample is not None:
            concept = concepts.get_concept(create.sample)
            name = name or concept.title
            mode = create.mode if "mode" in create.model_fields_set else concept.mode
            trigger_word = trigger_word or concept.trigger_word
        at = now()
        row = DatasetRow(
            id=new_id(),
            name=clean_text(name or "") or self.free_name("Dataset"),
            mode=mode,
            trigger_word=clean_text(trigger_word),
            notes="",
            sample=create.sample,
            created_at=at,
            updated_at=at,
            deleted_at=None,
        )
        if create.name is None:
            row.name = self.free_name(row.name)
        repository.add(self._session, row)
        sharing.own(self._session, "dataset", row.id)
        return self.get_dataset(row.id)

    def update_dataset(self, dataset_id: str, change: DatasetUpdate) -> Dataset:
        """Change what was given."""
        row = self.find_row(dataset_id, writable=True)
        values = change.model_dump(exclude_unset=True, exclude_none=True)
        if change.check_limits is not None:
            values.pop("check_limits")
            row.check_limits = change.check_limits.model_dump(exclude_defaults=True)
        for field, value in values.items():
            setattr(row, field, value if field == "mode" else clean_text(value))
        if not row.name:
            row.name = self.free_name("Dataset")
        repository.touch(row, now())
        return self._show([row])[0]

    def delete_dataset(self, dataset_id: str) -> None:
        """Put a dataset into the trash; doing it twice changes nothing."""
        row = self.find_row(dataset_id)
        if row.deleted_at is None:
            row.deleted_at = now()
            audit.record(self._session, "dataset.deleted", "dataset", row.id, name=row.name)

    def restore_dataset(self, dataset_id: str) -> Dataset:
        """Take a dataset out of the trash."""
        row = self.find_row(dataset_id)
        if row.deleted_at is not None:
            row.deleted_at = None
            audit.record(self._session, "dataset.restored", "dataset", row.id, name=row.name)
        return self._show([row])[0]

    def list_images(self, dataset_id: str) -> list[DatasetImage]:
        """Return a dataset's images in order, each with its problems."""
        row = self.find_row(dataset_id)
        return self.show_images(row, repository.list_dataset_images(self._session, [row.id]))

    def update_image(self, dataset_id: str, dataset_image_id: str, change: DatasetImageUpdate) -> DatasetImage:
        """Keep a caption as the user typed it."""
        row = self.find_row(dataset_id, writable=True)
        entry = self._find_image(row, dataset_image_id)
        type_caption(self._session, entry, change)
        repository.touch(row, now())
        return self._show_one(row, entry)

    def delete_image(self, dataset_id: str, dataset_image_id: str) -> None:
        """Remove an image from a dataset; it can be put back."""
        row = self.find_row(dataset_id, writable=True)
        entry = self._find_image(row, dataset_image_id)
        entry.deleted_at = entry.deleted_at or now()
        repository.touch(row, now())

    def restore_image(self, dataset_id: str, dataset_image_id: str) -> DatasetImage:
        """Put a removed image back where it was."""
        row = self.find_row(dataset_id, writable=True)
        entry = self._find_image(row, dataset_image_id)
        entry.deleted_at = None
        repository.touch(row, now())
        self._session.flush()
        return self._show_one(row, entry)

    def check(self, dataset_id: str, base: BaseFacts | None = None) -> DatasetCheck:
        """Say what would spoil the training, of that base if one is given."""
        return self._check(self.find_row(dataset_id), base)

    def find_row(self, dataset_id: str, *, writable: bool = False) -> DatasetRow:
        """Return a dataset's row; a dataset in the trash can be read, not changed."""
        row = repository.find_dataset(self._session, dataset_id)
        if row is None:
            raise DatasetMissing(f"There is no dataset “{dataset_id[:64]}”.")
        sharing.check(self._session, "dataset", row.id)
        if writable and row.deleted_at is not None:
            raise DatasetInTrash(f"“{row.name}” was put into the trash.")
        return row

    def show_images(
        self, row: DatasetRow, entries: list[DatasetImageRow], only: set[str] | None = None
    ) -> list[DatasetImage]:
        """Return entries as the API shows them; problems come from the whole dataset, `only` picks some of it."""
        wanted = [entry for entry in entries if only is None or entry.id in only]
        if not wanted:
            return []
        images = self._images.get_images(pictures_of(wanted))
        problems = problems_by_image(self._check(row))
        return [
            DatasetImage.model_validate(record_values(entry, images) | {"problems": problems.get(entry.id, [])})
            for entry in wanted
        ]

    def _show_one(self, row: DatasetRow, entry: DatasetImageRow) -> DatasetImage:
        entries = repository.list_dataset_images(self._session, [row.id])
        if all(other.id != entry.id for other in entries):
            entries = [*entries, entry]
        return self.show_images(row, entries, {entry.id})[0]

    def _find_image(self, row: DatasetRow, dataset_image_id: str) -> DatasetImageRow:
        entry = repository.find_dataset_image(self._session, row.id, dataset_image_id)
        if entry is None:
            raise DatasetImageMissing(f"“{row.name}” has no image “{dataset_image_id[:64]}”.")
        return entry

    def list_checked(self, dataset_id: str) -> list[CheckedImage]:
        """Return a dataset's images as the check sees them."""
        self._session.flush()
        return [CheckedImage(*row) for row in repository.list_checked(self._session, dataset_id)]

    def _check(self, row: DatasetRow, base: BaseFacts | None = None) -> DatasetCheck:
        limits = CheckLimits.model_validate(row.check_limits)
        return check_dataset(self.list_checked(row.id), row.mode, row.trigger_word, limits, base, name=row.id)

    def free_name(self, wish: str) -> str:
        """Return the wished name, numbered if it is taken."""
        wish = wish[:110]
        name, number = wish, 2
        while repository.name_exists(self._session, name):
            name, number = f"{wish} {number}", number + 1
        return name

    def _show(self, rows: list[DatasetRow]) -> list[Dataset]:
        ids = [row.id for row in rows]
        counts = repository.count_images(self._session, ids)
        firsts = repository.first_images(self._session, ids, COVER_COUNT)
        images = self._images.get_images(image_id for first in firsts.values() for image_id in first)
        return [
            _to_schema(row, counts.get(row.id, (0, 0)), [images[image_id] for image_id in firsts[row.id]])
            for row in rows
        ]


def _to_schema(row: DatasetRow, counts: tuple[int, int], covers: list[Image]) -> Dataset:
    return Dataset.model_validate(
        {
            "id": row.id,
            "name": row.name,
            "mode": row.mode,
            "trigger_word": row.trigger_word,
            "notes": row.notes,
            "source": row.source,
            "licence": row.licence,
            "check_limits": row.check_limits,
            "sample": row.sample,
            "image_count": counts[0],
            "captioned_count": counts[1],
            "covers": covers,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
            "deleted_at": row.deleted_at,
        }
    )
