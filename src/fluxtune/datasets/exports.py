"""A dataset as a ZIP that other programs read, and that comes back with the same content: streamed, never in memory."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy.orm import Session

from fluxtune.core.errors import Conflict
from fluxtune.datasets import repository
from fluxtune.datasets.layouts import kohya_name
from fluxtune.datasets.records import split_tags
from fluxtune.datasets.schemas import ExportLayout
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.tables import DatasetImageRow, DatasetRow
from fluxtune.images.keys import original_key, suffix_of
from fluxtune.images.schemas import Image
from fluxtune.images.service import ImageService
from fluxtune.storage import Blobs

_NUMBERED = re.compile(r"^\d{4,6}-")
_UNSAFE = re.compile(r'[\x00-\x1f<>:"|?*\\/]+')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)
_LONGEST_STEM = 80


class NothingToExport(Conflict):
    """The dataset has no images."""

    title = "There is nothing to export"
    action = "Add images first."


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of the ZIP: a stored image by its key, or text."""

    name: str
    key: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """What a ZIP will hold, and what it is called."""

    file_name: str
    files: list[ExportedFile]


class ExportService:
    """Plans exports; `stream_zip` makes them, when the database is not needed any more."""

    def __init__(self, session: Session, blobs: Blobs) -> None:
        self._session = session
        self._images = ImageService(session, blobs)
        self._datasets = DatasetService(session, blobs)

    def plan(self, dataset_id: str, layout: ExportLayout) -> Export:
        """Return what the ZIP of a dataset holds: pictures as they are trained on, edits applied."""
        row = self._datasets.find_row(dataset_id)
        entries = repository.list_dataset_images(self._session, [row.id])
        if not entries:
            raise NothingToExport(f"“{row.name}” is empty.")
        images = self._images.get_images(entry.image_id for entry in entries)
        named = [(_folder(row, entry, layout), entry, images[entry.image_id]) for entry in entries]
        files = list(_files(named, layout))
        return Export(f"{_safe(row.name) or 'dataset'}-{layout}.zip", files)


def stream_zip(blobs: Blobs, export: Export) -> Iterator[bytes]:
    """Yield a ZIP piece by piece; at most a piece of one image is in memory. Images are packed already: none is packed
    again."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for file in export.files:
            # A fixed time: the same dataset gives the same ZIP.
            info = zipfile.ZipInfo(file.name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            with archive.open(info, "w") as entry:
                parts = blobs.stream(file.key) if file.key is not None else [(file.text or "").encode()]
                for part in parts:
                    entry.write(part)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """Where `zipfile` writes to; what was written is taken away at once. Can't be sought, as a connection can't."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def _folder(row: DatasetRow, entry: DatasetImageRow, layout: ExportLayout) -> str:
    if layout == "kohya":
        if not entry.caption:  # the folder's words would become its caption; `1_` says none
            return f"{entry.repeats}_/"
        return kohya_name(entry.repeats, row.trigger_word or row.name) + "/"
    return f"{_safe(row.name) or 'dataset'}/" if layout == "captions" else ""


def _files(named: list[tuple[str, DatasetImageRow, Image]], layout: ExportLayout) -> Iterator[ExportedFile]:
    rows = []
    for number, (folder, entry, image) in enumerate(named, 1):
        stem = f"{number:04d}-{_stem(entry.name)}"
        name = f"{stem}.{suffix_of(image.format)}"
        yield ExportedFile(f"{folder}{name}", key=original_key(image.sha256, image.format))
        if layout == "imagefolder":
            rows.append(_metadata(name, entry))
        elif entry.caption:
            yield ExportedFile(f"{folder}{stem}.txt", text=entry.caption)
    if rows:
        yield ExportedFile("metadata.jsonl", text="".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))


def _metadata(name: str, entry: DatasetImageRow) -> dict[str, object]:
    """Return a row of metadata.jsonl: `datasets` of Hugging Face shows each key as a column, so all rows have all."""
    return {
        "file_name": name,
        "text": entry.caption,
        "repeats": entry.repeats,
        "tags": split_tags(entry.tags),
        "source": entry.source,
        "licence": entry.licence,
    }


def _stem(name: str) -> str:
    """Return the name of a file without folder, ending and the number of an earlier export."""
    return _safe(_NUMBERED.sub("", PurePosixPath(name).stem)) or "image"


def _safe(name: str) -> str:
    """Return a name that every system can unpack."""
    plain = _UNSAFE.sub("_", name)[:_LONGEST_STEM].strip(" .")
    return f"{plain}_" if _RESERVED.match(plain) else plain
