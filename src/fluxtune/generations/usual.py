"""What a request for images leaves open is as the studio's settings say, before it is as the base wants."""

from typing import Any

from fluxtune.config.defaults import ModeDefaults
from fluxtune.engine.bases import BaseDescription
from fluxtune.generations.schemas import GenerationCreate


def with_usual(
    create: GenerationCreate, usual: ModeDefaults, base: BaseDescription, *, is_base: bool
) -> GenerationCreate:
    """Return the request with the usual values for what it does not say.

    A size is one thing: who gives a side gets the base's other one. A size this base can't draw is left to the base.
    """
    given = create.model_fields_set
    values: dict[str, Any] = {"count": usual.count, "steps": usual.steps, "guidance": usual.guidance}
    if not is_base:
        values["finetune_strength"] = usual.finetune_strength
    if not given & {"width", "height"}:
        width, height = usual.width or base.default_width, usual.height or base.default_height
        if width <= base.max_width and height <= base.max_height:
            values |= {"width": usual.width, "height": usual.height}
    open_ = {name: value for name, value in values.items() if name not in given and value is not None}
    return create.model_copy(update=open_)
