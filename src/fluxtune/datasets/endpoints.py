"""Datasets, the images in them, and the sample concepts."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Query, Response, UploadFile
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse
from sqlalchemy.orm import Session

from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.datasets import concepts
from fluxtune.datasets.arrival_schemas import ArrivalProgress, KnownFiles, KnownFilesRequest
from fluxtune.datasets.arrivals import ArrivalService
from fluxtune.datasets.base_facts import find_base_facts
from fluxtune.datasets.copying import copy_dataset
from fluxtune.datasets.edits import EditService, make_edits
from fluxtune.datasets.exports import ExportService, stream_zip
from fluxtune.datasets.fixes import FixService
from fluxtune.datasets.grid import GridService
from fluxtune.datasets.importer import UploadedFile
from fluxtune.datasets.schemas import (
    CropsRequest,
    CropSuggestion,
    Dataset,
    DatasetCheck,
    DatasetCreate,
    DatasetImage,
    DatasetImageUpdate,
    DatasetUpdate,
    EditsDone,
    EditsRequest,
    ExportLayout,
    FixRequest,
    FixResult,
    Grid,
    GridChanges,
    GridFilter,
    GridImage,
    GridRecordsRequest,
    ImagesChange,
    ImagesChanged,
    SampleConcept,
    TrainingSettings,
    TrainingView,
    UploadReport,
)
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.snapshot import Manifest, SnapshotService
from fluxtune.datasets.training_view import TrainingViewService
from fluxtune.datasets.uploads import UploadService
from fluxtune.db import Database, get_database, get_session
from fluxtune.storage import Blobs, get_blobs

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
BlobsDep = Annotated[Blobs, Depends(get_blobs)]
SettingsDep = Annotated[Settings, Depends(get_settings)]


async def get_service(session: SessionDep, blobs: BlobsDep) -> DatasetService:
    """Return the datasets of this request."""
    return DatasetService(session, blobs)


async def get_uploads(session: SessionDep, blobs: BlobsDep) -> UploadService:
    """Return the uploads of this request."""
    return UploadService(session, blobs)


async def get_grids(session: SessionDep, blobs: BlobsDep) -> GridService:
    """Return the grids of this request."""
    return GridService(session, blobs)


async def get_arrivals(database: Annotated[Database, Depends(get_database)], blobs: BlobsDep) -> ArrivalService:
    """Return the large uploads of this request."""
    return ArrivalService(database, blobs)


Arrivals = Annotated[ArrivalService, Depends(get_arrivals)]


def get_archive_reader(dataset_id: str, arrivals: Arrivals) -> Callable[[UploadFile], Iterator[ArrivalProgress]]:
    """Return what reads a ZIP into a dataset; a dataset that is not there is said before the stream begins."""
    arrivals.check_writable(dataset_id)
    return lambda file: arrivals.add_archive(dataset_id, file.filename or "unnamed.zip", file.file)


Datasets = Annotated[DatasetService, Depends(get_service)]
Uploads = Annotated[UploadService, Depends(get_uploads)]
Grids = Annotated[GridService, Depends(get_grids)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such thing."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "The dataset is in the trash."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
TOO_LARGE: Responses = {413: {"model": Problem, "description": "The upload is larger than the studio accepts."}}
PNG: Responses = {200: {"content": {"image/png": {}}, "description": "The image."}}

ZIP: Responses = {200: {"content": {"application/zip": {}}, "description": "The ZIP."}}

router = APIRouter(prefix="/api", tags=["datasets"], responses=INVALID)


@router.get("/samples")
def list_samples() -> list[SampleConcept]:
    """List the bundled sample concepts."""
    return concepts.list_concepts()


@router.get(
    "/samples/{name}/cover", responses={**NOT_FOUND, 200: {"content": {"image/png": {}}}}, response_class=Response
)
def get_sample_cover(name: str) -> Response:
    """Show the image that stands for a sample concept."""
    return Response(
        concepts.read_cover(name), media_type="image/png", headers={"Cache-Control": "public, max-age=86400"}
    )


@router.get("/datasets")
def list_datasets(datasets: Datasets, deleted: bool = False) -> list[Dataset]:
    """List datasets, last changed first; with `deleted`, those in the trash."""
    return datasets.list_datasets(deleted)


@router.post("/datasets", status_code=201, responses=NOT_FOUND)
def create_dataset(create: DatasetCreate, uploads: Uploads) -> Dataset:
    """Create a dataset, empty or filled from a sample concept."""
    return uploads.create_dataset(create)


@router.get("/datasets/{dataset_id}", responses=NOT_FOUND)
def get_dataset(dataset_id: str, datasets: Datasets) -> Dataset:
    """Show one dataset."""
    return datasets.get_dataset(dataset_id)


@router.patch("/datasets/{dataset_id}", responses={**NOT_FOUND, **CONFLICT})
def update_dataset(dataset_id: str, change: DatasetUpdate, datasets: Datasets) -> Dataset:
    """Change a dataset's name, mode, trigger word or notes."""
    return datasets.update_dataset(dataset_id, change)


