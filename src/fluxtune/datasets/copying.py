"""Copies of datasets: the same images, captions and edits in a set of its own. Stored pictures are shared."""

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.datasets import repository
from fluxtune.datasets.schemas import Dataset, DatasetCreate
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.tables import DatasetImageRow
from fluxtune.storage import Blobs

_CARRIED = (
    "image_id", "original_id", "edits", "position", "name", "caption", "caption_by", "caption_source", "tags", "notes",
    "source", "licence", "repeats",
)  # fmt: skip


def copy_dataset(session: Session, blobs: Blobs, dataset_id: str) -> Dataset:
    """Make a dataset with the same content, named after the first; what was removed there is not in it."""
    datasets = DatasetService(session, blobs)
    row = datasets.find_row(dataset_id)
    made = datasets.create_dataset(DatasetCreate(mode=row.mode, trigger_word=row.trigger_word))  # type: ignore[arg-type]
    copy = datasets.find_row(made.id)
    copy.name = datasets.free_name(f"{row.name[:100]} copy")
    copy.notes, copy.source, copy.licence, copy.sample = row.notes, row.source, row.licence, row.sample
    for entry in repository.list_dataset_images(session, [row.id]):
        values = {field: getattr(entry, field) for field in _CARRIED}
        session.add(DatasetImageRow(id=new_id(), dataset_id=copy.id, created_at=now(), **values))
    session.flush()
    return datasets.get_dataset(copy.id)
