"""FLUX.3 as a modular pipeline: diffusers' own blocks, put together for one picture from one prompt.

The published blocks begin with a prompt upsampler, a second language model. It is left out here: prompts and captions
are encoded as they were written.
"""

from typing import Any

import diffusers
import torch
from diffusers import AutoencoderKLFlux2, ComponentsManager, FlowMatchEulerDiscreteScheduler, Flux3Transformer2DModel
from diffusers.modular_pipelines.flux3 import decoders, denoise, encoders
from diffusers.modular_pipelines.flux3.modular_blocks_flux3 import Flux3CoreDenoiseBlocks
from diffusers.modular_pipelines.flux3.modular_blocks_flux3_distilled import Flux3DistilledCoreDenoiseBlocks
from diffusers.modular_pipelines.modular_pipeline import (
    AutoPipelineBlocks,
    ModularPipelineBlocks,
    SequentialPipelineBlocks,
)
from transformers import AutoTokenizer, Qwen3VLForConditionalGeneration

from fluxtune.engine.bases import BaseDescription

WEIGHTS: dict[str, Any] = {
    "transformer": Flux3Transformer2DModel,
    "vae": AutoencoderKLFlux2,
    "text_encoder": Qwen3VLForConditionalGeneration,
}


class Prompts:
    """What the text blocks want of a processor, by the tokenizer alone: a processor also reads images and videos."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def apply_chat_template(self, messages: Any, **settings: Any) -> Any:
        """Put messages into the model's template."""
        return self.tokenizer.apply_chat_template(messages, **settings)


class AfterStep(ModularPipelineBlocks):  # type: ignore[misc]
    """The last thing in each turn of the denoising loop: calls the pipeline's `on_step` with its number, from 1."""

    model_name = "flux3"

    def __call__(self, components: Any, block_state: Any, i: int, t: Any) -> tuple[Any, Any]:
        """Report step `i`."""
        on_step = getattr(components, "on_step", None)
        if on_step is not None:
            on_step(i + 1)
        return components, block_state


def _blocks(core: Any, loop: Any, text: Any) -> Any:
    """Return blocks that encode a prompt when one is given, denoise, report each step, and decode."""
    told = type(
        "ToldDenoiseStep",
        (loop,),
        {"block_classes": [*loop.block_classes, AfterStep()], "block_names": [*loop.block_names, "after_step"]},
    )
    denoising = told()
    denoising.set_progress_bar_config(disable=True)
    steps = [denoising if name == "denoise" else block for name, block in core.items()]
    inner = type("CoreStep", (SequentialPipelineBlocks,), {"block_classes": steps, "block_names": list(core)})
    prompt = type(
        "PromptStep",
        (AutoPipelineBlocks,),
        {"block_classes": [text], "block_names": ["text_encoder"], "block_trigger_inputs": ["prompt"]},
    )
    whole = {
        "model_name": "flux3",
        "block_classes": [prompt, inner, decoders.Flux3DecodeStep],
        "block_names": ["prompt", "denoise", "decode"],
    }
    return type("DrawingBlocks", (SequentialPipelineBlocks,), whole)()


def load_modular(base: BaseDescription, dtype: torch.dtype, without: tuple[str, ...], **given: Any) -> Any:
    """Load the parts of a FLUX.3 folder, but those named, into a pipeline on the CPU; `given` parts are not read."""
    if base.is_flow_map:
        blocks = _blocks(
            Flux3DistilledCoreDenoiseBlocks, denoise.Flux3DistilledDenoiseStep, encoders.Flux3DistilledTextEncoderStep
        )
    else:
        blocks = _blocks(Flux3CoreDenoiseBlocks, denoise.Flux3DenoiseStep, encoders.Flux3TextEncoderStep)
    pipe = getattr(diffusers, base.pipeline_class)(blocks=blocks, components_manager=ComponentsManager())
    pipe.update_components(**_read_parts(base, dtype, without, given))
    if "tokenizer" not in without:
        pipe.tokenizer = Prompts(AutoTokenizer.from_pretrained(base.folder / "tokenizer", local_files_only=True))
    return pipe


def _read_parts(
    base: BaseDescription, dtype: torch.dtype, without: tuple[str, ...], given: dict[str, Any]
) -> dict[str, Any]:
    """Read each wanted part from its own folder: an index may name places on the network instead."""
    parts: dict[str, Any] = dict(given)
    for name, part in WEIGHTS.items():
        if name not in without and name not in parts:
            parts[name] = part.from_pretrained(
                base.folder / name, dtype=dtype, local_files_only=True, use_safetensors=True
            )
    if (base.folder / "scheduler").is_dir():
        parts["scheduler"] = FlowMatchEulerDiscreteScheduler.from_pretrained(base.folder / "scheduler")
    return parts
