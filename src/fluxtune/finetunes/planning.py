"""Before anything starts: the complete recipe, and what it will cost, as honest ranges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from fluxtune.core.errors import FieldProblem, InvalidInput, Problem
from fluxtune.datasets.schemas import Dataset, DatasetCheck
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Mode, Recipe
from fluxtune.engine.estimate import Machine, estimate_finetune
from fluxtune.engine.recipes import prompts_for, recipe_for
from fluxtune.finetunes.schemas import FinetunePlan, Quality, Range

MAX_PROMPT = 1_000
"""Characters of a sample prompt; text encoders read a fraction of that."""
SAME_SPREAD = (0.85, 1.25)
"""Around the median of runs with the same settings on this machine."""
SIMILAR_SPREAD = (0.65, 1.6)
"""Around what other settings on this machine suggest."""


class RecipeInvalid(InvalidInput):
    """Settings of the recipe are unknown or out of range."""

    title = "The recipe can't be used"
    action = "Correct the settings named here."

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(f"{problem.field}: {problem.message}" for problem in self.problems[:3]))

    def problem(self) -> Problem:
        """Return all bad settings, each under its field's name."""
        return super().problem().model_copy(update={"errors": self.problems})


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A finished run on this machine: what it did and what it took."""

    recipe: Recipe
    device: str
    seconds: float
    seconds_per_step: float
    peak_memory_bytes: int | None
    steps_done: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What a finetune will be, before anything is computed from it."""

    mode: Mode
    quality: Quality
    base: BaseDescription
    trigger_word: str
    image_count: int
    overrides: dict[str, Any]
    prompts: list[str]


def choose_recipe(choices: Choices) -> tuple[Recipe, list[str]]:
    """Return the complete recipe and the names of the settings that differ from what the choices imply."""
    validate_overrides(choices.overrides)
    own = {"sample_prompts": choices.prompts} if choices.prompts else {}
    usual = recipe_for(choices.mode, choices.quality, choices.base, choices.image_count, own)
    recipe = recipe_for(choices.mode, choices.quality, choices.base, choices.image_count, own | choices.overrides)
    changed = [name for name in choices.overrides if getattr(recipe, name) != getattr(usual, name)]
    return recipe, sorted(changed)


def validate_overrides(overrides: dict[str, Any]) -> None:
    """Refuse unknown settings and values out of range, all at once, each named."""
    problems: list[FieldProblem] = []
    try:
        Recipe.model_validate(overrides)
    except ValidationError as error:
        for item in error.errors():
            field = ".".join(["recipe", *(str(part) for part in item["loc"])])
            problems.append(FieldProblem(field=field, message=_sentence(item["type"], item["msg"])))
    prompts = overrides.get("sample_prompts")
    for index, prompt in enumerate(prompts if isinstance(prompts, list) else []):
        if isinstance(prompt, str) and len(prompt) > MAX_PROMPT:
            message = f"Must have at most {MAX_PROMPT:,} characters."
            problems.append(FieldProblem(field=f"recipe.sample_prompts.{index}", message=message))
    if problems:
        raise RecipeInvalid(problems)


def make_plan(
    choices: Choices,
    dataset: Dataset,
    check: DatasetCheck,
    sizes: Sequence[tuple[int, int]],
    machine: Machine,
    measured: Sequence[MeasuredRun],
    waits_behind: int,
) -> FinetunePlan:
    """Return what a finetune would do and cost on this machine."""
    recipe, changed = choose_recipe(choices)
    prompt_count = len(prompts_for(choices.mode, recipe)) if recipe.sample_every else 0
    estimate = estimate_finetune(recipe, choices.base, choices.image_count, prompt_count, machine)
    seconds, memory = learn_from(estimate.seconds, estimate.memory_bytes, recipe, machine, measured)
    images_seen = recipe.steps * recipe.batch_size * recipe.gradient_accumulation
    return FinetunePlan(
        recipe=recipe,
        changed=changed,
        image_count=choices.image_count,
        epochs=round(images_seen / choices.image_count, 1) if choices.image_count else 0.0,
        seconds=seconds,
        memory_bytes=memory,
        disk_bytes=estimate.disk_bytes,
        fits=estimate.fits,
        warnings=[*estimate.warnings, *_warnings(choices, dataset, check, recipe, sizes)],
        waits_behind=waits_behind,
    )


def learn_from(
    general_seconds: tuple[float, float],
    general_memory: tuple[float, float],
    recipe: Recipe,
    machine: Machine,
    measured: Sequence[MeasuredRun],
) -> tuple[Range, Range]:
    """Replace the general ranges by what this machine showed in finished runs, where there are any."""
    seconds = Range(low=general_seconds[0], high=general_seconds[1])
    memory = Range(low=general_memory[0], high=general_memory[1])
    runs = [run for run in measured if run.device.startswith(machine.device)]
    if not runs:
        return seconds, memory
    same = [run for run in runs if _load(run.recipe) == _load(recipe)]
    spread = SAME_SPREAD if same else SIMILAR_SPREAD
    totals = sorted(_scaled_seconds(run, recipe) for run in same or runs)
    middle = totals[len(totals) // 2]
    seconds = Range(low=round(middle * spread[0], 1), high=round(middle * spread[1], 1))
    peaks = [run.peak_memory_bytes for run in same if run.peak_memory_bytes]
    if peaks:
        memory = Range(low=0.9 * min(peaks), high=1.15 * max(peaks))
    return seconds, memory


def _load(recipe: Recipe) -> tuple[object, ...]:
    """Return what decides the time and memory of a step."""
    return (
        recipe.resolution, recipe.batch_size, recipe.gradient_accumulation, recipe.rank,
        recipe.target_layers, recipe.precision, recipe.gradient_checkpointing,
    )  # fmt: skip


def _scaled_seconds(run: MeasuredRun, recipe: Recipe) -> float:
    """Return what `recipe` would take if work per pixel cost the same as in `run`."""
    ratio = _pixels(recipe) / _pixels(run.recipe)
    beside_steps = max(0.0, run.seconds - run.steps_done * run.seconds_per_step)
    return beside_steps + recipe.steps * run.seconds_per_step * ratio


def _pixels(recipe: Recipe) -> float:
    return float(recipe.resolution**2 * recipe.batch_size * recipe.gradient_accumulation)


def _warnings(
    choices: Choices, dataset: Dataset, check: DatasetCheck, recipe: Recipe, sizes: Sequence[tuple[int, int]]
) -> list[str]:
    warnings = [finding.sentence for finding in check.findings if finding.severity != "hint"]
    if not choices.base.is_ready:
        warnings.append(f"The base is not complete: {choices.base.missing}")
    enlarged = sum(1 for width, height in sizes if width * height < recipe.resolution**2)
    if enlarged:
        warnings.append(
            f"{enlarged} of {len(sizes)} images have fewer pixels than the training resolution of {recipe.resolution}; "
            "they are used at their own size."
        )
    if choices.trigger_word and choices.trigger_word != dataset.trigger_word:
        warnings.append(
            f"The trigger word “{choices.trigger_word}” is not the dataset's “{dataset.trigger_word}”; "
            "captions that contain the latter teach it as well."
            if dataset.trigger_word
            else f"“{choices.trigger_word}” is put in front of all captions."
        )
    if recipe.sample_every > recipe.steps:
        warnings.append("Samples are drawn before the first step and at the end only.")
    return warnings


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "There is no such setting."
    return message.replace("Input should be", "Must be").replace("List should", "Must") + "."
