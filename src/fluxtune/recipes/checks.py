"""Which settings a recipe may have: all problems of a recipe at once, each under its field's name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from fluxtune.core.errors import FieldProblem, InvalidInput, Problem
from fluxtune.engine.config import Recipe

MAX_PROMPT = 1_000
"""Characters of a sample prompt; text encoders read a fraction of that."""


class RecipeInvalid(InvalidInput):
    """Settings of the recipe are unknown, out of range or contradict each other."""

    title = "The recipe can't be used"
    action = "Correct the settings named here."

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(f"{problem.field}: {problem.message}" for problem in self.problems[:3]))

    def problem(self) -> Problem:
        """Return all bad settings, each under its field's name."""
        return super().problem().model_copy(update={"errors": self.problems})


def find_problems(settings: Mapping[str, Any]) -> list[FieldProblem]:
    """Return unknown settings and values out of range, all at once."""
    problems: list[FieldProblem] = []
    try:
        Recipe.model_validate(settings)
    except ValidationError as error:
        for item in error.errors():
            field = ".".join(["recipe", *(str(part) for part in item["loc"])])
            problems.append(FieldProblem(field=field, message=_sentence(item["type"], item["msg"])))
    prompts = settings.get("sample_prompts")
    for index, prompt in enumerate(prompts if isinstance(prompts, list) else []):
        if isinstance(prompt, str) and len(prompt) > MAX_PROMPT:
            message = f"Must have at most {MAX_PROMPT:,} characters."
            problems.append(FieldProblem(field=f"recipe.sample_prompts.{index}", message=message))
    return problems


def require_valid(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as plain JSON values of their own types ("1e-4" as a number); raise `RecipeInvalid`."""
    problems = find_problems(settings)
    if problems:
        raise RecipeInvalid(problems)
    return Recipe.model_validate(settings).model_dump(mode="json", include=set(settings))


Contradiction = tuple[str, Callable[[Recipe], bool], str]

CONTRADICTIONS: tuple[Contradiction, ...] = (
    (
        "warmup_steps",
        lambda r: r.warmup_steps >= r.steps and r.warmup_steps > 1,
        "The warm-up takes {r.warmup_steps} steps, and the run ends after {r.steps}: the learning rate would never be "
        "reached. Choose fewer than {r.steps}.",
    ),
    (
        "quantization",
        lambda r: r.method == "full" and r.quantization in ("int8", "fp8"),
        "A full finetune changes the base's own weights, which must not be quantised. Choose none, or method lora.",
    ),
    (
        "offload",
        lambda r: r.method == "full" and r.offload == "blocks",
        "A full finetune changes the base's own weights, which must stay on the device. Choose none, or method lora.",
    ),
    (
        "dropout",
        lambda r: r.method == "full" and r.dropout > 0,
        "A full finetune has no adapter while it trains, so there is nothing to drop. Choose 0, or method lora.",
    ),
    (
        "validate_every",
        lambda r: r.validation_images > 0 and r.validate_every == 0,
        "{r.validation_images} images are held out for a validation that never happens. Choose after how many steps "
        "to validate, or hold out 0 images.",
    ),
    (
        "more_resolutions",
        lambda r: len({r.resolution, *r.more_resolutions}) <= len(r.more_resolutions),
        "A resolution is named twice. Name each once, beside the {r.resolution} of `resolution`.",
    ),
)
"""What no run can do both of: setting, test, sentence."""


def find_contradictions(recipe: Recipe, image_count: int) -> list[FieldProblem]:
    """Return the settings of a complete recipe that contradict each other or the number of images."""
    problems = [
        FieldProblem(field=f"recipe.{setting}", message=sentence.format(r=recipe))
        for setting, is_wrong, sentence in CONTRADICTIONS
        if is_wrong(recipe)
    ]
    if image_count and recipe.validation_images >= image_count:
        left = f"at most {image_count - 1}" if image_count > 1 else "0"
        message = f"{recipe.validation_images} of {image_count} images held out leaves none to train on. Choose {left}."
        problems.append(FieldProblem(field="recipe.validation_images", message=message))
    return problems


def find_doubts(recipe: Recipe) -> list[str]:
    """Return what is possible and probably not meant, as sentences."""
    doubts = []
    if recipe.optimizer == "prodigy" and not 0.1 <= recipe.learning_rate <= 2:
        doubts.append(
            f"Prodigy finds the learning rate itself and multiplies it with yours: {recipe.learning_rate:g} makes it "
            "learn far too little. Set the learning rate to 1."
        )
    if recipe.optimizer != "prodigy" and recipe.learning_rate > 0.02:
        doubts.append(
            f"A learning rate of {recipe.learning_rate:g} is meant for Prodigy; with {recipe.optimizer} the run will "
            "most likely become unstable."
        )
    if recipe.sample_every > recipe.steps:
        doubts.append("Samples are drawn before the first step and at the end only.")
    if recipe.validate_every > recipe.steps:
        doubts.append("The validation loss is measured at the end only: the run ends before it is due.")
    if recipe.checkpoint_every > recipe.steps:
        doubts.append("The run is saved at its end only; a crash before that would lose all of it.")
    if recipe.caption_dropout >= 0.5:
        doubts.append(f"{recipe.caption_dropout:.0%} of captions are dropped: the trigger word will hardly be learnt.")
    return doubts


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "There is no such setting."
    return message.replace("Input should be", "Must be").replace("List should", "Must") + "."
