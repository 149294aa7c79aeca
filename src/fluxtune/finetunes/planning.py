"""Before anything starts: the complete recipe, and what it will cost, as honest ranges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fluxtune.core.errors import FieldProblem
from fluxtune.datasets.schemas import Dataset, DatasetCheck
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Mode, Recipe
from fluxtune.engine.estimate import Machine, ProbeResult, cost_settings, estimate_finetune
from fluxtune.engine.recipes import Quality, prompts_for, reasons_for, recipe_for
from fluxtune.engine.suggestions import suggestions_for
from fluxtune.finetunes.schemas import FinetunePlan, Probe, Range, Suggestion
from fluxtune.recipes.checks import RecipeInvalid, find_contradictions, find_doubts, require_valid

SAME_SPREAD = (0.85, 1.25)
"""Around the median of runs with the same settings on this machine."""
SIMILAR_SPREAD = (0.65, 1.6)
"""Around what other settings on this machine suggest."""

FindProbe = Callable[[Recipe, BaseDescription], tuple[Probe, ProbeResult] | None]
"""Returns the newest probe that tells of a recipe on a base."""


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
    # Of the recipe, what the studio's settings say for this mode; it counts as usual, not as chosen.
    preset: dict[str, Any] = field(default_factory=dict)


def choose_recipe(choices: Choices) -> tuple[Recipe, list[str]]:
    """Return the complete recipe and the names of the settings that differ from what the choices imply.

    Raises `RecipeInvalid` naming every setting that is unknown, out of range or contradicts another.
    """
    overrides = require_valid(choices.overrides)
    usual, recipe = _recipe(choices, {}), _recipe(choices, overrides)
    problems = find_contradictions(recipe, choices.image_count)
    if recipe.preservation and not choices.trigger_word:
        message = "Nothing tells the concept from the rest without a trigger word. Give one, or choose 0."
        problems.append(FieldProblem(field="recipe.preservation", message=message))
    if problems:
        raise RecipeInvalid(problems)
    changed = [name for name in overrides if getattr(recipe, name) != getattr(usual, name)]
    return recipe, sorted(changed)


def make_plan(
    choices: Choices,
    dataset: Dataset,
    check: DatasetCheck,
    sizes: Sequence[tuple[int, int]],
    machine: Machine,
    measured: Sequence[MeasuredRun],
    find_probe: FindProbe,
    waits_behind: int,
) -> FinetunePlan:
    """Return what a finetune would do and cost on this machine."""
    recipe, changed = choose_recipe(choices)
    base, image_count = choices.base, choices.image_count
    prompt_count = len(prompts_for(choices.mode, recipe)) if recipe.sample_every else 0
    probe, probed = find_probe(recipe, base) or (None, None)
    if probed is not None and not probed.device.startswith(machine.device):
        probe = probed = None  # measured before the data folder moved, or the GPU went
    estimate = estimate_finetune(recipe, base, image_count, prompt_count, machine, probed)
    seconds, memory = learn_from(
        estimate.seconds, estimate.memory_bytes, recipe, machine, measured, is_probed=estimate.is_measured
    )
    suggestions = suggestions_for(recipe, base, machine, probed) if not estimate.fits else []
    images_seen = recipe.steps * recipe.batch_size * recipe.gradient_accumulation
    return FinetunePlan(
        recipe=recipe,
        changed=changed,
        reasons=_reasons(choices, changed),
        image_count=image_count,
        epochs=round(images_seen / image_count, 1) if image_count else 0.0,
        seconds=seconds,
        memory_bytes=memory,
        disk_bytes=estimate.disk_bytes,
        fits=estimate.fits,
        warnings=[*estimate.warnings, *_warnings(choices, dataset, check, recipe, sizes)],
        suggestions=[Suggestion(title=each.title, detail=each.detail, recipe=each.recipe) for each in suggestions],
        probe=probe if estimate.is_measured else None,
        waits_behind=waits_behind,
        server=None,
    )


def make_plan_elsewhere(
    choices: Choices,
    dataset: Dataset,
    check: DatasetCheck,
    sizes: Sequence[tuple[int, int]],
    server: str,
    notes: Sequence[str],
) -> FinetunePlan:
    """Return what a finetune would do at a server; what it takes there nobody here knows."""
    recipe, changed = choose_recipe(choices)
    images_seen = recipe.steps * recipe.batch_size * recipe.gradient_accumulation
    nothing = Range(low=0, high=0)
    return FinetunePlan(
        recipe=recipe,
        changed=changed,
        reasons=_reasons(choices, changed),
        image_count=choices.image_count,
        epochs=round(images_seen / choices.image_count, 1) if choices.image_count else 0.0,
        seconds=nothing,
        memory_bytes=nothing,
        disk_bytes=0,
        fits=True,
        warnings=[*notes, *_warnings(choices, dataset, check, recipe, sizes)],
        suggestions=[],
        probe=None,
        waits_behind=0,
        server=server,
    )


def _recipe(choices: Choices, overrides: dict[str, Any]) -> Recipe:
    own: dict[str, Any] = {"sample_prompts": choices.prompts} if choices.prompts else {}
    return recipe_for(
        choices.mode,
        choices.quality,
        choices.base,
        choices.image_count,
        own | choices.preset | overrides,
        has_trigger=bool(choices.trigger_word),
    )


def _reasons(choices: Choices, changed: Sequence[str]) -> dict[str, str]:
    """Return why each setting has its value; of one that was changed, what it would have been."""
    reasons = reasons_for(
        choices.mode, choices.quality, choices.base, choices.image_count, has_trigger=bool(choices.trigger_word)
    )
    usual = _recipe(choices, {}).model_dump(mode="json")
    for setting in choices.preset:
        reasons[setting] = f"This studio's default for {choices.mode}; it is set under Admin, Settings."
    for setting in changed:
        because = f": {reasons[setting]}" if reasons.get(setting) else "."
        reasons[setting] = f"Chosen by you; {_shown(usual[setting])} would be usual{because}"
    return reasons


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "none"
    return "nothing" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def learn_from(
    general_seconds: tuple[float, float],
    general_memory: tuple[float, float],
    recipe: Recipe,
    machine: Machine,
    measured: Sequence[MeasuredRun],
    *,
    is_probed: bool = False,
) -> tuple[Range, Range]:
    """Replace general ranges by what this machine showed in finished runs, where there are any.

    `is_probed`: the ranges come from a probe of this very recipe, which says more than runs with other settings.
    """
    seconds = Range(low=general_seconds[0], high=general_seconds[1])
    memory = Range(low=general_memory[0], high=general_memory[1])
    runs = [run for run in measured if run.device.startswith(machine.device)]
    load = cost_settings(recipe)
    same = [run for run in runs if cost_settings(run.recipe) == load]
    if not runs or (is_probed and not same):
        return seconds, memory
    spread = SAME_SPREAD if same else SIMILAR_SPREAD
    totals = sorted(_scaled_seconds(run, recipe) for run in same or runs)
    middle = totals[len(totals) // 2]
    seconds = Range(low=round(middle * spread[0], 1), high=round(middle * spread[1], 1))
    peaks = [run.peak_memory_bytes for run in same if run.peak_memory_bytes]
    if peaks:
        memory = Range(low=0.9 * min(peaks), high=1.15 * max(peaks))
    return seconds, memory


def _scaled_seconds(run: MeasuredRun, recipe: Recipe) -> float:
    """Return what `recipe` would take if work per pixel cost the same as in `run`."""
    ratio = _pixels(recipe) / _pixels(run.recipe)
    beside_steps = max(0.0, run.seconds - run.steps_done * run.seconds_per_step)
    return beside_steps + recipe.steps * run.seconds_per_step * ratio


def _pixels(recipe: Recipe) -> float:
    """Return the pixels a step looks at: images take turns at their resolutions."""
    sides = [recipe.resolution, *recipe.more_resolutions]
    return sum(side**2 for side in sides) / len(sides) * recipe.batch_size * recipe.gradient_accumulation


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
    return [*warnings, *find_doubts(recipe)]
