"""FLUX.2 (dev, klein, and small ones of the same classes): text, latents and prediction.

The mathematics is that of diffusers' `train_dreambooth_lora_flux2_klein.py`; a test compares the two.
"""

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from diffusers.pipelines.flux2.pipeline_flux2 import Flux2Pipeline, compute_empirical_mu
from PIL import Image

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.flux import classic

LAYOUT = cast(Any, Flux2Pipeline)  # its static helpers have no types

SAMPLING_STEPS = 50  # the published models' own, from which their shift is computed


def encode_text(pipe: Any, prompt: str, base: BaseDescription) -> dict[str, torch.Tensor]:
    """Return `embeds` (1, token limit, layers x width) of the chosen layers of the text encoder."""
    layers = {"text_encoder_out_layers": tuple(base.text_encoder_out_layers)} if base.text_encoder_out_layers else {}
    embeds, _ = pipe.encode_prompt(prompt=prompt, max_sequence_length=base.max_prompt_tokens, **layers)
    return {"embeds": embeds}


def count_tokens(pipe: Any, prompt: str) -> int:
    """Count tokens with those of the chat template."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": prompt}]
    if hasattr(pipe, "system_message"):  # FLUX.2 dev: a processor with typed content
        system = {"role": "system", "content": [{"type": "text", "text": pipe.system_message}]}
        messages = [system, {"role": "user", "content": [{"type": "text", "text": prompt}]}]
        return len(pipe.tokenizer.apply_chat_template([messages], tokenize=True, return_dict=True)["input_ids"][0])
    text = pipe.tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
    return len(pipe.tokenizer(text)["input_ids"])


def encode_image(vae: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Encode, fold 2 x 2 latents into one token, normalise by the VAE's batch-norm statistics."""
    latents = LAYOUT._patchify_latents(vae.encode(pixels).latent_dist.mode())
    mean, std = _statistics(vae, latents)
    tokens: torch.Tensor = LAYOUT._pack_latents((latents - mean) / std)
    return tokens


def decode_image(vae: Any, tokens: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """Undo `encode_image`."""
    latents = tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], *grid)
    mean, std = _statistics(vae, latents)
    pixels: torch.Tensor = vae.decode(LAYOUT._unpatchify_latents(latents * std + mean), return_dict=False)[0]
    return pixels


def position_ids(grid: tuple[int, int], text_length: int, device: str) -> dict[str, torch.Tensor]:
    """Return ids (1, tokens, 4): time, row, column of image tokens; place in the text of text tokens."""
    image = LAYOUT._prepare_latent_ids(torch.empty(1, 1, *grid))
    text = LAYOUT._prepare_text_ids(torch.empty(1, text_length, 1))
    return {"img_ids": image.to(device), "txt_ids": text.to(device)}


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
        encoder_hidden_states=conditioning["embeds"],
        return_dict=False,
        **ids,
    )[0]
    return velocity


def shift_for(token_count: int) -> float:
    """Return exp(mu) of FLUX.2's empirical rule."""
    return math.exp(compute_empirical_mu(token_count, SAMPLING_STEPS))


def draw(
    pipe: Any,
    conditioning: dict[str, torch.Tensor],
    empty: dict[str, torch.Tensor],
    on_step: Callable[[int], None],
    **settings: Any,
) -> Image.Image:
    """Draw; klein also takes the empty prompt, dev embeds its guidance."""
    arguments = {"prompt_embeds": conditioning["embeds"]}
    if hasattr(type(pipe), "do_classifier_free_guidance"):
        arguments["negative_prompt_embeds"] = empty["embeds"]
    return classic.draw(pipe, arguments, on_step, **settings)


def _statistics(vae: Any, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    mean = vae.bn.running_mean.view(1, -1, 1, 1).to(latents)
    std = torch.sqrt(vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps).to(latents)
    return mean, std
