"""Uploads of thousands: what is here already is not sent again, and a large ZIP is read a piece at a time.

A ZIP is read in two passes: first its captions, which are small, then its images a few at a time. Each piece is in the
dataset, with its captions, before the next one is read, so whoever watches sees how far it is, and whatever ends it
half way leaves whole images. The same ZIP again goes on where it stopped: content that is known is not decoded.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO

from fluxtune.core.errors import FluxtuneError
from fluxtune.datasets import repository
from fluxtune.datasets.archive import Archive, ArchiveRefused
from fluxtune.datasets.arrival_schemas import ArrivalProgress, KnownFiles
from fluxtune.datasets.importer import (
    Found,
    Import,
    ImportedCaption,
    clean_name,
    entries_of,
    is_text,
    read_found,
    refused,
    stem_of,
)
from fluxtune.datasets.layouts import Layout, recognise
from fluxtune.datasets.schemas import UploadReport
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.uploads import UploadService
from fluxtune.db import Database
from fluxtune.images.service import ImageService, StoredContent, store_content
from fluxtune.storage import Blobs

PIECE = 24
"""Images filed together: often enough for a progress bar, seldom enough for the database."""


class ArrivalService:
    """Brings large uploads into datasets; opens transactions of its own, so that none is long."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    def find_known(self, dataset_id: str, hashes: list[str]) -> KnownFiles:
        """Return which of these contents the dataset has, and the place of the next image."""
        with self._database.reading() as session:
            row = DatasetService(session, self._blobs).find_row(dataset_id)
            known = repository.known_hashes(session, row.id, hashes)
            return KnownFiles(
                hashes=[each for each in hashes if each in known],
                next_position=repository.next_position(session, row.id),
            )

    def check_writable(self, dataset_id: str) -> None:
        """Raise NotFound or Conflict if nothing can be added to a dataset."""
        with self._database.reading() as session:
            DatasetService(session, self._blobs).find_row(dataset_id, writable=True)

    def add_archive(self, dataset_id: str, name: str, stream: IO[bytes]) -> Iterator[ArrivalProgress]:
        """Add what a ZIP holds, telling after each piece how far it is."""
        name = clean_name(name)
        total = done = 0
        try:
            with Archive(stream) as archive:
                total = len(archive.names)
                yield ArrivalProgress(done=0, total=total, report=None, problem=None)
                texts = read_found(entries_of(name, archive, is_text), self._keep)
                layout = _layout_of(archive.names, texts)
                waiting = _Captions(texts.captions)
                done = sum(1 for each in archive.names if is_text(each))
                images = entries_of(name, archive, lambda each: not is_text(each))
                for piece in _pieces(images):
                    imported = read_found(piece, self._keep)
                    imported.captions = waiting.take(imported)
                    imported.layout = layout
                    done += len(piece)
                    yield self._file(dataset_id, imported, done, total)
                texts.captions, texts.layout = waiting.left(), layout
                yield self._file(dataset_id, texts, total, total)
        except ArchiveRefused as error:
            yield self._file(dataset_id, Import(refused=[refused(name, error)]), total, total)
        except FluxtuneError as error:  # the answer has begun: it can't become an error any more
            yield ArrivalProgress(done=done, total=total, report=None, problem=error.problem())

    def _file(self, dataset_id: str, imported: Import, done: int, total: int) -> ArrivalProgress:
        with self._database.transaction() as session:
            report: UploadReport = UploadService(session, self._blobs).add_import(dataset_id, imported)
        return ArrivalProgress(done=done, total=total, report=report, problem=None)

    def _keep(self, content: bytes) -> StoredContent:
        """Decode and store an image, unless just this content was stored before."""
        sha256 = hashlib.sha256(content).hexdigest()
        with self._database.reading() as session:
            known = ImageService(session, self._blobs).find_content(sha256)
        return known or store_content(self._blobs, content, sha256)


class _Captions:
    """The captions of a ZIP, handed out as their images come."""

    def __init__(self, captions: Iterable[ImportedCaption]) -> None:
        self._waiting: dict[str, list[ImportedCaption]] = defaultdict(list)
        for caption in captions:
            self._waiting[caption.of.casefold() if caption.of else stem_of(caption.name)].append(caption)

    def take(self, imported: Import) -> list[ImportedCaption]:
        """Return the captions of some images, which are not returned again."""
        taken: list[ImportedCaption] = []
        for image in imported.images:
            # "cat.png.txt" has the stem "cat.png": the image's whole name.
            for key in (stem_of(image.name), image.name.casefold()):
                taken += self._waiting.pop(key, [])
        return taken

    def left(self) -> list[ImportedCaption]:
        """Return those whose images did not come."""
        return [caption for captions in self._waiting.values() for caption in captions]


def _layout_of(names: list[str], texts: Import) -> Layout:
    clean = [clean_name(name) for name in names]
    images = [name for name in clean if not is_text(name)]
    others = [name for name in clean if is_text(name)]
    return recognise(images, [*others, *images], (each.text for each in texts.captions), is_zip=True)


def _pieces(found: Iterator[Found]) -> Iterator[list[Found]]:
    while piece := list(islice(found, PIECE)):
        yield piece
