"""What finetunes were trained on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from fluxtune.datasets.snapshot import Manifest
from fluxtune.finetunes import repository


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """A finetune, also one in the trash, and what it has seen."""

    finetune_id: str
    name: str
    created_at: datetime
    manifest: Manifest


def list_trained_on(session: Session, dataset_id: str) -> list[TrainedOn]:
    """Return the finetunes of a dataset with their manifests, newest first."""
    return [
        TrainedOn(row.id, row.name, row.created_at, Manifest.model_validate(row.snapshot))
        for row in repository.list_by_dataset(session, dataset_id)
    ]
