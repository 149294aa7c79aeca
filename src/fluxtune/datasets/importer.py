"""From uploaded files to images and captions that belong together. No database: what comes out is plain data."""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO

from fluxtune.core.errors import FileRefused
from fluxtune.datasets.archive import (
    MAX_ENTRY_BYTES,
    ArchiveRefused,
    EntryRefused,
    is_ignored,
    looks_like_zip,
    read_archive,
)
from fluxtune.datasets.captions import MAX_CAPTION_BYTES, read_caption
from fluxtune.datasets.schemas import RefusedFile
from fluxtune.images.service import StoredContent

_CAPTION_SUFFIXES = {".txt", ".caption"}


class FileTooLarge(FileRefused):
    """The file is larger than any one image may be."""

    title = "The file is too large"
    action = "Export the image again at a lower size or quality."


class NotUseful(FileRefused):
    """A kind of file a dataset has no use for."""

    title = "Neither image nor caption"
    action = "Use JPEG, PNG, WebP, TIFF, BMP or GIF images, .txt or .caption captions, or a ZIP of them."


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file as it came in; the name may contain a relative folder path."""

    name: str
    stream: IO[bytes]


@dataclass(frozen=True, slots=True)
class ImportedImage:
    """An image that was understood and is kept."""

    name: str
    content: StoredContent


@dataclass(frozen=True, slots=True)
class ImportedCaption:
    """A caption waiting for the image of the same name."""

    name: str
    text: str


@dataclass(slots=True)
class Import:
    """What an upload holds, in the order it came."""

    images: list[ImportedImage] = field(default_factory=list)
    captions: list[ImportedCaption] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def stem_of(name: str) -> str:
    """Return what pairs an image with its caption: folder and name without the ending, case aside."""
    return str(PurePosixPath(clean_name(name)).with_suffix("")).casefold()


def clean_name(name: str) -> str:
    """Return a label safe to show and store: forward slashes, no way up or out, at most 300 characters."""
    printable = "".join(character for character in name if character.isprintable())
    parts = [part for part in printable.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[-300:].lstrip("/") or "unnamed"


def import_files(files: Iterable[UploadedFile], keep: Callable[[bytes], StoredContent]) -> Import:
    """Read all files, ZIPs included; one bad file never stops the others. `keep` stores an image's content."""
    result = Import()
    for name, content in _contents(files, result):
        try:
            if PurePosixPath(name).suffix.lower() in _CAPTION_SUFFIXES:
                caption = read_caption(content)
                result.captions.append(ImportedCaption(name, caption.text))
                if caption.note:
                    result.notes.append(f"{name} {caption.note}.")
            else:
                result.images.append(ImportedImage(name, keep(content)))
        except FileRefused as error:
            result.refused.append(refused(name, error))
    return result


def refused(name: str, error: FileRefused) -> RefusedFile:
    """Return a refusal as the API shows it."""
    return RefusedFile(name=name, reason=f"{error.title}. {error.detail}".strip(), action=error.action)


def _contents(files: Iterable[UploadedFile], result: Import) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every file, unpacking archives; what can't be read goes to `result.refused`."""
    for file in files:
        name = clean_name(file.name)
        if is_ignored(name):
            continue
        head = file.stream.read(4)
        file.stream.seek(0)
        if looks_like_zip(head):
            yield from _unpacked(name, file.stream, result)
            continue
        is_caption = PurePosixPath(name).suffix.lower() in _CAPTION_SUFFIXES
        content = file.stream.read((MAX_CAPTION_BYTES if is_caption else MAX_ENTRY_BYTES) + 1)
        if len(content) > MAX_ENTRY_BYTES:
            error = FileTooLarge(f"It is larger than {MAX_ENTRY_BYTES // 1024**2} MB.")
            result.refused.append(refused(name, error))
        elif PurePosixPath(name).suffix.lower() == ".zip":
            result.refused.append(refused(name, ArchiveRefused("It is damaged, or no ZIP at all.")))
        else:
            yield name, content


def _unpacked(archive_name: str, stream: IO[bytes], result: Import) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an archive; nested archives are refused whatever their name."""
    try:
        for entry in read_archive(stream):
            name = f"{archive_name}/{clean_name(entry.name)}"
            if entry.refusal is not None:
                result.refused.append(refused(name, entry.refusal))
            elif entry.content is not None and looks_like_zip(entry.content[:4]):
                nested = EntryRefused("It is a ZIP inside a ZIP.", action="Unpack it and add its files.")
                result.refused.append(refused(name, nested))
            elif entry.content is not None:
                yield clean_name(entry.name), entry.content
    except ArchiveRefused as error:
        result.refused.append(refused(archive_name, error))


def from_bytes(name: str, content: bytes) -> UploadedFile:
    """Return an uploaded file of bytes at hand (sample concepts, tests)."""
    return UploadedFile(name, io.BytesIO(content))
