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


SMALL_STEPS: dict[Quality, int] = {"draft": 200, "balanced": 500, "best": 1000}

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
# pocket, the three sample concepts at guidance 1.5: 4e-3 for 200 steps showed what 3e-3 for 300 did, in two thirds of
# the time; 3e-3 for 150 and 2e-3 for 200 lacked an eye or an antenna
SMALL_DRAFT_BOOST = 2.0
PRODIGY_RATE = 1.0  # it finds the rate itself and multiplies this with it
# On pocket, a mascot of ten images: without it "a creature" was the mascot too, and "a red cat" grew its antennae. With
# it both stayed the base's, as long as no caption was left empty (what an empty caption draws pulls every prompt).
SMALL_PRESERVATION = 1.0
SMALL_PRESERVING_BATCH = 3  # with the image that stands for preservation it costs what a batch of four costs
MAX_STEPS_FROM_IMAGES = 4000  # many images need not mean many days
SAMPLE_ROUNDS: dict[Quality, int] = {"draft": 3, "balanced": 4, "best": 4}  # columns of the sheet, after the base's
HOLD_OUT_FROM = 8  # images; below that each is needed more for learning than for measuring

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
    mode: Mode,
    quality: Quality,
    base: BaseDescription,
    image_count: int,
    overrides: Mapping[str, Any] | None = None,
    *,
    has_trigger: bool = True,
) -> Recipe:
    """Return the complete recipe: the table's row, scaled to the number of images, with the user's settings on top.

    `draft` is the quickest that shows whether it works. Without a trigger word there is nothing that could tell the
    concept from everything else, so nothing is preserved. Raises `InvalidInput` naming the first bad setting.
    """
    row = starting_for(mode, base)
    steps = row.steps[quality]
    if quality != "draft":
        steps = max(steps, min(MAX_STEPS_FROM_IMAGES, row.steps_per_image * image_count))
    chosen = (overrides or {}).get("steps")
    steps = chosen if isinstance(chosen, int) and chosen > 0 else steps
    boost = SMALL_DRAFT_BOOST if base.is_small and quality == "draft" else 1.0
    every = max(1, -(-steps // SAMPLE_ROUNDS[quality]))
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
    values |= {
        "validate_every": every,
        "validation_images": 1 if quality != "draft" and image_count >= HOLD_OUT_FROM else 0,
    }
    if base.is_small and has_trigger and (overrides or {}).get("preservation", SMALL_PRESERVATION):
        values |= {"preservation": SMALL_PRESERVATION, "caption_dropout": 0.0, "batch_size": SMALL_PRESERVING_BATCH}
    if (overrides or {}).get("optimizer") == "prodigy":
        values["learning_rate"] = PRODIGY_RATE
    try:
        return Recipe.model_validate(values | dict(overrides or {}))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            f"{first['msg']}.", title="A setting of the recipe is out of range", field=".".join(map(str, first["loc"]))
        ) from error


def reasons_for(
    mode: Mode, quality: Quality, base: BaseDescription, image_count: int, *, has_trigger: bool = True
) -> dict[str, str]:
    """Return for every setting of `recipe_for`'s recipe why it has its value and where that comes from."""
    row, recipe = starting_for(mode, base), recipe_for(mode, quality, base, image_count, has_trigger=has_trigger)
    small = base.is_small
    usual = row.steps[quality]
    if recipe.steps > usual:
        steps = f"{row.steps_per_image} steps for each of {image_count} images (published for klein: 30 an image)"
    else:
        steps = f"{usual} for {quality} quality, " + ("measured on pocket" if small else row.reason)
    rounds = f"{SAMPLE_ROUNDS[quality]} times in a run, so that progress shows at a glance"
    return (
        {name: _COMMON[name] for name in Recipe.model_fields if name in _COMMON}
        | {
            "steps": steps,
            "learning_rate": _rate_reason(row, quality, small),
            "rank": row.reason,
            "resolution": "what this base was trained at" if small else _RESOLUTION[quality],
            "batch_size": "a CPU does four small images (one for preservation) in little over twice the time of one"
            if small
            else "one image at a time, as in diffusers' recommended command for klein; memory grows with the batch",
            "warmup_steps": "a 25th of the steps: the optimizer's averages need a few steps to settle",
            "schedule": "a rate that falls to zero evens out the last steps of a short run"
            if small
            else "the default of diffusers' and ai-toolkit's scripts; any step can be the last",
            "sample_every": rounds,
            "checkpoint_every": f"{rounds}; beside each row of samples stands a checkpoint",
            "validate_every": "with every checkpoint; costs under 3 % of the run",
            "validation_images": _hold_out_reason(quality, image_count),
            "sample_prompts": f"the concept alone and in new places, for a {mode}",
        }
        | (_PRESERVING if recipe.preservation else {})
    )


def _rate_reason(row: Starting, quality: Quality, is_small: bool) -> str:
    if is_small and quality == "draft":
        return (
            "measured on pocket with three concepts: 4e-3 for 200 steps showed what 3e-3 for 300 did; 3e-3 for 150 and "
            "2e-3 for 200 lacked details"
        )
    return "measured on pocket with a mascot of ten images" if is_small else row.reason


def _hold_out_reason(quality: Quality, image_count: int) -> str:
    if quality == "draft":
        return "a draft learns from every image; the loss on training images still shows that it learns"
    if image_count < HOLD_OUT_FROM:
        return f"with fewer than {HOLD_OUT_FROM} images each is needed for learning"
    return "one image that is not trained on tells learning from copying, as kohya's validation_split does"


_RESOLUTION: dict[Quality, str] = {
    "draft": "a quarter of the work of 1024 px; enough to see whether it learns",
    "balanced": "about half the work of 1024 px, and most of the detail",
    "best": "what FLUX was trained at, where the images are large enough",
}
_AS_TRAINED = "as the base itself was trained (kohya's and diffusers' practice)"
_ON_DEMAND = "off: it helps in special cases only"
_PRESERVING: dict[str, str] = {
    "preservation": "measured on pocket: without it the concept leaks into prompts that do not name it "
    "(ai-toolkit's differential output preservation)",
    "caption_dropout": "off beside preservation: what an empty caption draws pulls every other prompt along",
}
_COMMON: dict[str, str] = {
    "method": "LoRA: small, quick, and read by every tool; nearly as good as training everything (Hu et al. 2021)",
    "alpha": "equal to the rank: the scale is 1 (diffusers' and BFL's recipes)",
    "target_layers": "all linear layers of the blocks: learns more at the same rank than attention alone (QLoRA, 2023)",
    "dropout": "off, as in the published FLUX recipes",
    "optimizer": "AdamW, the common default; 8-bit state saves memory only where the adapter is large",
    "more_resolutions": _ON_DEMAND,
    "gradient_accumulation": "one batch a step: more steps learn more than larger ones at this size",
    "caption_dropout": "0.05, ai-toolkit's default: keeps the concept from hanging on exact words",
    "timestep_sampling": _AS_TRAINED,
    "timestep_shift": _AS_TRAINED,
    "preservation": "off: the concept is learned soonest; turn it on where other prompts must stay as they are",
    "ema_decay": "off: the falling or small rate already evens out the last steps",
    "flip": "off: lettering and lopsided subjects would be learned mirrored",
    "weight_decay": "0.01, AdamW's default in PyTorch",
    "max_grad_norm": "1.0, the default of diffusers' scripts",
    "precision": "chosen for the device: bf16 on a GPU, fp32 on a CPU, which is slow at anything shorter",
    "gradient_checkpointing": "only where memory is short: activations are computed twice",
    "quantization": "only where memory is short: 16 bits train faster where they fit (SimpleTuner's measurements)",
    "offload": "only where nothing else fits: it costs the most time",
    "compile": "on a GPU and for long runs only: it takes minutes at the start",
    "sample_seed": "one for all samples, so that they can be compared",
    "keep_checkpoints": "one for each row of samples",
    "seed": "any number; the same one gives the same result",
}


def prompts_for(mode: Mode, recipe: Recipe) -> list[str]:
    """Return the sample prompts of a run: the recipe's own, else those that suit the mode."""
    return recipe.sample_prompts or list(PROMPTS[mode])
