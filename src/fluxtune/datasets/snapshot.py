"""The frozen content of a dataset that one finetune trains on."""

import hashlib
import json
import os
from pathlib import Path

from pydantic import BaseModel
from sqlalchemy.orm import Session

from fluxtune.core.errors import Conflict, NotFound
from fluxtune.datasets import repository
from fluxtune.datasets.service import DatasetService
from fluxtune.engine.config import Snapshot, SnapshotImage
from fluxtune.images.keys import original_key, suffix_of
from fluxtune.images.service import ImageService
from fluxtune.imaging import normalise
from fluxtune.storage import BlobNotFound, Blobs


class DatasetEmpty(Conflict):
    """The dataset has no images."""

    title = "The dataset has no images"
    action = "Add a handful of images first: 6 to 20 of one subject work best."


class SnapshotIncomplete(NotFound):
    """An image of a snapshot is not in storage any more."""

    title = "A training image is gone"
    action = "Bring the data folder's blobs back from a backup, or add the image again; then resume the run."


class FrozenImage(BaseModel):
    """One image of a manifest: enough to bring its content back from storage."""

    file: str
    caption: str
    sha256: str
    format: str
    width: int
    height: int


class Manifest(BaseModel):
    """A dataset as it was at one moment. Stored with the finetune; contents stay in storage under their hashes."""

    hash: str
    dataset_name: str
    images: list[FrozenImage]


class SnapshotService:
    """Freezes datasets."""

    def __init__(self, session: Session, blobs: Blobs) -> None:
        self._session = session
        self._images = ImageService(session, blobs)
        self._datasets = DatasetService(session, blobs)

    def freeze(self, dataset_id: str) -> Manifest:
        """Return the manifest of a dataset as it is now."""
        row = self._datasets.find_row(dataset_id, writable=True)
        entries = repository.list_dataset_images(self._session, [row.id])
        if not entries:
            raise DatasetEmpty(f"“{row.name}” is empty.")
        images = self._images.get_images(entry.image_id for entry in entries)
        frozen = [
            FrozenImage(
                file=_file_name(index, images[entry.image_id].sha256, images[entry.image_id].format),
                caption=entry.caption,
                sha256=images[entry.image_id].sha256,
                format=images[entry.image_id].format,
                width=images[entry.image_id].width,
                height=images[entry.image_id].height,
            )
            for index, entry in enumerate(entries)
        ]
        return Manifest(hash=_hash(frozen), dataset_name=row.name, images=frozen)


def write_snapshot(blobs: Blobs, manifest: Manifest, folder: Path) -> None:
    """Write images and `snapshot.json` into a folder; what is there already is not written again.

    Raises `SnapshotIncomplete` if storage has lost an image.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[SnapshotImage] = []
    for number, image in enumerate(manifest.images, 1):
        try:
            content = normalise(blobs.get(original_key(image.sha256, image.format)))
        except BlobNotFound as error:
            detail = f"Image {number} of the {len(manifest.images)} of “{manifest.dataset_name}” is not in storage."
            raise SnapshotIncomplete(detail, technical=error.detail) from error
        file = f"{Path(image.file).stem}.{content.suffix}"
        _write_atomically(folder / file, content.data)
        written.append(SnapshotImage(file=file, caption=image.caption, sha256=image.sha256))
    snapshot = Snapshot(hash=manifest.hash, dataset_name=manifest.dataset_name, images=written)
    _write_atomically(folder / "snapshot.json", snapshot.model_dump_json(indent=2).encode())


def _file_name(index: int, sha256: str, form: str) -> str:
    return f"{index:04d}-{sha256[:12]}.{suffix_of(form)}"


def _hash(images: list[FrozenImage]) -> str:
    """Name the content: order, images and captions; names and where it came from don't matter."""
    facts = [[image.sha256, image.caption] for image in images]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def _write_atomically(path: Path, data: bytes) -> None:
    if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(data)
    os.replace(draft, path)
