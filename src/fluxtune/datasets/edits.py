"""Crop, turn and mirror: a recipe beside each image, the original untouched.

The edited picture is made once and stored under its own hash like any other, so that thumbnails, the check, captions
and snapshots see it without knowing of edits. Pictures are made outside of any transaction.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image as Pixels
from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.datasets import repository
from fluxtune.datasets.records import pictures_of, record_values
from fluxtune.datasets.schemas import Crop, CropsRequest, CropSuggestion, Edits, EditsDone, GridImage, ImageEdits
from fluxtune.datasets.service import DatasetImageMissing, DatasetService
from fluxtune.datasets.tables import DatasetImageRow, DatasetRow
from fluxtune.images.keys import original_key
from fluxtune.images.schemas import Image
from fluxtune.images.service import ImageService, StoredContent, read_thumbnail, store_content
from fluxtune.imaging import decode, edit, find_content, suggest_crop, write_edited
from fluxtune.storage import Blobs

PREVIEW = 320
"""Longest side of the thumbnail that cuts are suggested from."""


@dataclass(frozen=True, slots=True)
class EditTask:
    """One image to be edited: what it is made from, and how. `edits` is None to restore the original."""

    id: str
    original: Image
    edits: Edits | None


@dataclass(frozen=True, slots=True)
class MadeEdit:
    """One edit whose picture is safe in storage; `content` is None where the original is shown again."""

    id: str
    original_id: str
    edits: Edits | None
    content: StoredContent | None


def make_edits(blobs: Blobs, tasks: Iterable[EditTask]) -> list[MadeEdit]:
    """Make and store the edited pictures. Needs no database, so that no lock is held meanwhile."""
    return [
        MadeEdit(
            id=task.id,
            original_id=task.original.id,
            edits=task.edits,
            content=store_content(blobs, _edited(blobs, task.original, task.edits)) if task.edits else None,
        )
        for task in tasks
    ]


def _edited(blobs: Blobs, original: Image, edits: Edits) -> bytes:
    decoded = decode(blobs.get(original_key(original.sha256, original.format)))
    crop = edits.crop
    box = (crop.left, crop.top, crop.width, crop.height) if crop else None
    return write_edited(edit(decoded.pixels, edits.turn, edits.mirror, box), decoded.format).data


class EditService:
    """Plans and keeps edits, and suggests cuts."""

    def __init__(self, session: Session, blobs: Blobs) -> None:
        self._session = session
        self._blobs = blobs
        self._images = ImageService(session, blobs)
        self._datasets = DatasetService(session, blobs)

    def plan(self, dataset_id: str, changes: Iterable[ImageEdits]) -> list[EditTask]:
        """Return what there is to do: each image with its original. What stays as it is is left out."""
        row = self._datasets.find_row(dataset_id, writable=True)
        wanted = {change.id: change.edits for change in changes}
        entries = self._find(row, wanted)
        originals = self._images.get_images(entry.original_id or entry.image_id for entry in entries)
        tasks = []
        for entry in entries:
            edits = _tidy(wanted[entry.id], originals[entry.original_id or entry.image_id])
            if edits != _edits_of(entry):
                tasks.append(EditTask(entry.id, originals[entry.original_id or entry.image_id], edits))
        return tasks

    def keep(self, dataset_id: str, made: Iterable[MadeEdit]) -> EditsDone:
        """Let images be shown and trained as edited; return what takes it back."""
        row = self._datasets.find_row(dataset_id, writable=True)
        by_id = {each.id: each for each in made}
        entries = self._find(row, by_id)
        undo = []
        for entry in entries:
            each = by_id[entry.id]
            undo.append(ImageEdits(id=entry.id, edits=_edits_of(entry)))
            if each.content is None or each.edits is None:
                entry.image_id, entry.original_id, entry.edits = each.original_id, None, None
                continue
            entry.image_id = self._images.create_image(each.content, "edited").id
            entry.original_id, entry.edits = each.original_id, each.edits.model_dump(mode="json")
        if entries:
            repository.touch(row, now())
        self._session.flush()
        images = self._images.get_images(pictures_of(entries))
        shown = [GridImage.model_validate(record_values(entry, images)) for entry in entries]
        return EditsDone(images=shown, undo=undo)

    def suggest(self, dataset_id: str, request: CropsRequest) -> list[CropSuggestion]:
        """Return where images would best be cut; what is done to them otherwise stays."""
        row = self._datasets.find_row(dataset_id)
        entries = repository.find_dataset_images(self._session, row.id, request.ids)
        originals = self._images.get_images(entry.original_id or entry.image_id for entry in entries)
        return [CropSuggestion(id=entry.id, edits=self._suggested(entry, originals, request)) for entry in entries]

    def _suggested(self, entry: DatasetImageRow, originals: dict[str, Image], request: CropsRequest) -> Edits | None:
        original = originals[entry.original_id or entry.image_id]
        own = _edits_of(entry) or Edits()
        turn = own.turn if request.turn is None else request.turn
        mirror = own.mirror if request.mirror is None else request.mirror
        with Pixels.open(io.BytesIO(read_thumbnail(self._blobs, original.sha256, PREVIEW))) as opened:
            preview = edit(opened.convert("RGB"), turn, mirror, None)
        width, height = _turned(original, turn)
        if request.aspect is None:
            box = find_content(preview, width, height)
        else:
            box = suggest_crop(preview, width, height, request.aspect)
        crop = Crop(left=box[0], top=box[1], width=box[2], height=box[3]) if box else None
        return _tidy(Edits(turn=turn, mirror=mirror, crop=crop), original)

    def _find(self, row: DatasetRow, ids: Iterable[str]) -> list[DatasetImageRow]:
        wanted = set(ids)
        entries = repository.find_dataset_images(self._session, row.id, wanted)
        missing = wanted - {entry.id for entry in entries}
        if missing:
            raise DatasetImageMissing(f"“{row.name}” has no image “{min(missing)[:64]}”.")
        return entries


def _edits_of(entry: DatasetImageRow) -> Edits | None:
    return Edits.model_validate(entry.edits) if entry.edits is not None else None


def _turned(original: Image, turn: int) -> tuple[int, int]:
    return (original.height, original.width) if turn in (90, 270) else (original.width, original.height)


def _tidy(edits: Edits | None, original: Image) -> Edits | None:
    """Return edits without a cut that cuts nothing, and nothing for edits that do nothing."""
    if edits is None:
        return None
    crop = edits.crop
    if crop is not None and (crop.left, crop.top, crop.width, crop.height) == (0, 0, *_turned(original, edits.turn)):
        edits = edits.model_copy(update={"crop": None})
    return None if edits.is_nothing else edits