@router.delete("/datasets/{dataset_id}", status_code=204, responses=NOT_FOUND)
def delete_dataset(dataset_id: str, datasets: Datasets) -> None:
    """Put a dataset into the trash."""
    datasets.delete_dataset(dataset_id)


@router.post("/datasets/{dataset_id}/restoration", responses=NOT_FOUND)
def restore_dataset(dataset_id: str, datasets: Datasets) -> Dataset:
    """Take a dataset out of the trash."""
    return datasets.restore_dataset(dataset_id)


@router.get("/datasets/{dataset_id}/images", responses=NOT_FOUND)
def list_dataset_images(dataset_id: str, datasets: Datasets) -> list[DatasetImage]:
    """List a dataset's images in order, with captions and problems."""
    return datasets.list_images(dataset_id)


@router.post("/datasets/{dataset_id}/images", responses={**NOT_FOUND, **CONFLICT, **TOO_LARGE})
def upload_dataset_images(
    dataset_id: str,
    files: Annotated[list[UploadFile], File(description="Images, captions, ZIPs.")],
    uploads: Uploads,
    position: Annotated[
        int | None, Form(ge=0, le=10**9, description="Place of the first image; behind the last one when not given.")
    ] = None,
) -> UploadReport:
    """Add images, captions and ZIPs of them to a dataset."""
    named = [UploadedFile(file.filename or "unnamed", file.file) for file in files]
    return uploads.add_files(dataset_id, named, position)


@router.post("/datasets/{dataset_id}/images/known", responses=NOT_FOUND)
def find_known_images(dataset_id: str, request: KnownFilesRequest, arrivals: Arrivals) -> KnownFiles:
    """Say which contents a dataset has already, so that they need not be sent."""
    return arrivals.find_known(dataset_id, request.hashes)


@router.post(
    "/datasets/{dataset_id}/archives",
    responses={**NOT_FOUND, **CONFLICT, **TOO_LARGE},
    response_class=EventSourceResponse,
)
def upload_dataset_archive(
    file: Annotated[UploadFile, File(description="A ZIP.")],
    progress: Annotated[Callable[[UploadFile], Iterator[ArrivalProgress]], Depends(get_archive_reader)],
) -> Iterator[ArrivalProgress]:
    """Add a ZIP of any number of images; the answer is a stream that tells how far it is."""
    yield from progress(file)


@router.patch("/datasets/{dataset_id}/images/{dataset_image_id}", responses={**NOT_FOUND, **CONFLICT})
def update_dataset_image(
    dataset_id: str, dataset_image_id: str, change: DatasetImageUpdate, datasets: Datasets
) -> DatasetImage:
    """Set the caption of an image."""
    return datasets.update_image(dataset_id, dataset_image_id, change)


@router.delete("/datasets/{dataset_id}/images/{dataset_image_id}", status_code=204, responses={**NOT_FOUND, **CONFLICT})
def delete_dataset_image(dataset_id: str, dataset_image_id: str, datasets: Datasets) -> None:
    """Remove an image from a dataset; it can be put back."""
    datasets.delete_image(dataset_id, dataset_image_id)


@router.post("/datasets/{dataset_id}/images/{dataset_image_id}/restoration", responses={**NOT_FOUND, **CONFLICT})
def restore_dataset_image(dataset_id: str, dataset_image_id: str, datasets: Datasets) -> DatasetImage:
    """Put a removed image back into its dataset."""
    return datasets.restore_image(dataset_id, dataset_image_id)


@router.get("/datasets/{dataset_id}/check", responses=NOT_FOUND)
def check_dataset(dataset_id: str, datasets: Datasets, settings: SettingsDep, base: str | None = None) -> DatasetCheck:
    """Check what would spoil the training; with `base`, the training of that base."""
    return datasets.check(dataset_id, find_base_facts(settings, base))


