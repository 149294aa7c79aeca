"""Snapshots of datasets as the API shows them."""

from datetime import datetime

from pydantic import BaseModel

from fluxtune.datasets.schemas import Edits
from fluxtune.images.schemas import Image


class SnapshotUse(BaseModel):
    """A finetune that was trained on a snapshot."""

    finetune_id: str
    name: str
    created_at: datetime


class SnapshotSummary(BaseModel):
    """The content of a dataset at one moment, under its hash. `is_current`: the dataset is the same today."""

    hash: str
    taken_at: datetime
    image_count: int
    captioned_count: int
    is_current: bool
    used_by: list[SnapshotUse]


class Snapshots(BaseModel):
    """The hash of a dataset as it is now, and the snapshots that finetunes were trained on, newest first."""

    current_hash: str
    snapshots: list[SnapshotSummary]


class SnapshotImage(BaseModel):
    """One image as a run has seen it; `image` is null where storage has lost it since."""

    name: str
    caption: str
    sha256: str
    repeats: int
    edits: Edits | None
    image: Image | None


class SnapshotContent(BaseModel):
    """All that a run has seen, in its order."""

    hash: str
    dataset_name: str
    images: list[SnapshotImage]


class ImageDifference(BaseModel):
    """One image that is in both snapshots and not the same."""

    before: SnapshotImage
    after: SnapshotImage


class SnapshotDifference(BaseModel):
    """What has changed from one snapshot to another. An image may be in several lists.

    Images are matched by their originals, so that a cropped one counts as edited, not as another.
    """

    before: str
    after: str
    added: list[SnapshotImage]
    removed: list[SnapshotImage]
    captions: list[ImageDifference]
    edits: list[ImageDifference]
    repeats: list[ImageDifference]
    is_order_changed: bool
    same_count: int
