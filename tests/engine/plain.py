"""The same image by diffusers alone, with nothing of ours: what adapters and pictures are compared with."""

import io
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image

from fluxtune.engine.bases import describe_base

ROUNDING = 1
"""An adapter in the weights sums in another order than one beside them: by so much of 255 a pixel may differ."""


def draw_with_diffusers(base: Path, adapter: Path | None = None) -> Image.Image:
    """Draw prompt “zwx a” with seed 3, 64 px, two steps, guidance 2."""
    description = describe_base(base)
    pipeline = getattr(diffusers, description.pipeline_class)
    layers = description.text_encoder_out_layers
    arguments = {"prompt": "zwx a", "generator": torch.Generator("cpu").manual_seed(3), "width": 64, "height": 64,
                 "num_inference_steps": 2, "max_sequence_length": description.max_prompt_tokens,
                 **({"text_encoder_out_layers": tuple(layers)} if layers else {})}  # fmt: skip
    if description.family == "flux3":
        kind = diffusers.Flux3DistilledAutoBlocks if description.is_flow_map else diffusers.Flux3AutoBlocks
        blocks: Any = kind()
        blocks.sub_blocks.pop("prompt_upsampler")
        pipe = pipeline(blocks=blocks, pretrained_model_name_or_path=str(base))
        pipe.load_components(names=["transformer", "vae", "text_encoder", "scheduler"], dtype=torch.float32)
        pipe.tokenizer = Prompts(transformers.AutoTokenizer.from_pretrained(base / "tokenizer"))
        if not description.is_flow_map:
            pipe.guider.guidance_scale = 2.0
        if adapter:
            pipe.load_lora_weights(adapter)
        image: Image.Image = pipe(**arguments, output="images")[0]
        return image
    is_dev = description.pipeline_class == "Flux2Pipeline"
    pipe = pipeline.from_pretrained(base, dtype=torch.float32, **({"tokenizer": None} if is_dev else {}))
    if is_dev:
        pipe.tokenizer = transformers.AutoTokenizer.from_pretrained(base / "tokenizer")
    if adapter:
        pipe.load_lora_weights(adapter)
    image = pipe(**arguments, guidance_scale=2.0).images[0]
    return image


class Prompts:
    """As much of a processor as the text encoder's block asks for."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.apply_chat_template = tokenizer.apply_chat_template


def pixels(image: bytes | Image.Image) -> np.ndarray[Any, Any]:
    """Return the levels of an image, or of a PNG."""
    opened = Image.open(io.BytesIO(image)) if isinstance(image, bytes) else image
    return np.asarray(opened, dtype=np.int16)


def assert_same(one: bytes | Image.Image, other: bytes | Image.Image) -> None:
    """Are two images with an adapter the same, to rounding?"""
    assert np.abs(pixels(one) - pixels(other)).max() <= ROUNDING
