"""FLUX.3 klein (base, distilled, and small ones of the same classes): text, latents and prediction.

It has no classic pipeline in diffusers, so layout and numbers are those of its modular blocks
(`diffusers.modular_pipelines.flux3`); a test compares the two. Its VAE and the layout of its latents are FLUX.2's.

The text window of a prompt is its length rounded up to a multiple of 80 tokens, and the transformer reads the padding
too: how long the window is belongs to what the model was trained on. So captions of unequal windows are never laid
into one longer window; a batch is split into groups of equal window, each predicted by itself.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from diffusers.modular_pipelines.flux3 import before_denoise, encoders
from PIL import Image

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.flux import flux2

TEXT = cast(Any, encoders.Flux3TextEncoderStep)  # their static helpers have no types
TEXT_IDS = cast(Any, before_denoise.Flux3TextRoPEInputsStep)
IMAGE_IDS = cast(Any, before_denoise)._prepare_image_ids

WINDOW = 80  # tokens; windows are multiples of it
LAYERS = (4, 8, 12, 16, 20, 24, 28, 32)  # of the text encoder, unless fluxtune.json says others
IMAGE_SCALE = 0.5  # of the rows and columns of image tokens
SHIFT = 6.93  # the published sampling's, whatever the size

encode_image = flux2.encode_image
decode_image = flux2.decode_image


def encode_text(pipe: Any, prompt: str, base: BaseDescription) -> dict[str, torch.Tensor]:
    """Return `embeds` (1, window, layers x width) of the chosen layers, and `window` (1,), its number of tokens."""
    embeds = TEXT._get_qwen3_vl_prompt_embeds(
        text_encoder=pipe.text_encoder,
        tokenizer=pipe.tokenizer,
        prompt=prompt,
        device=pipe._execution_device,
        max_sequence_length=base.max_prompt_tokens,
        pad_multiple=WINDOW,
        hidden_states_layers=tuple(base.text_encoder_out_layers or LAYERS),
    )
    return {"embeds": embeds, "window": torch.tensor([embeds.shape[1]])}


def count_tokens(pipe: Any, prompt: str) -> int:
    """Count tokens with those of the chat template."""
    messages = [{"role": "user", "content": prompt}]
    text = pipe.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return len(pipe.tokenizer.tokenizer(text)["input_ids"])


def position_ids(grid: tuple[int, int], text_length: int, device: str) -> dict[str, torch.Tensor]:
    """Return `img_ids` (tokens, 4): row and column at half scale. Those of the text follow from its window."""
    return {"img_ids": IMAGE_IDS(*grid, IMAGE_SCALE).to(device)}


def predict(
    transformer: Any,
    tokens: torch.Tensor,
    sigmas: torch.Tensor,
    conditioning: dict[str, torch.Tensor],
    ids: dict[str, torch.Tensor],
) -> torch.Tensor:
    """Predict the velocity, one group of equal text window after the other."""
    embeds, windows = conditioning["embeds"], conditioning["window"].tolist()
    groups = {window: [i for i, own in enumerate(windows) if own == window] for window in sorted(set(windows))}
    if len(groups) == 1:
        return _predict_group(transformer, tokens, sigmas, embeds[:, : windows[0]], ids)
    parts: list[torch.Tensor | None] = [None] * len(windows)
    for window, places in groups.items():
        group = _predict_group(transformer, tokens[places], sigmas[places], embeds[places, :window], ids)
        for place, part in zip(places, group, strict=True):
            parts[place] = part
    return torch.stack([part for part in parts if part is not None])


def _predict_group(
    transformer: Any, tokens: torch.Tensor, sigmas: torch.Tensor, embeds: torch.Tensor, ids: dict[str, torch.Tensor]
) -> torch.Tensor:
    velocity: torch.Tensor = transformer(
        hidden_states=tokens,
        timestep=sigmas,
        encoder_hidden_states=embeds,
        txt_ids=TEXT_IDS._prepare_text_ids(embeds).to(embeds.device),
        return_dict=False,
        **ids,
    )[0]
    return velocity


def shift_for(token_count: int) -> float:
    """Return the constant shift."""
    return SHIFT


def draw(
    pipe: Any,
    conditioning: dict[str, torch.Tensor],
    empty: dict[str, torch.Tensor],
    on_step: Callable[[int], None],
    *,
    generator: torch.Generator,
    width: int,
    height: int,
    steps: int,
    guidance: float,
) -> Image.Image:
    """Draw; the base is guided by the empty prompt, the distilled one knows no guidance."""
    arguments = {"prompt_embeds": conditioning["embeds"]}
    if getattr(pipe, "guider", None) is not None:
        pipe.guider.guidance_scale = guidance
        arguments["negative_prompt_embeds"] = empty["embeds"]
    pipe.on_step = on_step
    images = pipe(
        **arguments, generator=generator, width=width, height=height, num_inference_steps=steps, output="images"
    )
    image: Image.Image = images[0]
    return image
