"""The endpoints that draw: what is asked in BFL's terms becomes an ordinary generation of this studio."""

import math
import re
from typing import Any

from fluxtune.contract.catalogue import Endpoint
from fluxtune.contract.errors import RequestRefused
from fluxtune.contract.inputs import DrawInputs
from fluxtune.contract.records import Caller, ContractRecords, own_name, submitted
from fluxtune.contract.schemas import Submitted
from fluxtune.core.text import clean_text
from fluxtune.engine.bases import BaseDescription
from fluxtune.generations.schemas import GenerationCreate
from fluxtune.generations.service import SEEDS, GenerationService
from fluxtune.models.schemas import Model
from fluxtune.models.service import UsableModel

GRID = 16
SMALLEST = 64
LONGEST_PROMPT = 8_000
WIDEST = 21 / 9
_RATIO = re.compile(r"(\d{1,4}):(\d{1,4})")
_SECRETS = {"webhook_url", "webhook_secret"}


class Drawing(ContractRecords):
    """Starts generations."""

    def draw(self, endpoint: Endpoint, inputs: DrawInputs, caller: Caller) -> Submitted:
        """Start the generation that stands for a request; raise `RequestRefused` for what no base here can do."""
        if endpoint.refusal is not None:
            raise RequestRefused(endpoint.refusal, field=endpoint.inputs.IMAGES[0])
        _refuse_images(inputs)
        self.check_hook(inputs)
        self.check_room()
        made: Model | None = None
        notes: list[str] = []
        wanted: str | None = getattr(inputs, "finetune_id", None)
        if wanted is not None:
            made = self.find_model(wanted)
            if own_name(wanted) != wanted:
                notes.append(f"finetune_id {wanted[:64]}: there are no organisations here; {made.name} was used.")
        model = self._models.require_usable(made.id if made else self._base_for(endpoint, inputs), None)
        if endpoint.base is not None and model.base.name != endpoint.base:
            notes.append(f"Drawn with {model.base.title}; {endpoint.base} is not what {model.name} is made of.")
        elif endpoint.base is None:
            notes.append(f"Drawn with {model.base.title}, a base of this studio.")
        create, more = plan_drawing(inputs, model)
        generations = GenerationService(self._session, self._blobs, self._settings)
        generation = generations.create_generation(generations.as_allowed(create))
        details = {"notes": [*notes, *more], "base": model.base.name}
        row = self.file(
            "generation", generation.id, generation.job_id, caller, endpoint.name, inputs, _kept(inputs), details
        )
        megapixels = round(generation.width * generation.height / 1e6, 2)
        return Submitted(**submitted(row, input_mp=0.0, output_mp=megapixels))

    def _base_for(self, endpoint: Endpoint, inputs: DrawInputs) -> str:
        """Return the base that is asked for, the endpoint's own if it is here, or the usual one."""
        asked: str | None = getattr(inputs, "base", None)
        if asked:
            return self._models.require_base(asked).name
        here = {base.name for base in self._models.list_bases() if base.is_ready}
        return endpoint.base if endpoint.base in here else self.usual_base()


def plan_drawing(inputs: DrawInputs, model: UsableModel) -> tuple[GenerationCreate, list[str]]:
    """Return the generation that stands for a request, and a sentence for each thing it does otherwise."""
    notes: list[str] = []
    given = inputs.model_fields_set
    values: dict[str, Any] = {"model_id": model.id, "version_id": model.version_id, "count": 1}
    values["prompt"] = _prompt(inputs.prompt, model, notes)
    if inputs.seed is not None:
        values["seed"] = inputs.seed % SEEDS
        if values["seed"] != inputs.seed:
            notes.append(f"seed {inputs.seed} lies outside 0 … {SEEDS - 1}; {values['seed']} was used.")
    # What a program sends by default suits another model; only what it sets itself is meant.
    for name in ("steps", "guidance"):
        value = getattr(inputs, name, None)
        if name in given and value is not None:
            values[name] = value
        elif name in type(inputs).model_fields and getattr(inputs, name) is not None:
            usual = model.base.default_steps if name == "steps" else model.base.default_guidance
            notes.append(f"{name} was not given: {usual:g}, this base's usual, instead of BFL's default.")
    if "finetune_strength" in type(inputs).model_fields:
        values["finetune_strength"] = getattr(inputs, "finetune_strength")  # noqa: B009 - as above
    values["width"], values["height"] = _size(inputs, model.base, notes)
    if getattr(inputs, "prompt_upsampling", False):
        notes.append("prompt_upsampling: the prompt is drawn as it is.")
    if "safety_tolerance" in given:
        notes.append("safety_tolerance: nothing is filtered here.")
    return GenerationCreate(**values), notes


