"""Finetunes: plan, start, steer, look."""

from pathlib import Path

from sqlalchemy.orm import Session

from fluxtune.backends.local.readiness import require_engine
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, NotFound
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text
from fluxtune.datasets.concepts import list_concepts
from fluxtune.datasets.schemas import Dataset
from fluxtune.datasets.service import DatasetInTrash, DatasetService
from fluxtune.datasets.snapshot import SnapshotService
from fluxtune.engine.captions import PLACEHOLDER, fill_trigger
from fluxtune.engine.config import Recipe
from fluxtune.engine.estimate import describe_machine
from fluxtune.engine.recipes import prompts_for
from fluxtune.finetunes import repository
from fluxtune.finetunes.planning import Choices, MeasuredRun, choose_recipe, make_plan
from fluxtune.finetunes.schemas import (
    Checkpoint,
    Finetune,
    FinetuneCreate,
    FinetunePlan,
    LogLine,
    LossPoint,
    SampleCell,
    SampleSheet,
)
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.images.schemas import Image
from fluxtune.images.service import ImageService
from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import Job
from fluxtune.models.service import ModelService
from fluxtune.storage import Blobs

MAX_LOSS_POINTS = 1_000
"""More than a chart has pixels."""
MAX_LOG_LINES = 2_000
SAMPLE_PROMPTS = 4
MEASURED_RUNS = 10


class FinetuneMissing(NotFound):
    """No such finetune."""

    title = "No such finetune"
    action = "Go back to the list of finetunes."


class FinetuneActive(Conflict):
    """The finetune still waits, runs or is paused."""

    title = "The finetune has not ended"
    action = "Stop or cancel it first."


class FinetuneInTrash(Conflict):
    """The finetune is in the trash."""

    title = "The finetune is in the trash"
    action = "Restore it first."


class CheckpointMissing(NotFound):
    """The run has no checkpoint at this step, or no longer."""

    title = "No such checkpoint"
    action = "Choose one of the run's list; older ones are removed while it trains."


