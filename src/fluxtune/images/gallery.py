"""The gallery: generated images with their recipes, favourites and trash."""

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.core.clock import now
from fluxtune.core.errors import NotFound
from fluxtune.images import repository
from fluxtune.images.schemas import GalleryImage, GalleryImageUpdate, GenerationFacts, Image
from fluxtune.images.service import to_schema
from fluxtune.images.tables import GalleryImageRow, ImageRow
from fluxtune.sharing import service as sharing
from fluxtune.sharing.schemas import Access


class GalleryImageMissing(NotFound):
    """No such image in the gallery."""

    title = "Not in the gallery"
    action = "Go back to the gallery; the image may be in the trash."


class GalleryService:
    """Lists, marks and removes generated images."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_image(self, image: Image, facts: GenerationFacts) -> GalleryImage:
        """Show a generated image in the gallery."""
        row = GalleryImageRow(
            image_id=image.id,
            model_id=facts.model_id,
            generation_id=facts.generation_id,
            prompt_folded=facts.prompt.casefold(),
            facts=facts.model_dump(mode="json"),
            is_favourite=False,
            created_at=now(),
            deleted_at=None,
        )
        repository.add(self._session, row)
        return GalleryImage(image=image, is_favourite=False, facts=facts)

    def list_ids(self, model_id: str | None, favourite: bool | None, query: str | None) -> list[str]:
        """Return the ids of a view, newest first; every word of `query` must be in the prompt."""
        words = (query or "").casefold().split()
        return repository.gallery_ids(self._session, model_id, favourite, words[:20])

    def get_records(self, ids: Sequence[str]) -> list[GalleryImage]:
        """Return the records of the visible window in the order asked for; missing ones are left out."""
        found = repository.find_gallery_images(self._session, ids)
        return [_to_gallery(*found[key]) for key in ids if key in found]

    def update_image(self, image_id: str, change: GalleryImageUpdate) -> GalleryImage:
        """Mark as favourite or not."""
        row = self._row(image_id)
        row.is_favourite = change.is_favourite
        return self._as_schema(row)

    def delete_image(self, image_id: str) -> None:
        """Put an image into the trash; doing it twice changes nothing."""
        row = self._row(image_id)
        if row.deleted_at is None:
            repository.set_deleted(row, now())
            audit.record(self._session, "image.deleted", "image", image_id, name=str(row.facts["prompt"])[:120])

    def restore_image(self, image_id: str) -> GalleryImage:
        """Take an image out of the trash."""
        row = self._row(image_id)
        if row.deleted_at is not None:
            repository.set_deleted(row, None)
            audit.record(self._session, "image.restored", "image", image_id, name=str(row.facts["prompt"])[:120])
        return self._as_schema(row)

    def count_by_model(self, model_ids: Iterable[str]) -> dict[str, int]:
        """Return how many images some models have made."""
        return repository.count_by_model(self._session, model_ids)

    def newest_by_model(self, model_ids: Iterable[str]) -> dict[str, str]:
        """Return the images that stand for models without a sample: the newest favourite, or the newest, of each."""
        return repository.newest_by_model(self._session, model_ids)

    def check(self, image_id: str, access: Access) -> None:
        """Raise unless the actor may see, or change, an image of the gallery: it follows its generation."""
        sharing.check(self._session, "generation", self._row(image_id).generation_id, access)

    def _row(self, image_id: str) -> GalleryImageRow:
        row = repository.find_gallery_image(self._session, image_id)
        if row is None:
            raise GalleryImageMissing(f"There is no image “{image_id[:64]}” in the gallery.")
        return row

    def _as_schema(self, row: GalleryImageRow) -> GalleryImage:
        image = repository.find_image(self._session, row.image_id)
        if image is None:
            raise GalleryImageMissing(f"There is no image “{row.image_id}” in the gallery.")
        return _to_gallery(row, image)


def _to_gallery(row: GalleryImageRow, image: ImageRow) -> GalleryImage:
    return GalleryImage(
        image=to_schema(image), is_favourite=row.is_favourite, facts=GenerationFacts.model_validate(row.facts)
    )
