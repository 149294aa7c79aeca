"""Files into a dataset: decode and store first, then one short transaction that files them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.datasets import concepts, repository
from fluxtune.datasets.caption_history.writing import import_caption
from fluxtune.datasets.importer import Import, ImportedCaption, ImportedImage, UploadedFile, import_files, stem_of
from fluxtune.datasets.layouts import LAYOUT_WORDS
from fluxtune.datasets.records import pictures_of
from fluxtune.datasets.schemas import CaptionAuthor, Dataset, DatasetCreate, RefusedFile, UploadReport
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.tables import DatasetImageRow, DatasetRow
from fluxtune.images.schemas import Image
from fluxtune.images.service import ImageService, store_content
from fluxtune.quotas import service as quotas
from fluxtune.storage import Blobs

MAX_REFUSED = 1_000
"""Captions without an image that are named in one report; a metadata file may hold a hundred thousand."""


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

    def add_files(self, dataset_id: str, files: Iterable[UploadedFile], position: int | None = None) -> UploadReport:
        """Add what the files hold; what can't be taken is reported and stops nothing.

        `position` is the place of the first image; without it they go behind the last.
        """
        return self.add_import(dataset_id, self.read_files(files), position)

    def add_import(self, dataset_id: str, imported: Import, position: int | None = None) -> UploadReport:
        """Add what `read_files` has read; raise `QuotaReached` if the actor's room is used up."""
        if imported.images:
            quotas.check_storage(self._session)
        return self._add(self._datasets.find_row(dataset_id, writable=True), imported, "file", position)

    def read_files(self, files: Iterable[UploadedFile]) -> Import:
        """Decode and store contents. Touches no table, so that no lock is held while images are decoded."""
        return import_files(files, lambda content: store_content(self._blobs, content))

    def _add(
        self, row: DatasetRow, imported: Import, author: CaptionAuthor, position: int | None = None
    ) -> UploadReport:
        before = repository.list_dataset_images(self._session, [row.id])
        filing = _Filing(self._session, self._images, row, before, known=self._images.get_images(pictures_of(before)))
        added, duplicates = filing.file_images(imported.images, position)
        captioned, refused = _set_captions(self._session, imported.captions, filing.find, author)
        captioned |= filing.name_after_folders(imported.images, author)
        filing.learn_trigger(imported)
        if added or captioned:
            repository.touch(row, now())
        everything = [*before, *added]
        return UploadReport(
            added=self._datasets.show_images(row, everything, {entry.id for entry in added}),
            captioned_count=len(captioned),
            duplicates=duplicates,
            refused=[*imported.refused, *refused],
            notes=[*imported.notes, *filing.notes, *_about_layout(imported)],
            image_count=len(everything),
            layout=imported.layout,
        )


class _Filing:
    """Where the images of one upload end up: new ones get a place, known ones keep theirs."""

    def __init__(
        self,
        session: Session,
        images: ImageService,
        row: DatasetRow,
        before: list[DatasetImageRow],
        known: dict[str, Image],
    ) -> None:
        self._session, self._images, self._row = session, images, row
        # Of an edited image the upload is the original: the same file again is a duplicate all the same.
        self._by_hash = {known[entry.original_id or entry.image_id].sha256: entry for entry in before}
        self._names = {entry.name for entry in before}
        self._earlier = _Names(before, [entry.name for entry in before])
        self._filed = _Names([], [])
        self.notes: list[str] = []

    def file_images(self, items: list[ImportedImage], position: int | None) -> tuple[list[DatasetImageRow], list[str]]:
        """Return the new entries and the names of files that were there already."""
        added: list[DatasetImageRow] = []
        duplicates: list[str] = []
        place = repository.next_position(self._session, self._row.id) if position is None else position
        for item in items:
            entry = self._by_hash.get(item.content.sha256)
            if entry is None:
                entry = self._new(item, place)
                place += 1
                added.append(entry)
                self._by_hash[item.content.sha256] = entry
            else:
                duplicates.append(item.name)
            self._filed.add(entry, item.name)
        return added, duplicates

    def find(self, caption: ImportedCaption) -> list[DatasetImageRow]:
        """Return the images a caption is for: this upload's first, then those added earlier."""
        return self._filed.find(caption) or self._earlier.find(caption)

    def name_after_folders(self, items: list[ImportedImage], author: CaptionAuthor) -> set[str]:
        """Caption what no file gave a caption by the name of its folder, as kohya's trainer does."""
        named: set[str] = set()
        for item in items:
            entry = self._by_hash[item.content.sha256]
            if item.fallback and not entry.caption:
                import_caption(self._session, entry, item.fallback, author)
                named.add(entry.id)
        return named

    def learn_trigger(self, imported: Import) -> None:
        """Take the trigger word from kohya's folders (`10_zubo cat`: the first word) where the dataset has none."""
        words = [image.fallback.split() for image in imported.images if image.fallback]
        first = {each[0] for each in words if len(each) > 1}
        if imported.layout == "kohya" and not self._row.trigger_word and len(first) == 1:
            self._row.trigger_word = first.pop()[:60]
            self.notes.append(f"The folders' names gave the dataset its trigger word, {self._row.trigger_word}.")

    def _new(self, item: ImportedImage, position: int) -> DatasetImageRow:
        image = self._images.create_image(item.content, "uploaded")
        name = _free_name(item.name, self._names)
        if name != item.name:
            self.notes.append(f"{item.name} was there already with other content; the new one is called {name}.")
        entry = DatasetImageRow(
            id=new_id(), dataset_id=self._row.id, image_id=image.id, position=position, name=name, caption="",
            caption_by="none", repeats=item.repeats, created_at=now(), deleted_at=None,
        )  # fmt: skip
        repository.add(self._session, entry)
        self._names.add(name)
        return entry


