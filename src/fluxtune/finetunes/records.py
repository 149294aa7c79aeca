"""Finetunes as they are stored, and as they are shown."""

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes import repository
from fluxtune.finetunes.errors import CheckpointMissing, FinetuneInTrash, FinetuneMissing
from fluxtune.finetunes.schemas import Finetune, Healing
from fluxtune.finetunes.tables import FinetuneRow, HealingRow
from fluxtune.images.schemas import Image
from fluxtune.images.service import ImageService
from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import Job
from fluxtune.sharing import service as sharing
from fluxtune.storage import Blobs, is_locked
from fluxtune.webhooks import service as webhooks


class FinetuneRecords:
    """Finds and shows finetunes; what all that deals with them has in common."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._blobs = blobs
        self._paths = settings.paths
        self._images = ImageService(session, blobs)

    def _row(self, finetune_id: str) -> FinetuneRow:
        row = repository.find_finetune(self._session, finetune_id)
        if row is None:
            raise FinetuneMissing(f"There is no finetune “{finetune_id[:64]}”.")
        sharing.check(self._session, "finetune", row.id)
        return row

    def _row_in_use(self, finetune_id: str) -> FinetuneRow:
        row = self._row(finetune_id)
        if row.deleted_at is not None:
            raise FinetuneInTrash(f"“{row.name}” was put into the trash.")
        return row

    def _job(self, row: FinetuneRow) -> Job:
        return jobs.get_(self._session, row.job_id)

    def _show(self, rows: list[FinetuneRow]) -> list[Finetune]:
        known = jobs.get_many(self._session, [row.job_id for row in rows])
        covers = self._images.get_images(row.cover_image_id for row in rows if row.cover_image_id)
        healings = repository.list_healings(self._session, [row.id for row in rows])
        deliveries = webhooks.newest_deliveries(self._session, [row.id for row in rows if row.webhook_url])
        pauses = jobs.why_paused(self._session, known.values())
        return [
            _to_schema(
                row,
                known[row.job_id],
                covers,
                healings.get(row.id, []),
                webhook=deliveries.get(row.id),
                paused_because=pauses.get(row.job_id),
                is_loaded=self._is_waiting_loaded(row, known[row.job_id]),
            )
            for row in rows
        ]

    def _is_waiting_loaded(self, row: FinetuneRow, job: Job) -> bool:
        """Return whether a paused run's trainer still lives; it leaves when its patience or the device is wanted."""
        return job.state == "paused" and is_locked(self._paths.run(row.id) / "run.lock")

    def _show_one(self, row: FinetuneRow) -> Finetune:
        return self._show([row])[0]

    def _checkpoint_folder(self, row: FinetuneRow, step: int) -> Path:
        """Return the folder of a checkpoint that is still there; raise `CheckpointMissing`."""
        checkpoint = repository.find_checkpoint(self._session, row.id, step) if step < 2**31 else None
        folder = self._folder(row, checkpoint.folder) if checkpoint is not None else None
        if folder is None or not (folder / "adapter.safetensors").is_file():
            raise CheckpointMissing(f"“{row.name}” has no checkpoint at step {step}.")
        return folder

    def _folder(self, row: FinetuneRow, name: str) -> Path:
        return RunFolder(self._paths.run(row.id)).checkpoints / Path(name).name


def _to_schema(
    row: FinetuneRow, job: Job, covers: dict[str, Image], healings: list[HealingRow], **more: object
) -> Finetune:
    is_running = job.state == "running"
    values: dict[str, Any] = {
        "state": job.state,
        "phase": job.phase,
        "step": job.step,
        "steps": job.steps or row.recipe["steps"],
        "eta_s": job.eta_s,
        "memory_bytes": row.memory_bytes if is_running else None,
        "device_load": row.device_load if is_running else None,
        "waiting_for": job.waiting_for,
        "cover": covers.get(row.cover_image_id) if row.cover_image_id else None,
        "error": job.error,
        "is_stopping": row.is_stopping and job.state in ("queued", "running"),
        "healings": [_to_healing(healing) for healing in healings],
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        **more,
    }
    for field in Finetune.model_fields.keys() - values.keys():
        values[field] = getattr(row, field)
    return Finetune.model_validate(values)


def _to_healing(row: HealingRow) -> Healing:
    return Healing(
        step=row.step,
        trouble=row.trouble,
        message=row.message,
        changes=row.changes,
        goes_on_from=row.goes_on_from,
        at=row.at,
    )
