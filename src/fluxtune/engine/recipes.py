"""Recipes as data: what to start from, per size of base, mode and quality, and why. No torch here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Mode, Recipe

Quality = Literal["draft", "balanced", "best"]
QUALITIES: tuple[Quality, ...] = ("draft", "balanced", "best")


@dataclass(frozen=True)
class Starting:
    """One row of the table: settings for a mode on a size of base, and where they come from."""

    rank: int
    learning_rate: float
    steps: dict[Quality, int]
    steps_per_image: int
    reason: str


SMALL_STEPS: dict[Quality, int] = {"draft": 300, "balanced": 500, "best": 1000}

SMALL: dict[Mode, Starting] = {
    "character": Starting(32, 2e-3, SMALL_STEPS, 25, "a narrow transformer needs a high rank to hold an identity"),
    "product": Starting(32, 2e-3, SMALL_STEPS, 25, "as for a character: shape and colours must be exact"),
    "style": Starting(16, 2e-3, SMALL_STEPS, 25, "a style is a broad, low-rank change; more rank copies subjects"),
    "general": Starting(32, 2e-3, SMALL_STEPS, 25, "nothing known about the images: the middle of the others"),
}

LARGE: dict[Mode, Starting] = {
    "character": Starting(32, 2e-4, {"draft": 500, "balanced": 1000, "best": 1500}, 30,
                          "r32 lr 2e-4 800-1200 steps: starting point published for FLUX.2 klein characters"),
    "product": Starting(32, 2e-4, {"draft": 500, "balanced": 1000, "best": 1500}, 30,
                        "as for a character: an identity that must be exact"),
    "style": Starting(16, 3e-4, {"draft": 400, "balanced": 650, "best": 1000}, 30,
                      "r16 lr 3e-4 500-800 steps: starting point published for FLUX.2 klein styles"),
    "general": Starting(16, 1e-4, {"draft": 500, "balanced": 1000, "best": 2000}, 30,
                        "lr 1e-4 is the default of diffusers' and other trainers; steps about 30 per image"),
}  # fmt: skip

SMALL_BATCH = 4  # a CPU does four small images in little more than twice the time of one
LARGE_RESOLUTION: dict[Quality, int] = {"draft": 512, "balanced": 768, "best": 1024}
# pocket, a mascot of ten images: 3e-3 for 300 steps showed all of it, 2e-3 for 250 lacked an antenna here and there
SMALL_DRAFT_BOOST = 1.5
MAX_STEPS_FROM_IMAGES = 4000  # many images need not mean many days
SAMPLE_ROUNDS = 4  # columns of the sample sheet, after the untouched base

PROMPTS: dict[Mode, list[str]] = {
    "character": ["[trigger]", "[trigger] on a beach", "[trigger] in the snow", "[trigger] at night"],
    "product": ["[trigger]", "[trigger] on a table", "[trigger] in a meadow", "[trigger] in the snow"],
    "style": ["a cat, [trigger]", "a house in a meadow, [trigger]", "a tree at night, [trigger]", "a boat, [trigger]"],
    "general": ["[trigger]", "[trigger] in a meadow", "[trigger] on a beach", "[trigger] at night"],
}


def starting_for(mode: Mode, base: BaseDescription) -> Starting:
    """Return the table's row for a mode on this base."""
    return (SMALL if base.is_small else LARGE)[mode]


def recipe_for(
    mode: Mode, quality: Quality, base: BaseDescription, image_count: int, overrides: Mapping[str, Any] | None = None
) -> Recipe:
    """Return the complete recipe: the table's row, scaled to the number of images, with the user's settings on top.

    `draft` is the quickest that shows whether it works. Raises `InvalidInput` naming the first bad setting.
    """
    row = starting_for(mode, base)
    steps = row.steps[quality]
    if quality != "draft":
        steps = max(steps, min(MAX_STEPS_FROM_IMAGES, row.steps_per_image * image_count))
    chosen = (overrides or {}).get("steps")
    steps = chosen if isinstance(chosen, int) and chosen > 0 else steps
    boost = SMALL_DRAFT_BOOST if base.is_small and quality == "draft" else 1.0
    every = max(1, -(-steps // SAMPLE_ROUNDS))
    values: dict[str, Any] = {
        "steps": steps,
        "learning_rate": row.learning_rate * boost,
        "rank": row.rank,
        "resolution": base.train_resolution if base.is_small else min(LARGE_RESOLUTION[quality], base.train_resolution),
        "batch_size": SMALL_BATCH if base.is_small else 1,
        "warmup_steps": max(1, steps // 25),
        "schedule": "cosine" if base.is_small else "constant",
        "sample_every": every,
        "sample_prompts": list(PROMPTS[mode]),
        "checkpoint_every": every,
    }
    try:
        return Recipe.model_validate(values | dict(overrides or {}))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            f"{first['msg']}.", title="A setting of the recipe is out of range", field=".".join(map(str, first["loc"]))
        ) from error


def prompts_for(mode: Mode, recipe: Recipe) -> list[str]:
    """Return the sample prompts of a run: the recipe's own, else those that suit the mode."""
    return recipe.sample_prompts or list(PROMPTS[mode])
