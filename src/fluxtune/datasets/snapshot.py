"""The frozen content of a dataset that one finetune trains on."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel
from sqlalchemy.orm import Session

from fluxtune.core.errors import Conflict, NotFound
from fluxtune.datasets import repository
from fluxtune.datasets.records import pictures_of
from fluxtune.datasets.schemas import Edits
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.tables import DatasetImageRow, DatasetRow
from fluxtune.engine.config import Snapshot, SnapshotImage
from fluxtune.images.keys import original_key, suffix_of
from fluxtune.images.schemas import Image
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
    """One image of a manifest: enough to bring its content back from storage.

    `sha256` is the picture that is trained on, edits applied. Manifests from before there were edits and repeats have
    neither `name` nor `original_sha256`.
    """

    file: str
    caption: str
    sha256: str
    format: str
    width: int
    height: int
    repeats: int = 1
    name: str = ""
    original_sha256: str | None = None
    edits: Edits | None = None


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
        return self._manifest(row, entries)

    def get_manifest(self, dataset_id: str) -> Manifest:
        """Return what a finetune that starts now would see, also of an empty dataset or one in the trash."""
        row = self._datasets.find_row(dataset_id)
        return self._manifest(row, repository.list_dataset_images(self._session, [row.id]))

    def _manifest(self, row: DatasetRow, entries: list[DatasetImageRow]) -> Manifest:
        images = self._images.get_images(pictures_of(entries))
        frozen = [_frozen(index, entry, images) for index, entry in enumerate(entries)]
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
        written.append(SnapshotImage(file=file, caption=image.caption, sha256=image.sha256, repeats=image.repeats))
    snapshot = Snapshot(hash=manifest.hash, dataset_name=manifest.dataset_name, images=written)
    _write_atomically(folder / "snapshot.json", snapshot.model_dump_json(indent=2).encode())


def _frozen(index: int, entry: DatasetImageRow, images: Mapping[str, Image]) -> FrozenImage:
    image = images[entry.image_id]
    return FrozenImage(
        file=_file_name(index, image.sha256, image.format),
        caption=entry.caption,
        sha256=image.sha256,
        format=image.format,
        width=image.width,
        height=image.height,
        repeats=entry.repeats,
        name=entry.name,
        original_sha256=images[entry.original_id].sha256 if entry.original_id is not None else None,
        edits=Edits.model_validate(entry.edits) if entry.edits is not None else None,
    )


def _file_name(index: int, sha256: str, form: str) -> str:
    return f"{index:04d}-{sha256[:12]}.{suffix_of(form)}"


def _hash(images: list[FrozenImage]) -> str:
    """Name the content: order, pictures as edited, captions and repeats; names and origins don't matter."""
    facts = [
        # One repeat is left out: hashes from before there were repeats stay true.
        [image.sha256, image.caption, *([image.repeats] if image.repeats != 1 else [])]
        for image in images
    ]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def _write_atomically(path: Path, data: bytes) -> None:
    if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(data)
    os.replace(draft, path)
