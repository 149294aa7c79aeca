"""Drawing with diffusers' classic pipelines, which FLUX.1 and FLUX.2 have."""

from collections.abc import Callable
from typing import Any

import torch
from PIL import Image


def draw(
    pipe: Any,
    arguments: dict[str, torch.Tensor],
    on_step: Callable[[int], None],
    *,
    generator: torch.Generator,
    width: int,
    height: int,
    steps: int,
    guidance: float,
) -> Image.Image:
    """Draw one image; `arguments` hand over the encoded text. The rest is as in `FamilyFunctions.draw`."""

    def after_step(_pipe: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(index + 1)
        return tensors

    image: Image.Image = pipe(
        **arguments,
        generator=generator,
        width=width,
        height=height,
        num_inference_steps=steps,
        guidance_scale=guidance,
        callback_on_step_end=after_step,
        callback_on_step_end_tensor_inputs=[],
    ).images[0]
    return image
