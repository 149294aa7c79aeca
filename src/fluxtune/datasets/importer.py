"""From uploaded files to images and captions that belong together. No database: what comes out is plain data."""

import io
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import IO

from fluxtune.core.errors import FileRefused
from fluxtune.datasets.archive import MAX_ENTRY_BYTES, Archive, ArchiveRefused, EntryRefused, is_ignored, looks_like_zip
from fluxtune.datasets.captions import MAX_CAPTION_BYTES, read_caption
from fluxtune.datasets.layouts import (
    CAPTION_SUFFIXES,
    MAX_METADATA_BYTES,
    Layout,
    is_cache,
    is_metadata,
    is_regularisation,
    kohya_folder,
    read_json_caption,
    read_metadata,
    recognise,
)
from fluxtune.datasets.schemas import RefusedFile
from fluxtune.images.service import StoredContent
from fluxtune.imaging import ACCEPTED

_USELESS = {
    ".mp4",
    ".mov",
    ".avi",
    ".webm",
    ".pdf",
    ".psd",
    ".safetensors",
    ".parquet",
    ".toml",
    ".yaml",
    ".yml",
    ".md",
}
MAX_WAITING_BYTES = 256 * 1024**2
"""Read and not yet decoded; what keeps the memory of an upload flat."""


class FileTooLarge(FileRefused):
    """The file is larger than any one image may be."""

    title = "The file is too large"
    action = "Export the image again at a lower size or quality."


class NotUseful(FileRefused):
    """A kind of file a dataset has no use for."""

    title = "Neither image nor caption"
    action = f"Use {ACCEPTED} images, .txt or .caption captions, metadata.jsonl or .csv, or a ZIP of them."


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file as it came in; the name may contain a relative folder path."""

    name: str
    stream: IO[bytes]


@dataclass(frozen=True, slots=True)
class ImportedImage:
    """An image that was understood and is kept. `fallback` is its caption where no file gives it one."""

    name: str
    content: StoredContent
    repeats: int = 1
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class ImportedCaption:
    """A caption waiting for its image: the one of the same name whatever the ending, or with `of` exactly that file."""

    name: str
    text: str
    of: str | None = None
    repeats: int | None = None


@dataclass(slots=True)
class Import:
    """What an upload holds, in the order it came."""

    images: list[ImportedImage] = field(default_factory=list)
    captions: list[ImportedCaption] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    layout: Layout = "images"


@dataclass(slots=True)
class Found:
    """A file of an upload or of an archive in it: its bytes, or why it can't be read."""

    name: str
    content: bytes | None = None
    refusal: RefusedFile | None = None
    is_zipped: bool = False
    is_cache: bool = False


Keep = Callable[[bytes], StoredContent]


def stem_of(name: str) -> str:
    """Return what pairs an image with its caption: folder and name without the ending, case aside."""
    return str(PurePosixPath(clean_name(name)).with_suffix("")).casefold()