class FinetuneService:
    """Everything a user does with finetunes. What the worker does is in `tasks.py`."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._session = session
        self._paths = settings.paths
        self._images = ImageService(session, blobs)
        self._datasets = DatasetService(session, blobs)
        self._snapshots = SnapshotService(session, blobs)
        self._models = ModelService(session, blobs, settings)

    def plan(self, create: FinetuneCreate) -> FinetunePlan:
        """Return what a finetune would do and cost, before it starts."""
        dataset = self._datasets.get_dataset(create.dataset_id)
        measured = [_measured(row) for row in repository.list_measured(self._session, create.base, MEASURED_RUNS)]
        return make_plan(
            self._choices(create, dataset),
            dataset,
            self._datasets.check(dataset.id),
            [(entry.image.width, entry.image.height) for entry in self._datasets.list_images(dataset.id)],
            describe_machine(self._paths.data),
            measured,
            jobs.count_waiting(self._session),
        )

    def create_finetune(self, create: FinetuneCreate) -> Finetune:
        """Freeze the dataset and queue the run; everything that can be wrong is said here, before anything waits."""
        dataset = self._datasets.get_dataset(create.dataset_id)
        if dataset.deleted_at is not None:
            raise DatasetInTrash(f"“{dataset.name}” was put into the trash.")
        choices = self._choices(create, dataset)
        recipe, _ = choose_recipe(choices)
        manifest = self._snapshots.freeze(dataset.id)
        self._models.require_base(create.base)
        require_engine()
        finetune_id = new_id()
        name = self._free_name(clean_text(create.name or "") or dataset.name)
        job = jobs.enqueue(self._session, "finetune", finetune_id, f"Finetune “{name}”", {}, steps=recipe.steps)
        row = FinetuneRow(
            id=finetune_id,
            job_id=job.id,
            name=name,
            dataset_id=dataset.id,
            dataset_name=dataset.name,
            snapshot=manifest.model_dump(mode="json"),
            snapshot_hash=manifest.hash,
            image_count=len(manifest.images),
            base=create.base,
            mode=choices.mode,
            quality=choices.quality,
            trigger_word=choices.trigger_word,
            recipe=recipe.model_dump(mode="json"),
            created_at=now(),
        )
        repository.add(self._session, row)
        return self._show([row])[0]

    def list_finetunes(self, deleted: bool = False) -> list[Finetune]:
        """Return the finetunes in or outside the trash, newest first."""
        return self._show(repository.list_finetunes(self._session, deleted))

    def get_finetune(self, finetune_id: str) -> Finetune:
        """Return one finetune, also from the trash."""
        return self._show([self._row(finetune_id)])[0]

    def stop_finetune(self, finetune_id: str) -> Finetune:
        """End the run after the step it is at and make a model of what was learnt."""
        row = self._row(finetune_id)
        jobs.request(self._session, row.job_id, "stop")
        row.is_stopping = True
        return self._show([row])[0]

    def cancel_finetune(self, finetune_id: str) -> Finetune:
        """End the run without a model."""
        row = self._row(finetune_id)
        jobs.cancel(self._session, row.job_id)
        return self._show([row])[0]

    def pause_finetune(self, finetune_id: str) -> Finetune:
        """Save the run and let go of the device."""
        row = self._row(finetune_id)
        jobs.request(self._session, row.job_id, "pause")
        return self._show([row])[0]

    def resume_finetune(self, finetune_id: str) -> Finetune:
        """Go on with a paused or failed run from its last checkpoint."""
        row = self._row(finetune_id)
        if row.deleted_at is not None:
            raise FinetuneInTrash(f"“{row.name}” was put into the trash.")
        require_engine()
        jobs.request(self._session, row.job_id, "resume")
        row.is_stopping = False
        return self._show([row])[0]

    def delete_finetune(self, finetune_id: str) -> None:
        """Put a finetune that has ended into the trash; its model stays."""
        row = self._row(finetune_id)
        state = jobs.get_(self._session, row.job_id).state
        if state in ("queued", "running", "paused"):
            raise FinetuneActive(f"“{row.name}” is {state}.")
        row.deleted_at = row.deleted_at or now()

    def restore_finetune(self, finetune_id: str) -> Finetune:
        """Take a finetune out of the trash."""
        row = self._row(finetune_id)
        row.deleted_at = None
        return self._show([row])[0]

    def list_loss(self, finetune_id: str) -> list[LossPoint]:
        """Return the measured steps, thinned out evenly when there are very many."""
        rows = repository.list_loss(self._session, self._row(finetune_id).id)
        stride = -(-len(rows) // MAX_LOSS_POINTS) or 1
        # Counted from the end, so that the newest point is always among them.
        kept = rows[::-1][::stride][::-1]
        return [
            LossPoint(
                step=row.step, loss=row.loss, smoothed=row.smoothed, learning_rate=row.learning_rate,
                grad_norm=row.grad_norm, seconds_per_step=row.seconds_per_step,
            )
            for row in kept
        ]  # fmt: skip

    def get_samples(self, finetune_id: str) -> SampleSheet:
        """Return the sample sheet as far as it has grown."""
        row = self._row(finetune_id)
        samples = repository.list_samples(self._session, row.id)
        images = self._images.get_images(sample.image_id for sample in samples)
        recipe = Recipe.model_validate(row.recipe)
        prompts = prompts_for(row.mode, recipe) if recipe.sample_every else []  # type: ignore[arg-type]
        filled = [fill_trigger(prompt, row.trigger_word) for prompt in prompts]
        for sample in samples:
            if sample.row < len(filled):
                filled[sample.row] = sample.prompt
        return SampleSheet(
            prompts=filled,
            steps=sorted({sample.step for sample in samples}),
            cells=[
                SampleCell(row=sample.row, step=sample.step, image=images[sample.image_id])
                for sample in samples
                if sample.image_id in images
            ],
        )

    def list_checkpoints(self, finetune_id: str) -> list[Checkpoint]:
        """Return the checkpoints that are still there, newest first."""
        row = self._row(finetune_id)
        return [
            Checkpoint(
                step=checkpoint.step,
                byte_count=checkpoint.byte_count,
                file_url=f"/api/finetunes/{row.id}/checkpoints/{checkpoint.step}/file",
                created_at=checkpoint.created_at,
            )
            for checkpoint in repository.list_checkpoints(self._session, row.id)
            if self._checkpoint_file(row, checkpoint.folder).is_file()
        ]

    def get_checkpoint_file(self, finetune_id: str, step: int) -> tuple[Path, str]:
        """Return the adapter of a checkpoint and a name for it."""
        row = self._row(finetune_id)
        checkpoint = repository.find_checkpoint(self._session, row.id, step) if step < 2**31 else None
        path = self._checkpoint_file(row, checkpoint.folder) if checkpoint is not None else None
        if path is None or not path.is_file():
            raise CheckpointMissing(f"“{row.name}” has no checkpoint at step {step}.")
        return path, f"fluxtune-{row.id[-8:]}-{step}.safetensors"

    def list_log(self, finetune_id: str) -> list[LogLine]:
        """Return the last lines of the run's log."""
        rows = repository.list_log(self._session, self._row(finetune_id).id, MAX_LOG_LINES)
        return [LogLine(at=row.at, level=row.level, message=row.message) for row in rows]

    def _checkpoint_file(self, row: FinetuneRow, folder: str) -> Path:
        return self._paths.run(row.id) / "checkpoints" / Path(folder).name / "adapter.safetensors"

    def _choices(self, create: FinetuneCreate, dataset: Dataset) -> Choices:
        trigger_word = dataset.trigger_word if create.trigger_word is None else clean_text(create.trigger_word)
        return Choices(
            mode=create.mode or dataset.mode,
            quality=create.quality,
            base=self._models.get_base(create.base),
            trigger_word=trigger_word,
            image_count=dataset.image_count,
            overrides=create.recipe,
            prompts=_concept_prompts(dataset),
        )

    def _row(self, finetune_id: str) -> FinetuneRow:
        row = repository.find_finetune(self._session, finetune_id)
        if row is None:
            raise FinetuneMissing(f"There is no finetune “{finetune_id[:64]}”.")
        return row

    def _free_name(self, wish: str) -> str:
        wish = wish[:110]
        name, number = wish, 2
        while repository.name_exists(self._session, name):
            name, number = f"{wish} {number}", number + 1
        return name

    def _show(self, rows: list[FinetuneRow]) -> list[Finetune]:
        known = jobs.get_many(self._session, [row.job_id for row in rows])
        covers = self._images.get_images(row.cover_image_id for row in rows if row.cover_image_id)
        return [_to_schema(row, known[row.job_id], covers) for row in rows]


