"""What to change so that a finetune fits the machine: single changes first, from the cheapest to the dearest.

No torch here. Figures come from the memory plan, corrected by a probe of this base where there is one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Recipe
from fluxtune.engine.estimate import ProbeResult, cost_settings
from fluxtune.engine.memory import GIB, USABLE, Machine, resolve

RESOLUTIONS = (1024, 768, 512)
SMALLEST_RANK = 4


@dataclass(frozen=True)
class Suggestion:
    """One thing to change: `recipe` holds the settings to take over, `memory_bytes` what is needed then (low, high)."""

    title: str
    detail: str
    recipe: dict[str, Any]
    memory_bytes: tuple[float, float]


def suggestions_for(
    recipe: Recipe, base: BaseDescription, machine: Machine, probe: ProbeResult | None = None
) -> list[Suggestion]:
    """Return changes each of which makes the recipe fit; when none does alone, the shortest sum of them that does.

    Empty when it fits already, or when nothing helps.
    """
    factor = _correction(recipe, base, machine, probe)
    limit = USABLE * machine.memory_bytes

    def needs(changed: Recipe) -> tuple[float, float]:
        low, high = resolve(changed, base, machine).memory_bytes
        return low * factor, high * factor

    if needs(recipe)[1] <= limit:
        return []
    steps = list(_changes(recipe, base, machine))
    single = [_suggest(title, detail, change, needs(_with(recipe, change))) for title, detail, change in steps]
    fitting = [one for one in single if one.memory_bytes[1] <= limit]
    if fitting:
        return fitting
    together: dict[str, Any] = {}
    titles: list[str] = []
    for title, _, change in steps:
        if needs(_with(recipe, together | change))[1] >= needs(_with(recipe, together))[1]:
            continue
        together |= change
        titles.append(title)
        memory = needs(_with(recipe, together))
        if memory[1] <= limit:
            return [_suggest(" · ".join(titles), "None of these is enough alone.", together, memory)]
    return []


def _with(recipe: Recipe, change: Mapping[str, Any]) -> Recipe:
    return recipe.model_copy(update=dict(change))


def _suggest(title: str, detail: str, change: dict[str, Any], memory: tuple[float, float]) -> Suggestion:
    figure = f"Needs {memory[0] / GIB:.1f}–{memory[1] / GIB:.1f} GB then."
    return Suggestion(title, f"{detail} {figure}", change, memory)


def _correction(recipe: Recipe, base: BaseDescription, machine: Machine, probe: ProbeResult | None) -> float:
    """Return how far a probe of this base was from the high end that was foretold for the recipe it ran."""
    if probe is None or probe.base_fingerprint != base.fingerprint:
        return 1.0
    probed = Recipe.model_validate(recipe.model_dump(mode="json") | probe.settings)
    if cost_settings(probed) != probe.settings:
        return 1.0
    return probe.peak_memory_bytes / max(1.0, resolve(probed, base, machine).memory_bytes[1])


def _changes(recipe: Recipe, base: BaseDescription, machine: Machine) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (title, what it costs, settings) in the order in which they should be tried."""
    if recipe.gradient_checkpointing == "off":
        yield (
            "Turn gradient checkpointing on",
            "Each step takes about half as long again; the result is the same.",
            {"gradient_checkpointing": "on"},
        )
    for side in RESOLUTIONS:
        if side < recipe.resolution:
            fewer = [own for own in recipe.more_resolutions if own < side]
            yield (
                f"Train at {side} px",
                "Steps are quicker; fine detail is learned less well.",
                {"resolution": side, "more_resolutions": fewer},
            )
    if recipe.batch_size > 1:
        accumulation = recipe.batch_size * recipe.gradient_accumulation
        if accumulation <= 64:
            yield (
                f"One image at a time, {accumulation} added up",
                "The same average over images, a little slower.",
                {"batch_size": 1, "gradient_accumulation": accumulation},
            )
    if machine.device == "cuda" and not base.is_small and recipe.method != "full":
        if recipe.quantization == "none" and machine.can_quantize:
            yield (
                "Keep the base in 8 bits",
                "Steps take one and a half to three times as long; the adapter is hardly worse.",
                {"quantization": "int8"},
            )
        if recipe.offload == "none":
            yield (
                "Keep the base's blocks in the computer's memory",
                "Steps take two to five times as long; the result is the same.",
                {"offload": "blocks"},
            )
    if recipe.method == "full":
        yield ("Train a LoRA instead of all weights", "A fraction of the memory and time.", {"method": "lora"})
    if recipe.rank > SMALLEST_RANK and recipe.method != "full":
        rank = max(SMALLEST_RANK, recipe.rank // 2)
        yield (f"Rank {rank} instead of {recipe.rank}", "The adapter can hold less.", {"rank": rank})
