"""Stored images: the untouched original, its thumbnails, and what is known about it."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.errors import NotFound
from fluxtune.core.ids import new_id
from fluxtune.images import keys, repository
from fluxtune.images.schemas import Image, Origin
from fluxtune.images.tables import ImageRow
from fluxtune.imaging import THUMBNAIL_SIZES, media_type_of, survey
from fluxtune.quotas import service as quotas
from fluxtune.sharing import service as sharing
from fluxtune.storage import BlobNotFound, Blobs
from fluxtune.trash import service as trash


class ImageMissing(NotFound):
    """No such image."""

    title = "No such image"
    action = "Go back to the list; the image may have been removed for good."


@dataclass(frozen=True, slots=True)
class StoredContent:
    """Content that is safe in the blob store, not yet an image row."""

    sha256: str
    format: str
    width: int
    height: int
    byte_count: int
    fingerprint: str
    placeholder: str
    measures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file to send to a browser. `read` is not called when the browser has it already."""

    read: Callable[[], bytes]
    media_type: str
    name: str
    etag: str


def store_content(blobs: Blobs, data: bytes, sha256: str | None = None) -> StoredContent:
    """Decode, make thumbnails and keep all of it. Needs no database, so that uploads hold no lock meanwhile.

    `sha256` is the content's, where the caller has it.
    """
    looked = survey(data, sha256=sha256)
    blobs.put(keys.original_key(looked.sha256, looked.format), data)
    for size, content in looked.thumbnails.items():
        blobs.put(keys.thumbnail_key(looked.sha256, size), content)
    return StoredContent(
        sha256=looked.sha256,
        format=looked.format,
        width=looked.width,
        height=looked.height,
        byte_count=looked.byte_count,
        fingerprint=looked.fingerprint,
        placeholder=looked.placeholder,
        measures=asdict(looked.measures),
    )


def read_thumbnail(blobs: Blobs, sha256: str, size: int) -> bytes:
    """Return a thumbnail of stored content; raise `BlobNotFound` if there is none."""
    key, earlier = keys.thumbnail_keys(sha256, size)
    try:
        return blobs.get(key)
    except BlobNotFound:
        return blobs.get(earlier)


def thumbnail_type(content: bytes) -> str:
    """Return the media type of a thumbnail by its first bytes."""
    return "image/webp" if content.startswith(b"RIFF") else "image/jpeg"


class ImageService:
    """Keeps images and gives them back."""

    def __init__(self, session: Session, blobs: Blobs) -> None:
        self._session = session
        self._blobs = blobs

    def create_image(self, content: StoredContent, origin: Origin) -> Image:
        """Return the image of this content; uploaded or edited content that is known already is one image, not two."""
        trash.keep_content(self._session, content.sha256)
        if origin in ("uploaded", "edited"):
            known = repository.find_by_hash(self._session, content.sha256, origin)
            if known is not None:
                known.measures = known.measures or content.measures  # stored before there were any
                return to_schema(known)
        row = ImageRow(
            id=new_id(),
            origin=origin,
            width=content.width,
            height=content.height,
            byte_count=content.byte_count,
            format=content.format,
            sha256=content.sha256,
            fingerprint=content.fingerprint,
            placeholder=content.placeholder,
            measures=content.measures,
            created_at=now(),
        )
        repository.add(self._session, row)
        return to_schema(row)

    def keep_upload(self, content: StoredContent) -> Image:
        """Return the image of this content, which the actor may see from now on wherever it lies."""
        quotas.check_storage(self._session)
        image = self.create_image(content, "uploaded")
        sharing.own(self._session, "image", image.id)
        return image

    def get_image(self, image_id: str) -> Image:
        """Return one image."""
        return to_schema(self._row(image_id))

    def get_images(self, ids: Iterable[str]) -> dict[str, Image]:
        """Return images by id; ids that don't exist are left out."""
        return {key: to_schema(row) for key, row in repository.find_images(self._session, ids).items()}

    def find_by_hashes(self, hashes: Iterable[str]) -> dict[str, Image]:
        """Return uploaded and edited images by the hash of their content; what is not stored is left out."""
        found = {
            sha256: repository.find_by_hash(self._session, sha256, "uploaded")
            or repository.find_by_hash(self._session, sha256, "edited")
            for sha256 in set(hashes)
        }
        return {sha256: to_schema(row) for sha256, row in found.items() if row is not None}

    def find_content(self, sha256: str) -> StoredContent | None:
        """Return what is known of uploaded content from when it was stored; None if it must be decoded (again)."""
        row = repository.find_by_hash(self._session, sha256, "uploaded")
        if row is None or not row.measures or not self._blobs.has(keys.original_key(row.sha256, row.format)):
            return None
        return StoredContent(
            sha256=row.sha256,
            format=row.format,
            width=row.width,
            height=row.height,
            byte_count=row.byte_count,
            fingerprint=row.fingerprint,
            placeholder=row.placeholder,
            measures=row.measures,
        )

    def get_fingerprints(self, ids: Iterable[str]) -> dict[str, str]:
        """Return what tells likeness, by image id."""
        return {key: row.fingerprint for key, row in repository.find_images(self._session, ids).items()}

    def get_file(self, image_id: str) -> ImageFile:
        """Return the untouched original."""
        row = self._row(image_id)
        return ImageFile(
            read=partial(self._blobs.get, keys.original_key(row.sha256, row.format)),
            media_type=media_type_of(row.format),
            name=f"fluxtune-{row.id}.{keys.suffix_of(row.format)}",
            etag=f'"{row.sha256}"',
        )

    def get_thumbnail(self, image_id: str, size: int) -> ImageFile:
        """Return one of the thumbnails; `thumbnail_type` tells what it is once it is read."""
        if size not in THUMBNAIL_SIZES:
            raise ImageMissing(f"Thumbnails come in {', '.join(map(str, THUMBNAIL_SIZES))} pixels.")
        row = self._row(image_id)
        read = partial(read_thumbnail, self._blobs, row.sha256, size)
        return ImageFile(read, "image/jpeg", f"fluxtune-{row.id}-{size}", f'"{row.sha256}-{size}"')

    def check_visible(self, image_id: str) -> None:
        """Raise `ImageMissing` unless the actor may see an image."""
        if not repository.is_visible(self._session, image_id):
            raise ImageMissing(f"There is no image “{image_id[:64]}” that you may see.")

    def _row(self, image_id: str) -> ImageRow:
        row = repository.find_image(self._session, image_id)
        if row is None:
            raise ImageMissing(f"There is no image “{image_id[:64]}”.")
        return row


def to_schema(row: ImageRow) -> Image:
    """Return a stored image as the API shows it."""
    return Image.model_validate(
        {
            "id": row.id,
            "origin": row.origin,
            "width": row.width,
            "height": row.height,
            "byte_count": row.byte_count,
            "format": row.format,
            "sha256": row.sha256,
            "placeholder": row.placeholder,
            "url": f"/api/images/{row.id}/file",
            "thumbnail_url": f"/api/images/{row.id}/thumbnails/320",
            "created_at": row.created_at,
        }
    )
