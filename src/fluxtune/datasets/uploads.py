"""Files into a dataset: decode and store first, then one short transaction that files them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.datasets import concepts, repository
from fluxtune.datasets.caption_history.writing import import_caption
from fluxtune.datasets.importer import Import, ImportedCaption, UploadedFile, import_files, stem_of
from fluxtune.datasets.schemas import CaptionAuthor, Dataset, DatasetCreate, RefusedFile, UploadReport
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.tables import DatasetImageRow, DatasetRow
from fluxtune.images.service import ImageService, store_content
from fluxtune.storage import Blobs


class UploadService:
    """Adds images and captions to datasets."""

    def __init__(self, session: Session, blobs: Blobs) -> None:
        self._session = session
        self._blobs = blobs
        self._images = ImageService(session, blobs)
        self._datasets = DatasetService(session, blobs)

    def create_dataset(self, create: DatasetCreate) -> Dataset:
        """Create a dataset, filled when a sample concept is named."""
        if create.sample is None:
            return self._datasets.create_dataset(create)
        imported = self.read_files(concepts.read_files(create.sample))
        dataset = self._datasets.create_dataset(create)
        self._add(self._datasets.find_row(dataset.id), imported, "sample")
        return self._datasets.get_dataset(dataset.id)

    def add_files(self, dataset_id: str, files: Iterable[UploadedFile]) -> UploadReport:
        """Add what the files hold; what can't be taken is reported and stops nothing."""
        return self.add_import(dataset_id, self.read_files(files))

    def add_import(self, dataset_id: str, imported: Import) -> UploadReport:
        """Add what `read_files` has read."""
        return self._add(self._datasets.find_row(dataset_id, writable=True), imported, "file")

    def read_files(self, files: Iterable[UploadedFile]) -> Import:
        """Decode and store contents. Touches no table, so that no lock is held while images are decoded."""
        return import_files(files, lambda content: store_content(self._blobs, content))

    def _add(self, row: DatasetRow, imported: Import, author: CaptionAuthor) -> UploadReport:
        before = repository.list_dataset_images(self._session, [row.id])
        known = self._images.get_images(entry.image_id for entry in before)
        by_hash = {known[entry.image_id].sha256: entry for entry in before}
        names = {entry.name for entry in before}
        by_stem: dict[str, list[DatasetImageRow]] = defaultdict(list)
        position = repository.next_position(self._session, row.id)
        added: list[DatasetImageRow] = []
        duplicates: list[str] = []
        notes = list(imported.notes)
        for item in imported.images:
            entry = by_hash.get(item.content.sha256)
            if entry is None:
                image = self._images.create_image(item.content, "uploaded")
                name = _free_name(item.name, names)
                if name != item.name:
                    notes.append(f"{item.name} was there already with other content; the new one is called {name}.")
                entry = DatasetImageRow(
                    id=new_id(), dataset_id=row.id, image_id=image.id, position=position, name=name, caption="",
                    caption_by="none", created_at=now(), deleted_at=None,
                )  # fmt: skip
                repository.add(self._session, entry)
                position += 1
                added.append(entry)
                by_hash[item.content.sha256] = entry
                names.add(name)
            else:
                duplicates.append(item.name)
            by_stem[stem_of(item.name)].append(entry)
        captioned, refused = _set_captions(self._session, imported.captions, _finder(by_stem, before), author)
        if added or captioned:
            repository.touch(row, now())
        everything = [*before, *added]
        return UploadReport(
            added=self._datasets.show_images(row, everything, {entry.id for entry in added}),
            captioned_count=captioned,
            duplicates=duplicates,
            refused=[*imported.refused, *refused],
            notes=notes,
            image_count=len(everything),
        )


def _finder(
    by_stem: dict[str, list[DatasetImageRow]], before: list[DatasetImageRow]
) -> Callable[[str], list[DatasetImageRow]]:
    """Return a function from a caption's name to its images: this upload's first, then those added earlier."""
    earlier: dict[str, list[DatasetImageRow]] = defaultdict(list)
    for entry in before:
        earlier[stem_of(entry.name)].append(entry)

    def find(name: str) -> list[DatasetImageRow]:
        stem = stem_of(name)
        # "cat.png.txt" is how some tools name the caption of "cat.png".
        inner = stem_of(str(PurePosixPath(name).with_suffix("")))
        for table in (by_stem, earlier):
            for key in (stem, inner):
                if table.get(key):
                    return table[key]
        return []

    return find


def _set_captions(
    session: Session,
    captions: list[ImportedCaption],
    find: Callable[[str], list[DatasetImageRow]],
    author: CaptionAuthor,
) -> tuple[int, list[RefusedFile]]:
    """Attach captions to their images; return how many images got one, and the captions left over."""
    captioned: set[str] = set()
    refused: list[RefusedFile] = []
    for caption in captions:
        entries = find(caption.name)
        if not entries:
            refused.append(
                RefusedFile(
                    name=caption.name,
                    reason="No image has this name, so the caption belongs to nothing.",
                    action="Name it like its image (cat.jpg and cat.txt), and add both.",
                )
            )
        for entry in entries:
            if entry.caption_by == "person" and entry.caption != caption.text:
                refused.append(
                    RefusedFile(
                        name=caption.name,
                        reason=f"{entry.name} has a caption that was typed here; it was kept.",
                        action="Empty the typed caption first if the file's should take its place.",
                    )
                )
                continue
            if entry.caption_by != "person":
                import_caption(session, entry, caption.text, author)
            captioned.add(entry.id)
    return len(captioned), refused


def _free_name(wish: str, taken: set[str]) -> str:
    path = PurePosixPath(wish)
    name, number = wish, 2
    while name in taken:
        name, number = str(path.with_name(f"{path.stem} ({number}){path.suffix}")), number + 1
    return name
