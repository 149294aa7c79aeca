"""Drawing an image with the base's own pipeline."""

import io
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image

from fluxtune.engine.flux.family import Conditioning, FamilyFunctions, move
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
    with torch.no_grad():
        return family.draw(
            pipe,
            move(conditioning, device.name),
            move(empty, device.name),
            on_step,
            generator=torch.Generator("cpu").manual_seed(seed),
            width=width,
            height=height,
            steps=steps,
            guidance=guidance,
        )


def png_bytes(image: Image.Image) -> bytes:
    """Return an image as the content of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
