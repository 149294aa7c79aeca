"""Going on from what was learnt: more steps for a finished run, or a new finetune from one of its checkpoints."""

import contextlib
import os
import shutil
from pathlib import Path

from fluxtune.backends.local import readiness
from fluxtune.core.clock import now
from fluxtune.core.errors import DiskFull
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text
from fluxtune.db import is_disk_full
from fluxtune.engine.config import Recipe
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes import repository
from fluxtune.finetunes.errors import CheckpointDoesNotFit, FinetuneNotFinished, NotElsewhere
from fluxtune.finetunes.features import require_settings
from fluxtune.finetunes.records import FinetuneRecords
from fluxtune.finetunes.schemas import Finetune, FinetuneRestart
from fluxtune.finetunes.tables import CheckpointRow, FinetuneRow
from fluxtune.jobs import service as jobs
from fluxtune.models.bases import get_base, require_ready
from fluxtune.quotas import service as quotas
from fluxtune.recipes.checks import RecipeInvalid, find_contradictions, find_problems
from fluxtune.sharing import service as sharing

SAME_AS_PARENT = ("method", "rank", "target_layers")
"""What gives a checkpoint its shape."""


class FinetuneContinuing(FinetuneRecords):
    """Extends finished runs and restarts from checkpoints."""

    def extend_finetune(self, finetune_id: str, steps: int) -> Finetune:
        """Let a finished run go on for so many steps more; its model gets a new version then."""
        row = self._row_in_use(finetune_id)
        job = self._job(row)
        if job.state != "succeeded":
            raise FinetuneNotFinished(f"“{row.name}” is {job.state}; only a run that ended well can be extended.")
        if row.server_id is not None:
            raise NotElsewhere(f"“{row.name}” was trained at {row.server_name}.")
        if not any(checkpoint.step == row.steps_done for checkpoint in self._checkpoints(row)):
            raise FinetuneNotFinished(
                f"The last checkpoint of “{row.name}” is gone from the data folder.", action="Start a new finetune."
            )
        readiness.require_engine()
        require_ready(get_base(self._settings, row.base))
        quotas.check_running(self._session)
        recipe = _extended(row, row.steps_done + steps)
        row.recipe = recipe.model_dump(mode="json")
        row.is_stopping = False
        jobs.extend(self._session, row.job_id, {"extended_at": row.steps_done}, recipe.steps)
        return self._show_one(row)

    def restart_finetune(self, finetune_id: str, restart: FinetuneRestart) -> Finetune:
        """Start a finetune that goes on from a checkpoint, on the same images, with changed settings."""
        require_settings(self._session, (name for name in restart.recipe if name != "steps"))
        parent = self._row_in_use(finetune_id)
        checkpoint = self._checkpoint_folder(parent, restart.step)
        changed = {**parent.recipe, **restart.recipe}
        recipe = self._recipe(parent, changed)
        self._require_same_shape(parent, recipe)
        if recipe.steps <= restart.step:
            raise CheckpointDoesNotFit(
                f"The checkpoint has {restart.step} steps behind it, and the run would end after {recipe.steps}.",
                title="Nothing is left to train",
                action=f"Choose more than {restart.step} steps.",
                field="recipe.steps",
            )
        readiness.require_engine()
        require_ready(get_base(self._settings, parent.base))
        child_id = new_id()
        name = self._free_name(clean_text(restart.name or "") or f"{parent.name} from {restart.step}")
        quotas.begin_finetune(self._session)
        # Now, not when its turn comes: the parent's older checkpoints may be removed until then.
        self._copy_checkpoint(checkpoint, child_id)
        sharing.own(self._session, "finetune", child_id)
        job = jobs.enqueue(self._session, "finetune", child_id, f"Finetune “{name}”", {}, steps=recipe.steps)
        same = ("dataset_id", "dataset_name", "snapshot", "snapshot_hash", "image_count", "base", "mode", "quality",
                "trigger_word", "webhook_url", "webhook_secret")  # fmt: skip
        row = FinetuneRow(
            id=child_id,
            job_id=job.id,
            name=name,
            recipe=recipe.model_dump(mode="json"),
            parent_id=parent.id,
            parent_step=restart.step,
            created_at=now(),
            **{field: getattr(parent, field) for field in same},
        )
        repository.add(self._session, row)
        return self._show_one(row)

    def _recipe(self, row: FinetuneRow, settings: dict[str, object]) -> Recipe:
        problems = find_problems(settings)
        if problems:
            raise RecipeInvalid(problems)
        recipe = Recipe.model_validate(settings)
        problems = find_contradictions(recipe, row.image_count)
        if problems:
            raise RecipeInvalid(problems)
        return recipe

    def _require_same_shape(self, parent: FinetuneRow, recipe: Recipe) -> None:
        before = Recipe.model_validate(parent.recipe)
        for setting in SAME_AS_PARENT:
            was, wanted = getattr(before, setting), getattr(recipe, setting)
            if was != wanted:
                title = Recipe.model_fields[setting].title
                raise CheckpointDoesNotFit(
                    f"{title} gives the checkpoint its shape: it was {was} in “{parent.name}” and can't be {wanted}.",
                    field=f"recipe.{setting}",
                )

    def _checkpoints(self, row: FinetuneRow) -> list[CheckpointRow]:
        return [
            checkpoint
            for checkpoint in repository.list_checkpoints(self._session, row.id)
            if (self._folder(row, checkpoint.folder) / "adapter.safetensors").is_file()
        ]

    def _copy_checkpoint(self, source: Path, child_id: str) -> None:
        """Give the child the checkpoint's files. They never change, so they can be shared where the disk allows it."""
        run = self._paths.run(child_id)
        target = RunFolder(run).checkpoints / source.name
        try:
            target.mkdir(parents=True)
            for file in source.iterdir():
                _link_or_copy(file, target / file.name)
        except OSError as error:
            shutil.rmtree(run, ignore_errors=True)
            if is_disk_full(error):
                raise DiskFull(
                    "The checkpoint found no room.", action="Free some room, then restart from it again."
                ) from error
            raise

    def _free_name(self, wish: str) -> str:
        wish = wish[:110]
        name, number = wish, 2
        while repository.name_exists(self._session, name):
            name, number = f"{wish} {number}", number + 1
        return name


def _extended(row: FinetuneRow, steps: int) -> Recipe:
    """Return the recipe of a run for more steps; only their number is new, so only that can be wrong.

    A run that was stopped in its warm-up may end before it even now. Nobody can change that any more: it is warm then.
    """
    settings = {**row.recipe, "steps": steps}
    problems = find_problems(settings)
    if problems:
        raise RecipeInvalid(problems)
    recipe = Recipe.model_validate(settings)
    if recipe.warmup_steps < steps:
        return recipe
    return recipe.model_copy(update={"warmup_steps": row.steps_done})


def _link_or_copy(source: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)