def _to_schema(row: FinetuneRow, job: Job, covers: dict[str, Image]) -> Finetune:
    return Finetune.model_validate(
        {
            "id": row.id,
            "job_id": row.job_id,
            "name": row.name,
            "state": job.state,
            "phase": job.phase,
            "step": job.step,
            "steps": job.steps or row.recipe["steps"],
            "eta_s": job.eta_s,
            "seconds_per_step": row.seconds_per_step,
            "loss": row.loss,
            "peak_memory_bytes": row.peak_memory_bytes,
            "waiting_for": job.waiting_for,
            "dataset_id": row.dataset_id,
            "dataset_name": row.dataset_name,
            "snapshot_hash": row.snapshot_hash,
            "image_count": row.image_count,
            "base": row.base,
            "mode": row.mode,
            "quality": row.quality,
            "trigger_word": row.trigger_word,
            "recipe": row.recipe,
            "model_id": row.model_id,
            "cover": covers.get(row.cover_image_id) if row.cover_image_id else None,
            "error": job.error,
            "is_stopping": row.is_stopping and job.state in ("queued", "running"),
            "created_at": row.created_at,
            "started_at": job.started_at,
            "finished_at": job.finished_at,
            "deleted_at": row.deleted_at,
        }
    )


def _measured(row: FinetuneRow) -> MeasuredRun:
    return MeasuredRun(
        recipe=Recipe.model_validate(row.recipe),
        device=row.device,
        seconds=row.seconds or 0.0,
        seconds_per_step=row.seconds_per_step or 0.0,
        peak_memory_bytes=row.peak_memory_bytes,
        steps_done=row.steps_done,
    )


def _concept_prompts(dataset: Dataset) -> list[str]:
    """Return a sample concept's own prompts, so that its run shows what they promise."""
    concept = next((item for item in list_concepts() if item.name == dataset.sample), None)
    if concept is None:
        return []
    return [prompt.replace(concept.trigger_word, PLACEHOLDER) for prompt in concept.prompts[:SAMPLE_PROMPTS]]
