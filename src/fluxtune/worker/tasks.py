"""Which task runs which kind of job."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from fluxtune.backends.local.backend import LocalBackend
from fluxtune.backups.tasks import BackupTask
from fluxtune.captioning.tasks import CaptionTask
from fluxtune.config import Settings
from fluxtune.db import Database
from fluxtune.finetunes.probe_task import ProbeTask
from fluxtune.finetunes.tasks import FinetuneTask
from fluxtune.generations.tasks import GenerationTask
from fluxtune.health.service import queue_check
from fluxtune.health.tasks import HealthTask
from fluxtune.jobs.tasks import Task
from fluxtune.storage import Blobs
from fluxtune.upkeep.tasks import CleaningTask


def build_tasks(settings: Settings, database: Database, blobs: Blobs, backend: LocalBackend) -> Sequence[Task]:
    """Return one task for every kind of job."""

    def check_health(session: Session, finetune_id: str, name: str) -> None:
        if settings.engine.health_after_runs:  # asked each time: it may be changed meanwhile
            queue_check(session, finetune_id, name)

    return [
        FinetuneTask(settings, blobs, backend, check_health),
        ProbeTask(settings, blobs, backend),
        GenerationTask(settings, blobs, backend),
        HealthTask(settings, blobs, backend),
        CaptionTask(settings, blobs, backend),
        BackupTask(settings, database, blobs),
        CleaningTask(settings, database, blobs),
    ]