@router.post("/datasets/{dataset_id}/fixes", responses={**NOT_FOUND, **CONFLICT})
def fix_dataset(
    dataset_id: str,
    request: FixRequest,
    database: Annotated[Database, Depends(get_database)],
    blobs: BlobsDep,
    settings: SettingsDep,
) -> FixResult:
    """Apply the one-click fix of a finding; the answer says how to take it back."""
    return FixService(database, blobs).apply(dataset_id, request.fix, find_base_facts(settings, request.base))


@router.get("/datasets/{dataset_id}/grid", responses=NOT_FOUND)
def get_dataset_grid(dataset_id: str, wanted: Annotated[GridFilter, Query()], grids: Grids) -> Grid:
    """Show a view of a dataset: the ids of all images that match, the first records, and counts."""
    return grids.get_grid(dataset_id, wanted)


@router.post("/datasets/{dataset_id}/grid/records", responses=NOT_FOUND)
def list_grid_records(
    dataset_id: str, request: GridRecordsRequest, database: Annotated[Database, Depends(get_database)], blobs: BlobsDep
) -> list[GridImage]:
    """Show the records of the visible window, in the order asked for."""
    with database.reading() as session:  # asked at every turn of the scroll wheel: must never wait for a writer
        return GridService(session, blobs).get_records(dataset_id, request.ids)


@router.get("/datasets/{dataset_id}/grid/changes", responses=NOT_FOUND)
def list_grid_changes(dataset_id: str, since: datetime, grids: Grids) -> GridChanges:
    """Say what became of a dataset's images since a revision."""
    return grids.get_changes(dataset_id, since)


@router.patch("/datasets/{dataset_id}/images", responses={**NOT_FOUND, **CONFLICT})
def change_dataset_images(dataset_id: str, change: ImagesChange, grids: Grids) -> ImagesChanged:
    """Tag, describe, repeat, take out or put back many images at once; the answer says how to take that back."""
    return grids.change_images(dataset_id, change)


@router.put("/datasets/{dataset_id}/edits", responses={**NOT_FOUND, **CONFLICT})
def edit_dataset_images(
    dataset_id: str, request: EditsRequest, database: Annotated[Database, Depends(get_database)], blobs: BlobsDep
) -> EditsDone:
    """Crop, turn and mirror images, or restore their originals; the answer says how to take that back."""
    with database.reading() as session:
        tasks = EditService(session, blobs).plan(dataset_id, request.changes)
    made = make_edits(blobs, tasks)
    with database.transaction() as session:
        return EditService(session, blobs).keep(dataset_id, made)


@router.post("/datasets/{dataset_id}/crops", responses=NOT_FOUND)
def suggest_crops(
    dataset_id: str, request: CropsRequest, database: Annotated[Database, Depends(get_database)], blobs: BlobsDep
) -> list[CropSuggestion]:
    """Suggest where images would best be cut to a shape, or which plain borders to leave out."""
    with database.reading() as session:  # changes nothing, though it is asked with a body
        return EditService(session, blobs).suggest(dataset_id, request)


@router.get("/datasets/{dataset_id}/training-view", responses=NOT_FOUND)
def get_training_view(
    dataset_id: str, settings: Annotated[TrainingSettings, Query()], session: SessionDep, blobs: BlobsDep
) -> TrainingView:
    """Show what the trainer will make of the images: buckets, cuts, what is left out, steps per epoch."""
    return TrainingViewService(session, blobs).get_view(dataset_id, settings)


@router.get("/datasets/{dataset_id}/manifest", responses=NOT_FOUND)
def get_dataset_manifest(dataset_id: str, session: SessionDep, blobs: BlobsDep) -> Manifest:
    """Show what a finetune that starts now would see, under the hash of its content."""
    return SnapshotService(session, blobs).get_manifest(dataset_id)


@router.post("/datasets/{dataset_id}/copies", status_code=201, responses=NOT_FOUND)
def copy_a_dataset(dataset_id: str, session: SessionDep, blobs: BlobsDep) -> Dataset:
    """Make a second dataset with the same images, captions and edits."""
    return copy_dataset(session, blobs, dataset_id)


@router.get("/datasets/{dataset_id}/export", responses={**NOT_FOUND, **CONFLICT, **ZIP}, response_class=Response)
def export_dataset(
    dataset_id: str, session: SessionDep, blobs: BlobsDep, layout: ExportLayout = "bfl"
) -> StreamingResponse:
    """Send a dataset as a ZIP: flat with captions beside (bfl), in a folder (captions), kohya or imagefolder."""
    export = ExportService(session, blobs).plan(dataset_id, layout)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(export.file_name)}"}
    return StreamingResponse(stream_zip(blobs, export), media_type="application/zip", headers=headers)
