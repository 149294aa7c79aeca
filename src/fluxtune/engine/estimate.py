"""How long, how much memory, how much disk: from measured constants, as honest ranges. No torch here.

Where the constants come from is said beside each. A range is wide where nothing was measured on such a machine.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import psutil

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Recipe

GIB = 2**30

# pocket on two AVX2 cores (benchmarks/train.py, train_vs_diffusers.py): 0.20 s a step of 4 images when idle, 0.23 s of
# processor time; 0.5 GiB at its peak. Samples: what the rest of a run's processor time came to.
SMALL_SECONDS_PER_IMAGE = 0.045
SMALL_SECONDS_PER_STEP = 0.04  # optimizer, adapters and Python, whatever the batch
SMALL_START_SECONDS = 12.0  # imports, loading, caches
SMALL_SECONDS_PER_SAMPLE = 1.5  # 20 steps with guidance
SMALL_MEMORY = (0.4 * GIB, 0.7 * GIB)
PIXELS_OF_SMALL = 128 * 128

# Large bases, bf16 without checkpointing, 1024 px: 0.84 s a step for 9 B on an H200, 0.45 s for 8.9 B and 0.24 s for
# 6 B on an H100 (published; engine guide): 0.04-0.09 s per billion parameters. Other GPUs are slower by up to 4x.
LARGE_SECONDS_PER_BILLION = (0.04, 0.36)
LARGE_CPU_FACTOR = (60.0, 400.0)
LARGE_START_SECONDS = (30.0, 300.0)
LARGE_ACTIVATIONS = {False: (5 * GIB, 14 * GIB), True: (1 * GIB, 4 * GIB)}  # one 1024 px image; with checkpointing


@dataclass(frozen=True)
class Machine:
    """What the estimate is for."""

    device: Literal["cpu", "cuda", "mps"]
    memory_bytes: int  # of the device: GPU memory, else what is available of the computer's
    core_count: int
    free_disk_bytes: int


@dataclass(frozen=True)
class Estimate:
    """Seconds, memory and disk as (low, high); `fits` compares the low end with the machine."""

    seconds: tuple[float, float]
    memory_bytes: tuple[float, float]
    disk_bytes: int
    fits: bool
    warnings: list[str]


def describe_machine(data_folder: str | os.PathLike[str] = ".") -> Machine:
    """Look at this computer without loading torch (an NVIDIA GPU is asked through nvidia-smi)."""
    gpu = _nvidia_memory()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        device="cuda" if gpu else "cpu",
        memory_bytes=gpu or psutil.virtual_memory().available,
        core_count=cores,
        free_disk_bytes=shutil.disk_usage(data_folder).free,
    )


def estimate_finetune(
    recipe: Recipe, base: BaseDescription, image_count: int, prompt_count: int, machine: Machine
) -> Estimate:
    """Estimate a run: a recipe on a base for so many images and sample prompts on a machine."""
    sample_count = prompt_count * (2 + recipe.steps // recipe.sample_every) if recipe.sample_every else 0
    estimate = _estimate_small if base.is_small else _estimate_large
    seconds, memory = estimate(recipe, base, image_count, sample_count, machine)
    disk = _disk_bytes(recipe, base, image_count, prompt_count)
    warnings = []
    fits = memory[0] <= machine.memory_bytes and disk <= machine.free_disk_bytes
    if memory[0] > machine.memory_bytes:
        warnings.append(
            f"Needs at least {memory[0] / GIB:.1f} GB of memory; {machine.memory_bytes / GIB:.1f} GB is available."
        )
    if disk > machine.free_disk_bytes:
        warnings.append(f"Needs about {disk / GIB:.1f} GB of disk; {machine.free_disk_bytes / GIB:.1f} GB is free.")
    if not base.is_small and machine.device == "cpu":
        warnings.append("This base is meant for a GPU; on this computer it would take very long.")
    return Estimate(seconds, memory, disk, fits, warnings)


def adapter_bytes(recipe: Recipe, base: BaseDescription) -> int:
    """Estimate the adapter's size in 32-bit: rank times the widths of the adapted layers.

    From two measured points: klein 4B (3072 wide) has 24.1 M weights at rank 16; they grow with the square root of
    the transformer's size, and attention alone is about a third of all.
    """
    share = 1.0 if recipe.target_layers == "all" else 0.35
    if base.is_small:
        return int(recipe.rank * share * 4 * 0.025 * (base.transformer_bytes / 2 / 3.2e6) ** 0.5 * 1e6)
    return int(recipe.rank / 16 * share * 4 * 24.1e6 * (base.transformer_bytes / 2 / 3.9e9) ** 0.7)


def _estimate_small(
    recipe: Recipe, base: BaseDescription, image_count: int, sample_count: int, machine: Machine
) -> tuple[tuple[float, float], tuple[float, float]]:
    pixels = recipe.resolution**2 / PIXELS_OF_SMALL
    images = recipe.batch_size * recipe.gradient_accumulation
    step = SMALL_SECONDS_PER_STEP + SMALL_SECONDS_PER_IMAGE * images * pixels
    cores = min(machine.core_count, 4) / 2
    seconds = SMALL_START_SECONDS + (recipe.steps * step + sample_count * SMALL_SECONDS_PER_SAMPLE * pixels) / cores
    activations = 0.02 * GIB * recipe.batch_size * pixels
    return (0.6 * seconds, 2.0 * seconds), (SMALL_MEMORY[0] + activations, SMALL_MEMORY[1] + 2 * activations)


def _estimate_large(
    recipe: Recipe, base: BaseDescription, image_count: int, sample_count: int, machine: Machine
) -> tuple[tuple[float, float], tuple[float, float]]:
    billions = base.transformer_bytes / 2 / 1e9
    pixels = recipe.resolution**2 / 1024**2
    images = recipe.batch_size * recipe.gradient_accumulation
    checkpointing = recipe.gradient_checkpointing != "off" and (
        recipe.gradient_checkpointing == "on" or machine.memory_bytes < 2.5 * base.transformer_bytes
    )
    slow = LARGE_CPU_FACTOR if machine.device == "cpu" else (1.0, 1.0)
    # one sampled image is about `default_steps` forwards, twice with guidance; a forward is a third of a step
    work = recipe.steps * images * pixels * (2.0 if checkpointing else 1.0)
    work += sample_count * base.default_steps * 2 / 3
    low, high = (
        start + work * per * billions * factor
        for start, per, factor in zip(LARGE_START_SECONDS, LARGE_SECONDS_PER_BILLION, slow, strict=True)
    )
    acts = LARGE_ACTIVATIONS[checkpointing]
    width = 2 if machine.device == "cpu" and recipe.precision != "bf16" else 1
    adapter = 4 * adapter_bytes(recipe, base)
    fixed = max(width * base.transformer_bytes + adapter, width * base.text_encoder_bytes)
    return (low, high), tuple(fixed + a * pixels * recipe.batch_size for a in acts)  # type: ignore[return-value]


def _disk_bytes(recipe: Recipe, base: BaseDescription, image_count: int, prompt_count: int) -> int:
    """Checkpoints (adapter and two moments each), the result twice, and the caches of latents and text."""
    checkpoints = min(recipe.keep_checkpoints + 1, recipe.steps // recipe.checkpoint_every + 1)
    text = base.max_prompt_tokens * (1_000 if base.is_small else 16_000)
    latents = recipe.resolution**2 // 2 * (2 if recipe.flip else 1)
    cache = image_count * (text + latents) + prompt_count * text
    return int(adapter_bytes(recipe, base) * (3 * checkpoints + 2) + cache)


@lru_cache(maxsize=1)
def _nvidia_memory() -> int:
    """Return the memory of the first NVIDIA GPU in bytes, or 0."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return 0
    command = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
        return int(answer.split()[0]) * 2**20
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0
