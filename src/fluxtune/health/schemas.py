"""Health reports and comparisons as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from fluxtune.engine.reports import HealthReport
from fluxtune.finetunes.schemas import Finetune, LossPoint, SampleSheet, ValidationPoint
from fluxtune.images.schemas import Image
from fluxtune.jobs.schemas import Job


class Health(BaseModel):
    """How well a finetune turned out, as far as it was measured.

    `job` is the check that waits, runs or ended last; `report` is the newest whole one. Files the report names are in
    `images`, by file name; training images are in `training_images`, by their place in the snapshot.
    """

    finetune_id: str
    job: Job | None
    report: HealthReport | None
    images: dict[str, Image]
    training_images: dict[int, Image]
    measured_at: datetime | None


class SettingPair(BaseModel):
    """One setting that differs between two finetunes."""

    setting: str
    title: str
    a: Any
    b: Any


class ComparedFinetune(BaseModel):
    """One side of a comparison."""

    finetune: Finetune
    loss: list[LossPoint]
    validation: list[ValidationPoint]
    samples: SampleSheet
    health: HealthReport | None
    health_images: dict[str, Image]


class Comparison(BaseModel):
    """Two finetunes side by side: what differs between them, and what came of it."""

    a: ComparedFinetune
    b: ComparedFinetune
    facts: list[SettingPair]
    recipe: list[SettingPair]
