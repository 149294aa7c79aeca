"""How a run helps itself: what it changes when memory runs out or the loss stops being a number. No torch here."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.config import Recipe
from fluxtune.engine.runfolder import RunFolder, write_atomic

Trouble = Literal["out-of-memory", "loss-not-finite"]
MOST = 3  # of each trouble, in one run
MOST_ACCUMULATION = 64

# What helps where: a smaller batch does not help a base that does not even fit by itself, and nothing that can be
# changed here helps an encoder.
OF_STEPS = ("training", "measuring the validation loss")
OF_THE_BASE = ("loading the base", "preparing the adapter", "reading the checkpoint", "drawing samples")


class Healed(BaseModel):
    """`healed.json`: the settings that trouble has changed, kept so that a resumed run has them too."""

    changes: dict[str, Any] = {}
    counts: dict[Trouble, int] = {}


class Healer:
    """The ladder of one run. What it changes stands above the recipe in `run.json`, which stays as it was asked for."""

    def __init__(self, folder: RunFolder, recipe: Recipe) -> None:
        self._folder = folder
        self._asked = recipe
        self._healed = _read(folder)

    @property
    def recipe(self) -> Recipe:
        """The recipe as it is trained now."""
        try:
            return Recipe.model_validate(self._asked.model_dump() | self._healed.changes)
        except ValidationError as error:
            raise InvalidInput("healed.json has settings that make no sense.", technical=str(error)) from error

    def heal(
        self, trouble: Trouble, doing: str, device: str, settled: Recipe | None = None
    ) -> dict[str, tuple[Any, Any]] | None:
        """Change what helps against a trouble; return the settings as [before, after], or None when nothing is left.

        `settled`: the recipe as it was trained, with the memory plan's answers for "auto". Raises `OSError` when the
        disk is full.
        """
        count = self._healed.counts.get(trouble, 0)
        if count >= MOST:
            return None
        recipe = settled or self.recipe
        found = _lower_rate(recipe) if trouble == "loss-not-finite" else _save_memory(recipe, doing, device)
        if not found:
            return None
        before = recipe.model_dump()
        self._healed.changes |= found
        self._healed.counts[trouble] = count + 1
        write_atomic(self._folder.healed, self._healed.model_dump_json(indent=2).encode())
        return {name: (before[name], value) for name, value in found.items()}

    def say(self, changes: dict[str, tuple[Any, Any]]) -> str:
        """Return changes as a sentence."""
        titles = {name: field.title or name for name, field in Recipe.model_fields.items()}
        parts = [f"{titles[name]} {_shown(before)} → {_shown(after)}" for name, (before, after) in changes.items()]
        return f"Changed: {', '.join(parts)}."

    def advice(self, trouble: Trouble, recipe: Recipe) -> str | None:
        """Return what the user can change now that the run can help itself no further."""
        if trouble == "loss-not-finite":
            return (
                f"The learning rate is down to {recipe.learning_rate:g}. Look for a damaged image, or start again with "
                "another learning rate or optimizer; checkpoints made before are kept."
            )
        if recipe.method == "full":
            return "Choose the method LoRA, which needs a fraction of the memory, and start again."
        return (
            f"Lower the resolution (now {recipe.resolution} px) or the rank (now {recipe.rank}), close other programs, "
            "or choose a smaller base, and start again."
        )


def _lower_rate(recipe: Recipe) -> dict[str, Any]:
    return {"learning_rate": recipe.learning_rate / 2}


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _save_memory(recipe: Recipe, doing: str, device: str) -> dict[str, Any]:
    """Return the next rung that is not taken yet: from what costs a little time to what costs much."""
    rungs: list[Callable[[Recipe, str], dict[str, Any]]] = [_quantise, _offload]
    if doing not in (*OF_STEPS, *OF_THE_BASE):
        return {}
    if doing in OF_STEPS:
        rungs = [_checkpoint, _halve, *rungs]
    return next((found for rung in rungs if (found := rung(recipe, device))), {})


def _checkpoint(recipe: Recipe, device: str) -> dict[str, Any]:
    return {} if recipe.gradient_checkpointing == "on" else {"gradient_checkpointing": "on"}


def _halve(recipe: Recipe, device: str) -> dict[str, Any]:
    """Look at half as many images at a time and add up twice as many batches: the same step, to rounding."""
    batch, parts = recipe.batch_size, recipe.gradient_accumulation
    factor = 2 if batch % 2 == 0 else batch
    if batch == 1 or parts * factor > MOST_ACCUMULATION:
        return {}
    return {"batch_size": batch // factor, "gradient_accumulation": parts * factor}


def _quantise(recipe: Recipe, device: str) -> dict[str, Any]:
    can = device.startswith("cuda") and recipe.method == "lora" and find_spec("torchao") is not None
    return {"quantization": "int8"} if can and recipe.quantization in ("auto", "none") else {}


def _offload(recipe: Recipe, device: str) -> dict[str, Any]:
    can = device.startswith("cuda") and recipe.method != "full"
    return {"offload": "blocks"} if can and recipe.offload != "blocks" else {}


def _read(folder: RunFolder) -> Healed:
    if not folder.healed.is_file():
        return Healed()
    try:
        return Healed.model_validate(json.loads(folder.healed.read_text()))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            "healed.json of the run can't be read.", title="The run folder is broken", technical=str(error)
        ) from error
