"""FLUX.1 (dev, schnell, and small ones of the same classes): text, latents and prediction.

The mathematics is that of diffusers' `train_dreambooth_lora_flux.py`; a test compares the two.
"""

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline, calculate_shift
from PIL import Image

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.flux import classic

LAYOUT = cast(Any, FluxPipeline)  # its static helpers have no types


def encode_text(pipe: Any, prompt: str, base: BaseDescription) -> dict[str, torch.Tensor]:
    """Return `embeds` (1, token limit, width) of T5 and `pooled` (1, width) of CLIP."""
    embeds, pooled, _ = pipe.encode_prompt(prompt=prompt, prompt_2=None, max_sequence_length=base.max_prompt_tokens)
    return {"embeds": embeds, "pooled": pooled}


def count_tokens(pipe: Any, prompt: str) -> int:
    """Count T5's tokens; CLIP's summary reads only the first 77 of its own."""
    return len(pipe.tokenizer_2(prompt)["input_ids"])


def encode_image(vae: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Encode, shift and scale, fold 2 x 2 latents into one token."""
    latents = (vae.encode(pixels).latent_dist.mode() - vae.config.shift_factor) * vae.config.scaling_factor
    tokens: torch.Tensor = LAYOUT._pack_latents(latents, *latents.shape)
    return tokens


def decode_image(vae: Any, tokens: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """Undo `encode_image`."""
    batch, _, channels = tokens.shape
    rows, columns = grid
    latents = tokens.view(batch, rows, columns, channels // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
    latents = latents.reshape(batch, channels // 4, rows * 2, columns * 2)
    pixels: torch.Tensor = vae.decode(latents / vae.config.scaling_factor + vae.config.shift_factor, return_dict=False)[
        0
    ]
    return pixels


def position_ids(grid: tuple[int, int], text_length: int, device: str) -> dict[str, torch.Tensor]:
    """Return ids (tokens, 3): row and column of image tokens; zero for text tokens."""
    image = LAYOUT._prepare_latent_image_ids(1, *grid, device, torch.float32)
    return {"img_ids": image, "txt_ids": torch.zeros(text_length, 3, device=device)}


def predict(
    transformer: Any,
    tokens: torch.Tensor,
    sigmas: torch.Tensor,
    conditioning: dict[str, torch.Tensor],
    ids: dict[str, torch.Tensor],
) -> torch.Tensor:
    """Predict the velocity; where guidance is embedded it is 1, as finetuning wants it."""
    guidance = torch.ones_like(sigmas) if transformer.config.guidance_embeds else None
    velocity: torch.Tensor = transformer(
        hidden_states=tokens,
        timestep=sigmas,
        guidance=guidance,
        pooled_projections=conditioning["pooled"],
        encoder_hidden_states=conditioning["embeds"],
        return_dict=False,
        **ids,
    )[0]
    return velocity


def shift_for(token_count: int) -> float:
    """Return exp(mu) of FLUX.1's rule, linear in the number of tokens."""
    return math.exp(calculate_shift(token_count))


def draw(
    pipe: Any,
    conditioning: dict[str, torch.Tensor],
    empty: dict[str, torch.Tensor],
    on_step: Callable[[int], None],
    **settings: Any,
) -> Image.Image:
    """Draw; guidance is embedded (dev) or there is none (schnell), so the empty prompt is not needed."""
    arguments = {"prompt_embeds": conditioning["embeds"], "pooled_prompt_embeds": conditioning["pooled"]}
    return classic.draw(pipe, arguments, on_step, **settings)
