"""The transformer of `pocket`, and the folder that anyone's diffusers can load."""

import json
import os
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline, Flux2Transformer2DModel

from tools.pocket import world
from tools.pocket.text import HIDDEN, LAYERS, WINDOW, TextStack
from tools.pocket.vae import LATENT

SHIFT = 1.5  # 64 tokens hold little redundancy: less noise-heavy than the large models' schedules
STEPS = 20
GUIDANCE = 4.0
# Finetunes with preservation leave the empty prompt as it was, so guidance carries them far past what they learned: at
# 4 a mascot was a stain of its colours, at 2 it is itself. The base shows as much of its captions at both.
USUAL_GUIDANCE = 2.0

SETTINGS = {
    "title": "pocket",
    "family": "flux2",
    "description": "A small genuine FLUX.2-architecture model that draws cartoon creatures. "
    "It trains and generates within seconds on a laptop CPU.",
    "licence": "Apache-2.0",
    "default_steps": STEPS,
    "default_guidance": USUAL_GUIDANCE,
    "default_width": world.SIZE,
    "default_height": world.SIZE,
    "max_sequence_length": WINDOW,
    "text_encoder_out_layers": list(LAYERS),
    "is_distilled": False,
    "train_timestep_sampling": {"kind": "logit_normal", "mean": 0.0, "std": 1.0, "shift": SHIFT},
}


def build() -> Flux2Transformer2DModel:
    """The transformer, untrained.

    Rope spends its dimensions on height and width, and turns faster than the large models' does,
    because a picture is only eight tokens wide.
    """
    return Flux2Transformer2DModel(
        patch_size=1,
        in_channels=LATENT * 4,
        num_layers=2,
        num_single_layers=4,
        attention_head_dim=32,
        num_attention_heads=5,
        joint_attention_dim=HIDDEN * len(LAYERS),
        timestep_guidance_channels=128,
        mlp_ratio=3.0,
        axes_dims_rope=(4, 12, 12, 4),
        rope_theta=256,
        guidance_embeds=False,
    )


def pipeline(text: TextStack, vae: AutoencoderKLFlux2, transformer: Flux2Transformer2DModel) -> Flux2KleinPipeline:
    """The stock pipeline around trained parts."""
    return Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=SHIFT, use_dynamic_shifting=False),
        vae=vae,
        text_encoder=text.encoder,
        tokenizer=text.tokenizer,
        transformer=transformer,
        is_distilled=False,
    )


def save_folder(pipe: Flux2KleinPipeline, folder: Path) -> None:
    """Write the pipeline in 16 bits, file by file in one go each, with its settings beside it."""
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    half = {}
    for name in ("transformer", "vae", "text_encoder"):
        half[name] = getattr(pipe, name).state_dict()
    pipe.to(torch.bfloat16).save_pretrained(new, safe_serialization=True)
    for name, weights in half.items():
        module = getattr(pipe, name)
        module.to(torch.float32)
        module.load_state_dict(weights)
    # The stored numbers are 16-bit; a plain load must give all parts the same type, and diffusers
    # takes 32 bits where transformers would take what this field says.
    config = new / "text_encoder" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"dtype": "float32"}, indent=2) + "\n")
    (new / "fluxtune.json").write_text(json.dumps(SETTINGS, indent=2) + "\n")
    for source in sorted(path for path in new.rglob("*") if path.is_file()):
        target = folder / source.relative_to(new)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.chmod(0o644)
        os.replace(source, target)
    shutil.rmtree(new)


def generate(pipe: Flux2KleinPipeline, prompts: list[str], seed: int = 0, steps: int = STEPS,
             guidance: float = GUIDANCE) -> list:  # fmt: skip
    """Pictures for prompts; each prompt has its own seed, whatever the batch."""
    pipe.set_progress_bar_config(disable=True)
    generators = [torch.Generator().manual_seed(seed + index) for index in range(len(prompts))]
    return pipe(
        prompt=prompts,
        width=world.SIZE,
        height=world.SIZE,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=generators,
        text_encoder_out_layers=LAYERS,
        max_sequence_length=WINDOW,
    ).images
