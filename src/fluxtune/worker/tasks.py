"""Which task runs which kind of job."""

from collections.abc import Sequence

from fluxtune.backends.local.backend import LocalBackend
from fluxtune.captioning.tasks import CaptionTask
from fluxtune.config import Settings
from fluxtune.finetunes.probe_task import ProbeTask
from fluxtune.finetunes.tasks import FinetuneTask
from fluxtune.generations.tasks import GenerationTask
from fluxtune.health.service import queue_check
from fluxtune.health.tasks import HealthTask
from fluxtune.jobs.tasks import Task
from fluxtune.storage import Blobs


def build_tasks(settings: Settings, blobs: Blobs, backend: LocalBackend) -> Sequence[Task]:
    """Return one task for every kind of job."""
    on_success = queue_check if settings.engine.health_after_runs else None
    return [
        FinetuneTask(settings, blobs, backend, on_success),
        ProbeTask(settings, blobs, backend),
        GenerationTask(settings, blobs, backend),
        HealthTask(settings, blobs, backend),
        CaptionTask(settings, blobs, backend),
    ]
