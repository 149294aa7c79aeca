"""What a run has said so far: loss, validation, samples, checkpoints, log."""

from pathlib import Path

from fluxtune.datasets.snapshot import Manifest
from fluxtune.engine.captions import fill_trigger
from fluxtune.engine.config import Recipe
from fluxtune.engine.recipes import prompts_for
from fluxtune.finetunes import repository
from fluxtune.finetunes.records import FinetuneRecords
from fluxtune.finetunes.schemas import (
    Checkpoint,
    ImageLoss,
    LogLine,
    LossPoint,
    SampleCell,
    SampleSheet,
    ValidationPoint,
)
from fluxtune.finetunes.tables import ImageLossRow
from fluxtune.recipes.schemas import RecipeDocument
from fluxtune.recipes.text import write_recipe

MAX_LOSS_POINTS = 1_000
"""More than a chart has pixels."""
MAX_LOG_LINES = 2_000


class FinetuneReadings(FinetuneRecords):
    """Reads what runs have said."""

    def list_loss(self, finetune_id: str) -> list[LossPoint]:
        """Return the measured steps, thinned out evenly when there are very many."""
        rows = repository.list_loss(self._session, self._row(finetune_id).id)
        stride = -(-len(rows) // MAX_LOSS_POINTS) or 1
        # Counted from the end, so that the newest point is always among them.
        kept = rows[::-1][::stride][::-1]
        return [
            LossPoint(
                step=row.step, loss=row.loss, smoothed=row.smoothed, learning_rate=row.learning_rate,
                grad_norm=row.grad_norm, seconds_per_step=row.seconds_per_step, memory_bytes=row.memory_bytes,
                device_load=row.device_load,
            )
            for row in kept
        ]  # fmt: skip

    def list_validation(self, finetune_id: str) -> list[ValidationPoint]:
        """Return the validation losses, in order."""
        return [
            ValidationPoint.model_validate(
                {
                    "step": row.step,
                    "loss": row.loss,
                    "base_loss": row.base_loss,
                    "by_sigma": row.by_sigma,
                    "on": row.measured_on,
                    "image_count": row.image_count,
                }
            )
            for row in repository.list_validation(self._session, self._row(finetune_id).id)
        ]

    def list_image_losses(self, finetune_id: str) -> list[ImageLoss]:
        """Return the loss of every training image, the worst first.

        `loss` is the mean over all the times an image was looked at, each report weighted with its count.
        """
        row = self._row(finetune_id)
        manifest = Manifest.model_validate(row.snapshot)
        reports: dict[int, list[ImageLossRow]] = {}
        for report in repository.list_image_losses(self._session, row.id):
            if report.index < len(manifest.images):
                reports.setdefault(report.index, []).append(report)
        images = self._images.find_by_hashes([manifest.images[index].sha256 for index in reports])
        shown = []
        for index, said in reports.items():
            frozen = manifest.images[index]
            count = sum(report.count for report in said)
            weighted = sum(report.loss * report.count for report in said)
            shown.append(
                ImageLoss(
                    index=index,
                    image=images.get(frozen.sha256),
                    caption=frozen.caption,
                    loss=weighted / count if count else said[-1].loss,
                    count=count,
                    steps=[report.step for report in said],
                    losses=[report.loss for report in said],
                )
            )
        return sorted(shown, key=lambda each: (-each.loss, each.index))

    def get_samples(self, finetune_id: str) -> SampleSheet:
        """Return the sample sheet as far as it has grown."""
        row = self._row(finetune_id)
        samples = repository.list_samples(self._session, row.id)
        images = self._images.get_images(sample.image_id for sample in samples)
        recipe = Recipe.model_validate(row.recipe)
        prompts = prompts_for(row.mode, recipe) if recipe.sample_every or samples else []  # type: ignore[arg-type]
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
            if (self._folder(row, checkpoint.folder) / "adapter.safetensors").is_file()
        ]

    def get_checkpoint_file(self, finetune_id: str, step: int) -> tuple[Path, str]:
        """Return the adapter of a checkpoint and a name for it."""
        row = self._row(finetune_id)
        path = self._checkpoint_folder(row, step) / "adapter.safetensors"
        return path, f"fluxtune-{row.id[-8:]}-{step}.safetensors"

    def list_log(self, finetune_id: str) -> list[LogLine]:
        """Return the last lines of the run's log."""
        rows = repository.list_log(self._session, self._row(finetune_id).id, MAX_LOG_LINES)
        return [LogLine(at=row.at, level=row.level, message=row.message) for row in rows]

    def get_recipe(self, finetune_id: str) -> str:
        """Return the complete recipe document as YAML: enough to make the same finetune again."""
        row = self._row(finetune_id)
        document = RecipeDocument.model_validate(
            {
                "name": row.name,
                "dataset": row.dataset_name,
                "trigger_word": row.trigger_word,
                "base": row.base,
                "mode": row.mode,
                "quality": row.quality,
                "recipe": row.recipe,
            }
        )
        return write_recipe(document)
