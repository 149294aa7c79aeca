"""Snapshots of a dataset: what runs have seen, and what differs."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from fluxtune.core.errors import Problem
from fluxtune.db import get_session
from fluxtune.snapshots.schemas import SnapshotContent, SnapshotDifference, Snapshots
from fluxtune.snapshots.service import SnapshotReadings
from fluxtune.storage import Blobs, get_blobs


async def get_readings(
    session: Annotated[Session, Depends(get_session, scope="function")], blobs: Annotated[Blobs, Depends(get_blobs)]
) -> SnapshotReadings:
    """Return the snapshots of this request."""
    return SnapshotReadings(session, blobs)


Readings = Annotated[SnapshotReadings, Depends(get_readings)]

RESPONSES: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such dataset or snapshot."},
    422: {"model": Problem, "description": "Something given is not acceptable."},
}

router = APIRouter(prefix="/api", tags=["datasets"], responses=RESPONSES)


@router.get("/datasets/{dataset_id}/snapshots")
def list_snapshots(dataset_id: str, snapshots: Readings) -> Snapshots:
    """List what finetunes have seen of a dataset, newest first, with the finetunes."""
    return snapshots.list_snapshots(dataset_id)


@router.get("/datasets/{dataset_id}/snapshots/{snapshot}")
def get_snapshot(dataset_id: str, snapshot: str, snapshots: Readings) -> SnapshotContent:
    """Show a snapshot exactly as it was seen; `now` shows what a finetune would see that starts now."""
    return snapshots.get_snapshot(dataset_id, snapshot)


@router.get("/datasets/{dataset_id}/snapshots/{snapshot}/difference")
def compare_snapshots(dataset_id: str, snapshot: str, snapshots: Readings, to: str = "now") -> SnapshotDifference:
    """Say what has changed from a snapshot to another, or to the dataset as it is now."""
    return snapshots.compare(dataset_id, snapshot, to)
