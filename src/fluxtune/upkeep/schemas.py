"""What takes room, and what can be done about it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

RoomKind = Literal[
    "dataset_images",
    "generated_images",
    "sample_images",
    "thumbnails",
    "models",
    "checkpoints",
    "runs",
    "bases",
    "database",
    "backups",
    "logs",
    "other",
]
ThingKind = Literal["dataset", "finetune", "model"]
Cleaning = Literal["trash", "checkpoints", "samples", "caches"]
"""trash: all of it, now. checkpoints, samples: of finetunes that have ended, all but the last. caches: what finetunes
that have ended keep prepared of their images; it is made again when one is extended."""


class RoomPart(BaseModel):
    """How much one kind of thing takes up."""

    kind: RoomKind
    byte_count: int
    count: int


class RoomThing(BaseModel):
    """One of the largest things: a dataset with its originals, a finetune with its run folder, a model's versions."""

    kind: ThingKind
    id: str
    name: str
    byte_count: int
    is_deleted: bool


class CleaningOffer(BaseModel):
    """What a cleaning would remove now, and at least how much room that makes."""

    what: Cleaning
    count: int
    byte_count: int


class Room(BaseModel):
    """What takes room, as it was measured."""

    measured_at: datetime
    data_dir: str
    byte_count: int
    disk_free_bytes: int
    disk_total_bytes: int
    parts: list[RoomPart]
    things: list[RoomThing]
    offers: list[CleaningOffer]
    trash_days: int
    checkpoint_days: int
    sample_days: int
    probe_days: int


class CleaningStart(BaseModel):
    """What to clean now."""

    what: Cleaning
