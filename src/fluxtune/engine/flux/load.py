"""Loading a base's parts through its own pipeline class. Nothing is fetched; only safetensors are read."""

import gc
from typing import Any

import diffusers
import torch

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.runtime import Device

TEXT_PARTS = ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")
IMAGE_PARTS = ("transformer", "vae")


def load_text_pipeline(base: BaseDescription, device: Device) -> Any:
    """Load what encodes prompts: tokenizers and text encoders."""
    return _load(base, device, without=IMAGE_PARTS)


def load_image_pipeline(base: BaseDescription, device: Device) -> Any:
    """Load what makes images: transformer, VAE and scheduler, in the device's number format."""
    return _load(base, device, without=TEXT_PARTS)


def load_whole_pipeline(base: BaseDescription, device: Device) -> Any:
    """Load everything; on a GPU too small for all at once, parts wait in main memory until they are needed."""
    pipe = _load(base, Device("cpu", device.dtype), without=())
    if device.is_cuda and 1.2 * base.byte_count > torch.cuda.mem_get_info()[0]:
        pipe.enable_model_cpu_offload()
    else:
        pipe.to(device.name)
    return pipe


def release() -> None:
    """Give memory of dropped models back, which is many gigabytes for a large base."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _load(base: BaseDescription, device: Device, without: tuple[str, ...]) -> Any:
    pipeline_class = getattr(diffusers, base.pipeline_class)
    known = pipeline_class._get_signature_keys(pipeline_class)[0]
    pipe = pipeline_class.from_pretrained(
        base.path,
        dtype=device.dtype,
        local_files_only=True,
        use_safetensors=True,
        **{part: None for part in without if part in known},
    )
    pipe.set_progress_bar_config(disable=True)
    for part in ("transformer", "vae", "text_encoder", "text_encoder_2"):
        module = getattr(pipe, part, None)
        if module is not None:
            module.requires_grad_(False)
            module.eval()
    return pipe.to(device.name)
