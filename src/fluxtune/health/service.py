"""Health reports: queue a check, show what it found, compare two finetunes."""

from typing import Any

from sqlalchemy.orm import Session

from fluxtune.backends.local import readiness
from fluxtune.config import Settings
from fluxtune.core.errors import Conflict, InvalidInput, NotFound
from fluxtune.engine.config import Recipe
from fluxtune.engine.reports import HealthReport
from fluxtune.finetunes.schemas import Finetune
from fluxtune.finetunes.service import FinetuneService
from fluxtune.health import repository
from fluxtune.health.schemas import ComparedFinetune, Comparison, Health, SettingPair
from fluxtune.health.tables import HealthReportRow
from fluxtune.images.service import ImageService
from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import Job
from fluxtune.storage import Blobs

ACTIVE_STATES = ("queued", "running", "paused")
FACTS = {
    "base": "Base",
    "mode": "Mode",
    "quality": "Quality",
    "trigger_word": "Trigger word",
    "dataset_name": "Dataset",
    "image_count": "Images",
    "snapshot_hash": "Content of the dataset",
    "step": "Steps done",
}
"""What may differ between two finetunes beside their recipes, and what people call it."""


class FinetuneUnfinished(Conflict):
    """Only a finetune that has ended well can be measured."""

    title = "The finetune has not ended"
    action = "Wait for its end, or stop it and keep what it learned."


class NoCheckUnderWay(Conflict):
    """Only a check that waits or runs can be cancelled."""

    title = "No check is under way"
    action = "Look at the report, or measure."


class ReportMissing(NotFound):
    """The finetune a check belongs to is gone."""

    title = "There is no report"
    action = "Measure a finetune that is still there."


class SameFinetune(InvalidInput):
    """A finetune can't be compared with itself."""

    title = "These are the same finetune"
    action = "Choose two different ones."


class HealthService:
    """Everything a user does with health reports. What the worker does is in `tasks.py`."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._session = session
        self._finetunes = FinetuneService(session, blobs, settings)
        self._images = ImageService(session, blobs)

    def get_health(self, finetune_id: str) -> Health:
        """Return the newest report of a finetune and the check that is under way."""
        return self._show(self._finetunes.get_finetune(finetune_id).id)

    def start_check(self, finetune_id: str) -> Job:
        """Queue a check; one that waits or runs already is returned as it is."""
        finetune = self._finetunes.get_finetune(finetune_id)
        if finetune.state != "succeeded":
            raise FinetuneUnfinished(f"“{finetune.name}” is {finetune.state}.")
        readiness.require_engine()
        return queue_check(self._session, finetune.id, finetune.name)

    def cancel_check(self, finetune_id: str) -> Job:
        """Cancel the check that waits or runs; a report that is there already stays."""
        finetune = self._finetunes.get_finetune(finetune_id)
        row = repository.find_report(self._session, finetune.id)
        job = jobs.get_many(self._session, [row.job_id]).get(row.job_id) if row is not None else None
        if job is None or job.state not in ACTIVE_STATES:
            raise NoCheckUnderWay(f"Nothing is being measured of “{finetune.name}”.")
        return jobs.cancel(self._session, job.id)

    def compare(self, a: str, b: str) -> Comparison:
        """Return two finetunes side by side: what differs between them, and what came of it."""
        if a == b:
            raise SameFinetune("Both are the same.", field="b")
        first, second = (self._finetunes.get_finetune(each) for each in (a, b))
        facts = [
            SettingPair(setting=name, title=title, a=getattr(first, name), b=getattr(second, name))
            for name, title in FACTS.items()
            if getattr(first, name) != getattr(second, name)
        ]
        return Comparison(
            a=self._side(first), b=self._side(second), facts=facts, recipe=differences(first.recipe, second.recipe)
        )

    def _side(self, finetune: Finetune) -> ComparedFinetune:
        health = self._show(finetune.id)
        return ComparedFinetune(
            finetune=finetune,
            loss=self._finetunes.list_loss(finetune.id),
            validation=self._finetunes.list_validation(finetune.id),
            samples=self._finetunes.get_samples(finetune.id),
            health=health.report,
            health_images=health.images,
        )

    def _show(self, finetune_id: str) -> Health:
        row = repository.find_report(self._session, finetune_id)
        if row is None:
            return Health(
                finetune_id=finetune_id, job=None, report=None, images={}, training_images={}, measured_at=None
            )
        report = HealthReport.model_validate(row.report) if row.report else None
        files = repository.list_images(self._session, finetune_id)
        known = self._images.get_images(files.values())
        near = [each for checkpoint in report.checkpoints for each in checkpoint.nearest] if report else []
        originals = self._images.find_by_hashes(each.training_sha256 for each in near)
        return Health(
            finetune_id=finetune_id,
            job=jobs.get_many(self._session, [row.job_id]).get(row.job_id),
            report=report,
            images={file: known[image_id] for file, image_id in files.items() if image_id in known},
            training_images={
                each.training_index: originals[each.training_sha256]
                for each in near
                if each.training_sha256 in originals
            },
            measured_at=row.measured_at,
        )


def queue_check(session: Session, finetune_id: str, name: str) -> Job:
    """Queue the check of a finished run, behind what waits; one that is on its way already stays the only one."""
    row = repository.find_report(session, finetune_id)
    if row is not None:
        known = jobs.get_many(session, [row.job_id]).get(row.job_id)
        if known is not None and known.state in ACTIVE_STATES:
            return known
    job = jobs.enqueue(session, "health", finetune_id, f"Health of “{name}”", {})
    if row is None:
        repository.add(session, HealthReportRow(finetune_id=finetune_id, job_id=job.id))
    else:
        row.job_id = job.id
    return job


def differences(a: Recipe, b: Recipe) -> list[SettingPair]:
    """Return the settings two recipes differ in, in the recipe's own order."""
    first: dict[str, Any] = a.model_dump(mode="json")
    second: dict[str, Any] = b.model_dump(mode="json")
    return [
        SettingPair(setting=name, title=field.title or name, a=first[name], b=second[name])
        for name, field in Recipe.model_fields.items()
        if first[name] != second[name]
    ]
