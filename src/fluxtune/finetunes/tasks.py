"""What the worker runs for a finetune: prepare the run folder, train, make the model. Every step may be repeated."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.orm import Session

from fluxtune.backends.base import RunEnd, RunSink, Steering
from fluxtune.backends.local.readiness import describe_device, engine_versions
from fluxtune.backends.local.runlog import RunLog
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import EngineCrashed
from fluxtune.datasets.snapshot import Manifest
from fluxtune.engine.captions import fill_trigger
from fluxtune.engine.config import Recipe, RunConfig
from fluxtune.engine.recipes import prompts_for
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes import repository
from fluxtune.finetunes.elsewhere import RunElsewhere
from fluxtune.finetunes.ending import tell_end
from fluxtune.finetunes.errors import FinetuneMissing
from fluxtune.finetunes.folders import write_run_folder
from fluxtune.finetunes.runs import RunRecorder, log_end, tell_last_step
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep
from fluxtune.models.schemas import Training
from fluxtune.models.service import ModelService, NewModel, store_adapter
from fluxtune.storage import Blobs


class Trainer(Protocol):
    """A backend that trains."""

    def train(self, run_dir: Path, sink: RunSink, steering: Steering) -> RunEnd:
        """Follow the run of a folder to its end."""
        ...


_LAST_WORDS = {
    "cancelled": ("info", "Cancelled."),
    "paused": ("info", "Paused; the run goes on from here when it is resumed."),
    "failed": ("error", "Failed."),
}


class FinetuneTask:
    """One finetune from queued to model."""

    kind: JobKind = "finetune"

    def __init__(
        self,
        settings: Settings,
        blobs: Blobs,
        backend: Trainer,
        on_success: Callable[[Session, str, str], object] | None = None,
    ) -> None:
        """`on_success` is called with id and name of a finetune that made a model, in the transaction that ends it."""
        self._settings = settings
        self._paths = settings.paths
        self._blobs = blobs
        self._backend = backend
        self._on_success = on_success

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        """Return the steps, in order."""
        return [("prepare", self._prepare), ("train", self._train), ("package", self._package)]

    def _prepare(self, job: JobContext) -> StepEnd | None:
        """Write the run folder; what is there already is left as it is."""
        job.tell("job.phase", {"phase": "preparing", "done": None, "total": None})
        with job.reading() as session:
            row = _row(session, job)
        if row.server_id is not None:
            return RunElsewhere(self._settings, self._blobs, job, row).send()
        with job.reading() as session:
            base = ModelService(session, self._blobs, self._settings).require_base(row.base)
        folder = RunFolder(self._paths.run(row.id))
        self._reopen(job, folder)
        started_from = f"{row.parent_id}@{row.parent_step}" if row.parent_id is not None else None
        config = RunConfig.model_validate(
            {
                "id": row.id,
                "name": row.name,
                "base": row.base,
                "base_path": base.path,
                "mode": row.mode,
                "trigger_word": row.trigger_word,
                "recipe": row.recipe,
                "started_from": started_from,
            }
        )
        write_run_folder(self._blobs, folder, config, Manifest.model_validate(row.snapshot))
        return None

    def _reopen(self, job: JobContext, folder: RunFolder) -> None:
        """Take back the result of a run that was extended since: with it there the trainer has nothing to do.

        Its old events are over with: the end among them must not be taken for the end of what comes now.
        """
        extended_at: int | None = job.payload.get("extended_at")
        result = folder.read_result() if extended_at is not None else None
        if result is None or extended_at is None or result.step > extended_at:
            return
        told = RunLog(folder.events)
        told.read()
        with job.transaction() as session:
            row = _row(session, job)
            row.last_seq = max(row.last_seq, told.seq)
        folder.result.unlink()
        folder.adapter.unlink(missing_ok=True)

    def _train(self, job: JobContext) -> StepEnd | None:
        with job.reading() as session:
            row = _row(session, job)
        if row.server_id is not None:
            return RunElsewhere(self._settings, self._blobs, job, row).follow()
        run_dir = self._paths.run(job.target_id)
        end = self._backend.train(run_dir, RunRecorder(job, self._blobs, run_dir), job)
        if end.state == "succeeded":
            return None
        data: dict[str, Any] = {"seq": end.seq}
        if end.state == "paused":
            data |= {"reason": end.data.get("reason", "user"), "is_loaded": bool(end.data.get("is_loaded"))}
        return StepEnd(end.state, data, end.error)

    def _package(self, job: JobContext) -> StepEnd | None:
        """Make the model. Copying comes first, so that the transaction is short."""
        with job.reading() as session:
            row = _row(session, job)
        if row.server_id is not None:
            return RunElsewhere(self._settings, self._blobs, job, row).fetch()
        folder = RunFolder(self._paths.run(job.target_id))
        result = folder.read_result()
        if result is None:
            raise EngineCrashed("The run ended well, but left no result.")
        with job.reading() as session:
            made = ModelService(session, self._blobs, self._settings).find_by_finetune(job.target_id)
        is_stored = made is not None and any(version.step == result.step for version in made.versions)
        stored = store_adapter(self._paths, folder.adapter, made.id if made else None) if not is_stored else None
        with job.transaction() as session:
            row = _row(session, job)
            row.seconds, row.seconds_per_step, row.steps_done = result.seconds, result.seconds_per_step, result.step
            row.peak_memory_bytes = max(row.peak_memory_bytes or 0, result.peak_memory_bytes)
            tell_last_step(session, job, row, result.step)
            if stored is not None:
                models = ModelService(session, self._blobs, self._settings)
                if made is None:
                    row.model_id = models.create_model(_new_model(row, result.step), stored).id
                else:
                    models.add_version(made.id, result.step, stored)
        return StepEnd("done", {"stopped_early": result.step < result.steps})

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        """Store how the run ended."""
        row = _row(session, job)
        seq = int(end.data.get("seq", 0))
        row.last_seq = max(row.last_seq, seq)
        if end.state == "handed_back":
            return {}
        row.is_stopping = False
        if end.state in _LAST_WORDS and seq:
            level, message = _LAST_WORDS[end.state]
            if end.error is not None:
                message = f"{end.error.title}. {end.error.detail}".strip()
            log_end(session, row, seq, now(), level, message)
        if end.state == "done":
            tell_end(session, self._settings, row, "succeeded", None)
            # What trained elsewhere is too large for this computer, or its owner wants it quiet.
            if self._on_success is not None and row.server_id is None:
                self._on_success(session, row.id, row.name)
            return {"model_id": row.model_id}
        if end.state != "paused":
            tell_end(session, self._settings, row, end.state, end.error)
        elif end.data.get("reason") == "disk-full":
            tell_end(session, self._settings, row, "paused", None)
        return {name: end.data[name] for name in ("reason", "is_loaded") if name in end.data}


def _row(session: Session, job: JobContext) -> FinetuneRow:
    row = repository.find_finetune(session, job.target_id)
    if row is None:
        raise FinetuneMissing(f"There is no finetune “{job.target_id}”.")
    return row


def _new_model(row: FinetuneRow, step: int) -> NewModel:
    recipe = Recipe.model_validate(row.recipe)
    prompts = [fill_trigger(prompt, row.trigger_word) for prompt in prompts_for(row.mode, recipe)]  # type: ignore[arg-type]
    images = "1 image" if row.image_count == 1 else f"{row.image_count} images"
    return NewModel(
        finetune_id=row.id,
        dataset_id=row.dataset_id,
        name=row.name,
        base=row.base,
        mode=row.mode,
        trigger_word=row.trigger_word,
        prompts=prompts,
        description=f"Learnt from {images} of “{row.dataset_name}” in {step} steps.",
        cover_image_id=row.cover_image_id,
        step=step,
        training=_training(row, recipe.seed).model_dump(mode="json"),
    )


def _training(row: FinetuneRow, seed: int) -> Training:
    """Return how it was made, for the model to keep."""
    return Training(
        dataset_name=row.dataset_name,
        snapshot_hash=row.snapshot_hash,
        image_count=row.image_count,
        seed=seed,
        recipe=row.recipe,
        seconds=row.seconds,
        device=row.device or describe_device()[1],
        engine=engine_versions(),
    )
