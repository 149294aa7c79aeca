"""Drawing an image with the base's own pipeline class."""

import io
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image

from fluxtune.engine.flux.family import Conditioning, FamilyFunctions
from fluxtune.engine.runtime import Device


def draw_image(
    pipe: Any,
    family: FamilyFunctions,
    device: Device,
    conditioning: Conditioning,
    empty: Conditioning,
    *,
    seed: int,
    width: int,
    height: int,
    steps: int,
    guidance: float,
    on_step: Callable[[int], None] = lambda step: None,
) -> Image.Image:
    """Draw one image of width x height pixels.

    Images are drawn one at a time, with a generator of their own on the CPU: batches of other sizes split sums
    otherwise, and the same seed must give the same image whatever stands beside it. `on_step` is called after each
    step with its number, from 1; what it raises ends the drawing.
    """

    def after_step(_pipe: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(index + 1)
        return tensors

    moved = {name: tensor.to(device.name) for name, tensor in conditioning.items()}
    moved_empty = {name: tensor.to(device.name) for name, tensor in empty.items()}
    arguments = family.call_arguments(moved, moved_empty)
    if "negative_prompt_embeds" in arguments and not hasattr(type(pipe), "do_classifier_free_guidance"):
        del arguments["negative_prompt_embeds"]
    with torch.no_grad():
        image: Image.Image = pipe(
            **arguments,
            generator=torch.Generator("cpu").manual_seed(seed),
            width=width,
            height=height,
            num_inference_steps=steps,
            guidance_scale=guidance,
            callback_on_step_end=after_step,
            callback_on_step_end_tensor_inputs=[],
        ).images[0]
    return image


def png_bytes(image: Image.Image) -> bytes:
    """Return an image as the content of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
