"""Loading a base's parts through its own pipeline class. Nothing is fetched; only safetensors are read."""

import gc
from typing import Any

import diffusers
import psutil
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from fluxtune.core.errors import InvalidInput, OutOfMemory
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.flux.frozen import BLOCKS, freeze
from fluxtune.engine.memory import GIB, ResolvedDevice, encodes_from_main_memory, generating_memory, generation_plan
from fluxtune.engine.runtime import Device, is_out_of_memory
from fluxtune.engine.single_file import without_prefix

TEXT_PARTS = ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")
IMAGE_PARTS = ("transformer", "vae")


def load_text_pipeline(base: BaseDescription, device: Device) -> Any:
    """Load what encodes prompts: tokenizers and text encoders, whose layers stay in main memory if they must."""
    pipe = _read(base, device, without=IMAGE_PARTS)
    width = device.dtype.itemsize
    if device.is_cuda and encodes_from_main_memory(base, width, torch.cuda.get_device_properties(0).total_memory):
        _freeze_text(pipe, device)
    return pipe.to(device.name)


def load_image_pipeline(base: BaseDescription, device: Device, plan: ResolvedDevice | None = None) -> Any:
    """Load what makes images: transformer, VAE and scheduler, in the device's number format.

    `plan`: how the frozen weights are kept, where they don't just lie on the device.
    """
    pipe = _read(base, device, without=TEXT_PARTS)
    if plan is not None and (plan.quantization != "none" or plan.offload):
        freeze(pipe.transformer, device.name, plan.quantization, plan.offload, only=BLOCKS)
    return pipe.to(device.name)


def load_whole_pipeline(base: BaseDescription, device: Device) -> Any:
    """Load everything, placed as there is room for it. Raises `OutOfMemory` before loading when there is none."""
    free = free_bytes(device)
    placement = generation_plan(base, device.name, free)
    if placement is None:
        least = generating_memory(base)[0] if device.is_cuda else 4 * base.transformer_parameters
        raise OutOfMemory(
            f"Drawing with {base.title} needs {least / GIB:.0f} GB of memory or more; {free / GIB:.1f} GB is free.",
            action="Close other programs that use it, or choose a smaller base.",
        )
    pipe = _read(base, device, without=())
    if placement == "parts":
        if base.family == "flux3":
            pipe._components_manager.enable_auto_cpu_offload(device=device.name)
        else:
            pipe.enable_model_cpu_offload()
        return pipe
    if placement == "blocks":
        freeze(pipe.transformer, device.name, "none", offload=True, only=BLOCKS)
        _freeze_text(pipe, device)
    return pipe.to(device.name)


def free_bytes(device: Device) -> int:
    """Return how much memory there is to take: of the GPU's, or of the computer's."""
    if device.is_cuda:
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def release() -> None:
    """Give memory of dropped models back, which is many gigabytes for a large base."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _freeze_text(pipe: Any, device: Device) -> None:
    for part in ("text_encoder", "text_encoder_2"):
        if getattr(pipe, part, None) is not None:
            freeze(getattr(pipe, part), device.name, "none", offload=True)


def _read(base: BaseDescription, device: Device, without: tuple[str, ...]) -> Any:
    """Read a pipeline without the parts named into main memory, frozen."""
    given = {}
    if base.parts_path is not None and "transformer" not in without:
        given["transformer"] = read_transformer_file(base, device.dtype)
    if base.family == "flux3":
        from fluxtune.engine.flux.modular import load_modular

        pipe = load_modular(base, device.dtype, without, **given)
    else:
        pipe = _read_classic(base, device, without, given)
    for part in ("transformer", "vae", "text_encoder", "text_encoder_2"):
        module = getattr(pipe, part, None)
        if module is not None:
            module.requires_grad_(False)
            module.eval()
    return pipe


def _read_classic(base: BaseDescription, device: Device, without: tuple[str, ...], given: dict[str, Any]) -> Any:
    pipeline_class = getattr(diffusers, base.pipeline_class)
    known = pipeline_class._get_signature_keys(pipeline_class)[0]
    has_processor = base.pipeline_class == "Flux2Pipeline" and "tokenizer" not in without
    if has_processor:  # it would need torchvision, to read pictures with; prompts need its tokenizer only
        without = (*without, "tokenizer")
    pipe = pipeline_class.from_pretrained(
        base.folder,
        dtype=device.dtype,
        local_files_only=True,
        use_safetensors=True,
        **{part: None for part in without if part in known},
        **given,
    )
    if has_processor:
        pipe.tokenizer = AutoTokenizer.from_pretrained(base.folder / "tokenizer", local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def read_transformer_file(base: BaseDescription, dtype: torch.dtype) -> Any:
    """Read a transformer from one file, in BFL's naming or diffusers', by diffusers' own converters.

    Raises `InvalidInput` when tensors are missing or of other shapes.
    """
    classes = {
        "flux1": "FluxTransformer2DModel",
        "flux2": "Flux2Transformer2DModel",
        "flux3": "Flux3Transformer2DModel",
    }
    transformer_class: Any = getattr(diffusers, classes[base.family])
    weights = {without_prefix(name): tensor for name, tensor in load_file(base.path).items()}
    try:
        transformer = transformer_class.from_single_file(
            weights, config=str(base.folder), subfolder="transformer", dtype=dtype, local_files_only=True
        )
        lacking = [name for name, parameter in transformer.named_parameters() if parameter.is_meta]
    except (KeyError, ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise _unfit(base, f"{type(error).__name__}: {error}") from error
    if lacking:
        raise _unfit(base, f"missing: {', '.join(lacking[:5])}")
    return transformer


def _unfit(base: BaseDescription, technical: str) -> InvalidInput:
    return InvalidInput(
        f"{base.path.name} lacks weights, or has them in other shapes than {base.folder.name}.",
        title="The base can't be read",
        action="Download the file again, or use the folder in the diffusers layout.",
        technical=technical,
    )