def clean_name(name: str) -> str:
    """Return a label safe to show and store: forward slashes, no way up or out, at most 300 characters."""
    printable = "".join(character for character in name if character.isprintable())
    parts = [part for part in printable.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[-300:].lstrip("/") or "unnamed"


def import_files(files: Iterable[UploadedFile], keep: Keep) -> Import:
    """Read all files, ZIPs included; one bad file never stops the others. `keep` stores an image's content."""
    return read_found(find_files(files), keep)


def read_found(found: Iterable[Found], keep: Keep) -> Import:
    """Read what `find_files` yields. Images are decoded several at a time and come out in the order they came in."""
    result = Import()
    waiting: deque[tuple[str, Future[StoredContent] | RefusedFile, int]] = deque()
    waiting_bytes = 0
    seen: list[str] = []
    is_zip = False
    for file in found:
        is_zip = is_zip or file.is_zipped
        if file.is_cache:
            seen.append(file.name)
        elif file.refusal is not None:
            waiting.append((file.name, file.refusal, 0))
        elif file.content is not None:
            outcome = _take(file.name, file.content, keep, result, seen)
            if outcome is not None:
                waiting.append((file.name, outcome, len(file.content)))
                waiting_bytes += len(file.content)
        while waiting and (len(waiting) > 4 * worker_count() or waiting_bytes > MAX_WAITING_BYTES):
            waiting_bytes -= _settle(*waiting.popleft(), result)
    for each in waiting:
        _settle(*each, result)
    names = [image.name for image in result.images]
    result.layout = recognise(names, seen, (caption.text for caption in result.captions), is_zip=is_zip)
    return result


def refused(name: str, error: FileRefused) -> RefusedFile:
    """Return a refusal as the API shows it."""
    return RefusedFile(name=name, reason=f"{error.title}. {error.detail}".strip(), action=error.action)


def worker_count() -> int:
    """Return how many images are decoded at a time: one per core, and no more memory than that on large machines."""
    return max(1, min(8, os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1))


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads all uploads share. Pillow lets go of the interpreter while it decodes, resizes and encodes."""
    return ThreadPoolExecutor(worker_count(), thread_name_prefix="images")


def _take(
    name: str, content: bytes, keep: Keep, result: Import, seen: list[str]
) -> Future[StoredContent] | RefusedFile | None:
    """Read a caption now, or send an image to be decoded; what is refused comes back with its reason."""
    suffix = PurePosixPath(name).suffix.lower()
    try:
        if is_metadata(name):
            seen.append(name)
            result.captions += [
                ImportedCaption(name, row.text, of=clean_name(row.file_name), repeats=row.repeats)
                for row in read_metadata(name, content)
            ]
        elif suffix in CAPTION_SUFFIXES:
            caption = read_caption(content)
            seen.append(name)
            result.captions.append(ImportedCaption(name, caption.text))
            if caption.note:
                result.notes.append(f"{name} {caption.note}.")
        elif suffix == ".json":
            result.captions.append(ImportedCaption(name, read_json_caption(content)))
            seen.append(name)
        elif suffix in _USELESS:
            raise NotUseful(f"Nothing of a {suffix} file can be used here.")
        elif is_regularisation(name):
            raise NotUseful(
                "It is one of kohya's regularisation images, which are not used here.",
                action="Leave the folder out; nothing else needs doing.",
            )
        else:
            return _pool().submit(keep, content)
    except FileRefused as error:
        return refused(name, error)
    return None


def _settle(name: str, outcome: Future[StoredContent] | RefusedFile, size: int, result: Import) -> int:
    """Put an outcome where it belongs, waiting for it if need be; return how many bytes are let go of."""
    if isinstance(outcome, RefusedFile):
        result.refused.append(outcome)
        return size
    try:
        content = outcome.result()
    except FileRefused as error:
        result.refused.append(refused(name, error))
        return size
    folder = kohya_folder(name)
    if folder is None:
        result.images.append(ImportedImage(name, content))
    else:
        result.images.append(ImportedImage(name, content, folder.repeats, folder.words))
    return size


def find_files(files: Iterable[UploadedFile]) -> Iterator[Found]:
    """Yield every file, unpacking archives; what can't be read comes with the reason."""
    for file in files:
        name = clean_name(file.name)
        if is_cache(name):
            yield Found(name, is_cache=True)
            continue
        if is_ignored(name):
            continue
        head = file.stream.read(4)
        file.stream.seek(0)
        if looks_like_zip(head):
            yield from unpack(name, file.stream)
            continue
        limit = _limit(name)
        content = file.stream.read(limit + 1)
        if len(content) > limit and limit != MAX_CAPTION_BYTES:
            error = FileTooLarge(f"It is larger than {limit // 1024**2} MB.")
            yield Found(name, refusal=refused(name, error))
        elif PurePosixPath(name).suffix.lower() == ".zip":
            yield Found(name, refusal=refused(name, ArchiveRefused("It is damaged, or no ZIP at all.")))
        else:
            yield Found(name, content)


def _limit(name: str) -> int:
    """Return how many bytes of a file are looked at; a caption beyond its limit is refused by its length."""
    if PurePosixPath(name).suffix.lower() in CAPTION_SUFFIXES:
        return MAX_CAPTION_BYTES
    return MAX_METADATA_BYTES if is_metadata(name) else MAX_ENTRY_BYTES


def unpack(archive_name: str, stream: IO[bytes]) -> Iterator[Found]:
    """Yield the files of an archive; nested archives are refused whatever their name."""
    try:
        with Archive(stream) as archive:
            yield from entries_of(archive_name, archive)
    except ArchiveRefused as error:
        yield Found(archive_name, refusal=refused(archive_name, error), is_zipped=True)


def entries_of(
    archive_name: str, archive: Archive, is_wanted: Callable[[str], bool] = lambda name: True
) -> Iterator[Found]:
    """Yield those files of an open archive whose names are wanted."""
    for entry in archive.read(is_wanted):
        name = clean_name(entry.name)
        shown = f"{archive_name}/{name}"
        if is_cache(name):
            yield Found(name, is_zipped=True, is_cache=True)
        elif entry.refusal is not None:
            yield Found(shown, refusal=refused(shown, entry.refusal), is_zipped=True)
        elif entry.content is not None and looks_like_zip(entry.content[:4]):
            nested = EntryRefused("It is a ZIP inside a ZIP.", action="Unpack it and add its files.")
            yield Found(shown, refusal=refused(shown, nested), is_zipped=True)
        elif entry.content is not None:
            yield Found(name, entry.content, is_zipped=True)


def is_text(name: str) -> bool:
    """Return whether a file holds captions, by its name."""
    return is_metadata(name) or PurePosixPath(name).suffix.lower() in CAPTION_SUFFIXES | {".json"}


def from_bytes(name: str, content: bytes) -> UploadedFile:
    """Return an uploaded file of bytes at hand (sample concepts, tests)."""
    return UploadedFile(name, io.BytesIO(content))
