"""A kept checkpoint of a finished run becomes a version of the run's model."""

from pathlib import Path

from fluxtune.config import Settings
from fluxtune.core.errors import DiskFull
from fluxtune.db import Database, is_disk_full
from fluxtune.finetunes.errors import CheckpointNotKeepable
from fluxtune.finetunes.records import FinetuneRecords
from fluxtune.models.schemas import Model
from fluxtune.models.service import ModelInTrash, ModelService, StoredAdapter, store_adapter
from fluxtune.storage import Blobs


def keep_checkpoint(database: Database, blobs: Blobs, settings: Settings, finetune_id: str, step: int) -> Model:
    """Make a checkpoint a version of the run's model and return the model; asked twice, it makes one version.

    The adapter is copied between two transactions, so that nobody waits for it. Raises `CheckpointMissing`,
    `CheckpointNotKeepable`, `FinetuneInTrash`, `ModelInTrash` or `DiskFull`.
    """
    with database.reading() as session:
        model, adapter = FinetuneKeeping(session, blobs, settings).find(finetune_id, step)
    if adapter is None:
        return model
    try:
        stored = store_adapter(settings.paths, adapter, model.id)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(
                "The checkpoint's adapter found no room.", action="Free some room, then keep it again."
            ) from error
        raise
    try:
        with database.transaction() as session:
            shown = ModelService(session, blobs, settings).add_version(model.id, step, stored)
    except BaseException:
        _forget(settings, stored)
        raise
    if all(version.id != stored.version_id for version in shown.versions):
        _forget(settings, stored)  # somebody else kept it meanwhile
    return shown


def _forget(settings: Settings, stored: StoredAdapter) -> None:
    settings.paths.model_version(stored.model_id, stored.version_id).unlink(missing_ok=True)


class FinetuneKeeping(FinetuneRecords):
    """Finds what is to be kept."""

    def find(self, finetune_id: str, step: int) -> tuple[Model, Path | None]:
        """Return the run's model, and the adapter of a checkpoint unless it is a version already."""
        row = self._row_in_use(finetune_id)
        models = ModelService(self._session, self._blobs, self._settings)
        model = models.find_by_finetune(row.id)
        if model is None:
            raise CheckpointNotKeepable(f"“{row.name}” has not made a model.")
        if model.deleted_at is not None:
            raise ModelInTrash(f"“{model.name}” was put into the trash.")
        if any(version.step == step for version in model.versions):
            return model, None
        adapter = self._checkpoint_folder(row, step) / "adapter.safetensors"
        if step > row.steps_done:
            # A version of a run that is not over would come before the one its end makes.
            raise CheckpointNotKeepable(
                f"“{row.name}” has gone beyond step {row.steps_done}, where its model was made, and not ended well."
            )
        return model, adapter