def fit_size(width: int, height: int, base: BaseDescription) -> tuple[int, int]:
    """Return the size nearest to the one asked for that a base can draw, in steps of 16 pixels.

    Where that is too large for it, the shape is kept, at the area the base draws best.
    """
    if width > base.max_width or height > base.max_height:
        return ratio_size(width / height, base)
    return _on_grid(width, base.max_width), _on_grid(height, base.max_height)


def ratio_size(ratio: float, base: BaseDescription) -> tuple[int, int]:
    """Return a size of this shape at the area the base draws best, in steps of 16 pixels."""
    area = base.default_width * base.default_height
    return (
        _on_grid(round(math.sqrt(area * ratio) / GRID) * GRID, base.max_width),
        _on_grid(round(math.sqrt(area / ratio) / GRID) * GRID, base.max_height),
    )


def read_ratio(text: str) -> float:
    """Return width over height of `16:9`; raise `RequestRefused` for what is none between 21:9 and 9:21."""
    match = _RATIO.fullmatch(text.strip())
    width, height = (int(part) for part in match.groups()) if match else (0, 0)
    if not width or not height or not 1 / WIDEST <= width / height <= WIDEST:
        raise RequestRefused("Give width:height between 21:9 and 9:21, as 16:9.", field="aspect_ratio")
    return width / height


def _on_grid(pixels: float, limit: int) -> int:
    return max(SMALLEST, min(int(pixels), limit) // GRID * GRID)


def _size(inputs: DrawInputs, base: BaseDescription, notes: list[str]) -> tuple[int, int]:
    if hasattr(inputs, "aspect_ratio"):
        width, height = ratio_size(read_ratio(inputs.aspect_ratio), base)
        notes.append(f"aspect_ratio {inputs.aspect_ratio}: drawn at {width} × {height}.")
        return width, height
    asked = (getattr(inputs, "width", None), getattr(inputs, "height", None))
    wanted = (asked[0] or base.default_width, asked[1] or base.default_height)
    size = fit_size(*wanted, base)
    if size != wanted:
        notes.append(
            f"{wanted[0]} × {wanted[1]} was asked for; drawn at {size[0]} × {size[1]}, which {base.title} can."
        )
    return size


def _prompt(text: str | None, model: UsableModel, notes: list[str]) -> str:
    prompt = clean_text(text or "")
    if len(prompt) > LONGEST_PROMPT:
        raise RequestRefused(f"At most {LONGEST_PROMPT:,} characters are read.", field="prompt")
    if not prompt and model.trigger_word:
        notes.append(f"There was no prompt; the trigger word “{model.trigger_word}” was drawn.")
        return model.trigger_word
    if not prompt:
        raise RequestRefused("Say what the image should show.", field="prompt")
    return prompt


def _refuse_images(inputs: DrawInputs) -> None:
    for name in inputs.IMAGES:
        if getattr(inputs, name, None):
            raise RequestRefused("The bases here draw from words only. Leave this out.", field=name)


def _kept(inputs: DrawInputs) -> dict[str, Any]:
    """Return what was asked for, without secrets and images."""
    return inputs.model_dump(mode="json", exclude={*_SECRETS, *inputs.IMAGES})
