"""Image files, thumbnails and the gallery."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Header, Query, Response, UploadFile
from sqlalchemy.orm import Session

from fluxtune.core.errors import Problem
from fluxtune.db import Database, get_database, get_session
from fluxtune.images.gallery import GalleryService
from fluxtune.images.schemas import GalleryImage, GalleryImageUpdate, GalleryRecordsRequest, Image
from fluxtune.images.service import ImageFile, ImageService, store_content, thumbnail_type
from fluxtune.storage import Blobs, get_blobs

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
BlobsDep = Annotated[Blobs, Depends(get_blobs)]


async def get_images(session: SessionDep, blobs: BlobsDep) -> ImageService:
    """Return the images of this request."""
    return ImageService(session, blobs)


async def get_gallery(session: SessionDep) -> GalleryService:
    """Return the gallery of this request."""
    return GalleryService(session)


Images = Annotated[ImageService, Depends(get_images)]
DatabaseDep = Annotated[Database, Depends(get_database)]
IfNoneMatch = Annotated[str | None, Header(include_in_schema=False)]
Gallery = Annotated[GalleryService, Depends(get_gallery)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such image."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
THUMBNAIL: Responses = {
    200: {"content": {"image/jpeg": {}, "image/webp": {}}, "description": "The thumbnail; older ones are WebP."}
}
TOO_LARGE: Responses = {413: {"model": Problem, "description": "The file is larger than the studio accepts."}}
ORIGINAL: Responses = {200: {"content": {"image/*": {}}, "description": "The untouched original."}}

router = APIRouter(prefix="/api", tags=["images"], responses=INVALID)


@router.post("/images", status_code=201, responses=TOO_LARGE)
def upload_image(
    file: Annotated[UploadFile, File(description="An image.")], database: DatabaseDep, blobs: BlobsDep
) -> Image:
    """Keep an image that a generation starts from; the same file twice is one image."""
    content = store_content(blobs, file.file.read())
    with database.transaction() as session:
        return ImageService(session, blobs).keep_upload(content)


@router.get("/images/{image_id}", responses=NOT_FOUND)
def get_image(image_id: str, images: Images) -> Image:
    """Show what is known of an image, such as its size."""
    return images.get_image(image_id)


@router.get("/images/{image_id}/file", responses={**NOT_FOUND, **ORIGINAL}, response_class=Response)
def get_image_file(image_id: str, images: Images, if_none_match: IfNoneMatch = None) -> Response:
    """Send the untouched original."""
    return _send(images.get_file(image_id), if_none_match)


@router.get("/images/{image_id}/thumbnails/{size}", responses={**NOT_FOUND, **THUMBNAIL}, response_class=Response)
def get_image_thumbnail(image_id: str, size: int, images: Images, if_none_match: IfNoneMatch = None) -> Response:
    """Send a small version of 128, 320 or 768 pixels on the longer side."""
    return _send(images.get_thumbnail(image_id, size), if_none_match, thumbnail_type)


@router.get("/gallery/ids", tags=["gallery"])
def list_gallery_ids(
    gallery: Gallery,
    model_id: str | None = None,
    favourite: bool | None = None,
    query: Annotated[str | None, Query(max_length=500)] = None,
) -> list[str]:
    """List the ids of a view of the gallery, newest first; every word of `query` must be in the prompt."""
    return gallery.list_ids(model_id, favourite, query)


@router.post("/gallery/records", tags=["gallery"])
def list_gallery_records(request: GalleryRecordsRequest, database: DatabaseDep) -> list[GalleryImage]:
    """Show the records of the visible window, in the order asked for."""
    with database.reading() as session:  # asked at every turn of the scroll wheel: must never wait for a writer
        return GalleryService(session).get_records(request.ids)


@router.patch("/gallery/{image_id}", tags=["gallery"], responses=NOT_FOUND)
def update_gallery_image(image_id: str, change: GalleryImageUpdate, gallery: Gallery) -> GalleryImage:
    """Mark an image as favourite, or not."""
    return gallery.update_image(image_id, change)


@router.delete("/gallery/{image_id}", status_code=204, tags=["gallery"], responses=NOT_FOUND)
def delete_gallery_image(image_id: str, gallery: Gallery) -> None:
    """Put an image into the trash."""
    gallery.delete_image(image_id)


@router.post("/gallery/{image_id}/restoration", tags=["gallery"], responses=NOT_FOUND)
def restore_gallery_image(image_id: str, gallery: Gallery) -> GalleryImage:
    """Take an image out of the trash."""
    return gallery.restore_image(image_id)


def _send(file: ImageFile, if_none_match: str | None, type_of: Callable[[bytes], str] | None = None) -> Response:
    # What an id names never changes, so a browser need never ask again.
    headers = {
        "Cache-Control": "private, max-age=31536000, immutable",
        "ETag": file.etag,
        "Content-Disposition": f'inline; filename="{file.name}"',
        "X-Content-Type-Options": "nosniff",
    }
    if if_none_match is not None and file.etag in if_none_match:
        return Response(status_code=304, headers=headers)
    content = file.read()
    return Response(content, media_type=type_of(content) if type_of else file.media_type, headers=headers)