class _Names:
    """Images by what captions call them."""

    def __init__(self, entries: list[DatasetImageRow], names: list[str]) -> None:
        self._by_stem: dict[str, list[DatasetImageRow]] = defaultdict(list)
        self._by_name: dict[str, list[DatasetImageRow]] = defaultdict(list)
        for entry, name in zip(entries, names, strict=True):
            self.add(entry, name)

    def add(self, entry: DatasetImageRow, name: str) -> None:
        """Remember an image under the name of its file."""
        self._by_stem[stem_of(name)].append(entry)
        self._by_name[name.casefold()].append(entry)

    def find(self, caption: ImportedCaption) -> list[DatasetImageRow]:
        """Return the images of a caption, none if nothing is called so."""
        if caption.of is not None:
            return self._by_name.get(caption.of.casefold(), [])
        # "cat.png.txt" is how some tools name the caption of "cat.png".
        inner = str(PurePosixPath(caption.name).with_suffix(""))
        return self._by_stem.get(stem_of(caption.name)) or self._by_stem.get(stem_of(inner)) or []


def _about_layout(imported: Import) -> list[str]:
    """Return what is worth knowing about how the files were read."""
    if imported.layout == "kohya":
        repeats = sorted({image.repeats for image in imported.images})
        shown = ", ".join(map(str, repeats[:5]))
        return [f"Read as kohya folders: their names gave repeats ({shown}), and captions where no file did."]
    if imported.layout == "ai_toolkit":
        return ["Read as an ai-toolkit folder; [trigger] stands for the dataset's trigger word."]
    return [f"Read as {LAYOUT_WORDS[imported.layout]}."] if imported.layout in ("imagefolder", "bfl") else []


def _set_captions(
    session: Session,
    captions: list[ImportedCaption],
    find: Callable[[ImportedCaption], list[DatasetImageRow]],
    author: CaptionAuthor,
) -> tuple[set[str], list[RefusedFile]]:
    """Attach captions to their images; return the images that got one, and the captions left over."""
    captioned: set[str] = set()
    refused: list[RefusedFile] = []
    for caption in captions:
        entries = find(caption)
        if not entries:
            refused.append(
                RefusedFile(
                    name=caption.of or caption.name,
                    reason="No image has this name, so the caption belongs to nothing.",
                    action=f"{PurePosixPath(caption.name).name} names it: add the image as well."
                    if caption.of
                    else "Name it like its image (cat.jpg and cat.txt), and add both.",
                )
            )
        for entry in entries:
            entry.repeats = caption.repeats or entry.repeats
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
    return captioned, refused[:MAX_REFUSED]


def _free_name(wish: str, taken: set[str]) -> str:
    path = PurePosixPath(wish)
    name, number = wish, 2
    while name in taken:
        name, number = str(path.with_name(f"{path.stem} ({number}){path.suffix}")), number + 1
    return name
