"""How long, how much memory, how much disk: from a probe where there is one, else from measured constants, as ranges.

Where the constants come from is said beside each. A range is wide where nothing was measured on such a machine.
No torch here. What a recipe needs in memory is the memory plan's business (`memory.py`).
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psutil
from pydantic import BaseModel

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Recipe, preserved_count
from fluxtune.engine.memory import GIB, ResolvedDevice, adapter_parameters, can_quantize, resolve
from fluxtune.engine.memory import Machine as Machine

# pocket on two AVX2 cores (benchmarks/train.py, train_vs_diffusers.py): 0.20 s a step of 4 images when idle, 0.23 s of
# processor time. Samples: what the rest of a run's processor time came to.
SMALL_SECONDS_PER_IMAGE = 0.045
SMALL_SECONDS_PER_STEP = 0.04  # optimizer, adapters and Python, whatever the batch
SMALL_START_SECONDS = 12.0  # imports, loading, caches
SMALL_SECONDS_PER_SAMPLE = 1.5  # 20 steps with guidance
PIXELS_OF_SMALL = 128 * 128

# Large bases, bf16 without checkpointing, 1024 px: 0.84 s a step for 9 B on an H200, 0.45 s for 8.9 B and 0.24 s for
# 6 B on an H100 (published; engine guide): 0.04-0.09 s per billion parameters. Other GPUs are slower by up to 4x.
LARGE_SECONDS_PER_BILLION = (0.04, 0.36)
LARGE_CPU_FACTOR = (60.0, 400.0)
LARGE_START_SECONDS = (30.0, 300.0)
# Published beside them: layer checkpointing 1.3-2.8 times as long, 8-bit weights 2-5 times. Offloading: blocks cross
# the bus twice a step, 2-6 times.
SLOWER_CHECKPOINTED = (1.3, 2.0)
SLOWER_QUANTIZED = (1.4, 3.0)
SLOWER_OFFLOADED = (2.0, 5.0)
PRESERVED_PASSES = 4 / 3  # of an image that stands for preservation: with a gradient, and the base's without one

# The settings that change what a step costs: a probe says something about recipes that agree in them.
COST_SETTINGS = (
    "method", "rank", "target_layers", "optimizer", "resolution", "more_resolutions", "batch_size",
    "gradient_accumulation", "preservation", "ema_decay", "precision", "gradient_checkpointing", "quantization",
    "offload", "compile",
)  # fmt: skip


class ProbeResult(BaseModel):
    """`probe.json`: what a few real steps on this machine took."""

    seconds_per_step: float
    seconds_per_step_spread: float
    """Half the distance between the quickest and the slowest step."""
    peak_memory_bytes: int
    device: str
    device_memory_bytes: int
    checkpoint_bytes: int
    load_seconds: float
    cache_seconds_per_image: float
    seconds_per_sample: float
    base_fingerprint: str = ""
    settings: dict[str, Any] = {}
    """Those of the recipe that change what a step costs (`COST_SETTINGS`)."""


@dataclass(frozen=True)
class Estimate:
    """Seconds, memory and disk as (low, high); `fits` compares the low end with the machine."""

    seconds: tuple[float, float]
    memory_bytes: tuple[float, float]
    disk_bytes: int
    fits: bool
    warnings: list[str]
    device: ResolvedDevice
    is_measured: bool = False


def describe_machine(data_folder: str | os.PathLike[str] = ".") -> Machine:
    """Look at this computer without loading torch (an NVIDIA GPU is asked through nvidia-smi)."""
    memory, capability = _nvidia()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        device="cuda" if memory else "cpu",
        memory_bytes=memory or psutil.virtual_memory().available,
        core_count=cores,
        free_disk_bytes=shutil.disk_usage(data_folder).free,
        can_fp8=capability >= 8.9,
        can_quantize=can_quantize(),
    )


def cost_settings(recipe: Recipe) -> dict[str, Any]:
    """Return the settings of a recipe that change what a step costs."""
    return recipe.model_dump(include=set(COST_SETTINGS), mode="json")


def probe_matches(probe: ProbeResult, recipe: Recipe, base: BaseDescription) -> bool:
    """Does a probe say what this recipe would cost on this base?"""
    return probe.settings == cost_settings(recipe) and probe.base_fingerprint == base.fingerprint


def estimate_finetune(
    recipe: Recipe,
    base: BaseDescription,
    image_count: int,
    prompt_count: int,
    machine: Machine,
    probe: ProbeResult | None = None,
) -> Estimate:
    """Estimate a run: a recipe on a base for so many images and sample prompts on a machine.

    A probe that matches takes the place of the constants.
    """
    device = resolve(recipe, base, machine)
    sample_count = prompt_count * (2 + recipe.steps // recipe.sample_every) if recipe.sample_every else 0
    checkpoint = int(adapter_parameters(recipe, base) * 4 * 3)
    if probe is not None and probe_matches(probe, recipe, base):
        seconds, memory = _measured(recipe, probe, image_count, sample_count)
        checkpoint = probe.checkpoint_bytes
    else:
        probe = None
        of_size = _seconds_small if base.is_small else _seconds_large
        seconds, memory = of_size(recipe, base, sample_count, machine, device), device.memory_bytes
    disk = _disk_bytes(recipe, base, image_count, prompt_count, checkpoint)
    return Estimate(
        seconds=seconds,
        memory_bytes=memory,
        disk_bytes=disk,
        fits=memory[0] <= machine.memory_bytes and disk <= machine.free_disk_bytes,
        warnings=_warnings(base, memory, disk, machine),
        device=device,
        is_measured=probe is not None,
    )


def adapter_bytes(recipe: Recipe, base: BaseDescription) -> int:
    """Estimate the size of the adapter's file in 32-bit."""
    return int(4 * adapter_parameters(recipe, base))


def _warnings(base: BaseDescription, memory: tuple[float, float], disk: int, machine: Machine) -> list[str]:
    warnings = []
    if memory[0] > machine.memory_bytes:
        warnings.append(
            f"Needs at least {memory[0] / GIB:.1f} GB of memory; {machine.memory_bytes / GIB:.1f} GB is available."
        )
    if disk > machine.free_disk_bytes:
        warnings.append(f"Needs about {disk / GIB:.1f} GB of disk; {machine.free_disk_bytes / GIB:.1f} GB is free.")
    if not base.is_small and machine.device == "cpu":
        warnings.append("This base is meant for a GPU; on this computer it would take very long.")
    if base.training != "yes" and base.training_note:
        warnings.append(base.training_note)
    return warnings


def _measured(
    recipe: Recipe, probe: ProbeResult, image_count: int, sample_count: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return seconds and memory from a probe; a few steps do not know the slow moments of many."""
    step, spread = probe.seconds_per_step, probe.seconds_per_step_spread
    rest = probe.load_seconds + image_count * probe.cache_seconds_per_image + sample_count * probe.seconds_per_sample
    low = recipe.steps * max(0.9 * step, step - spread) + 0.95 * rest
    high = recipe.steps * max(1.08 * step, step + spread) + 1.15 * rest
    return (low, high), (probe.peak_memory_bytes, 1.02 * probe.peak_memory_bytes)


def _seconds_small(
    recipe: Recipe, base: BaseDescription, sample_count: int, machine: Machine, device: ResolvedDevice
) -> tuple[float, float]:
    pixels = recipe.resolution**2 / PIXELS_OF_SMALL
    images = recipe.batch_size * recipe.gradient_accumulation
    step = SMALL_SECONDS_PER_STEP + SMALL_SECONDS_PER_IMAGE * images * pixels * _passes(recipe)
    cores = min(machine.core_count, 4) / 2
    seconds = SMALL_START_SECONDS + (recipe.steps * step + sample_count * SMALL_SECONDS_PER_SAMPLE * pixels) / cores
    return 0.6 * seconds, 2.0 * seconds


def _seconds_large(
    recipe: Recipe, base: BaseDescription, sample_count: int, machine: Machine, device: ResolvedDevice
) -> tuple[float, float]:
    billions = base.transformer_parameters / 1e9
    pixels = recipe.resolution**2 / 1024**2
    images = recipe.batch_size * recipe.gradient_accumulation
    factors = [LARGE_CPU_FACTOR] if machine.device == "cpu" else []
    factors += [SLOWER_CHECKPOINTED] if device.gradient_checkpointing else []
    factors += [SLOWER_QUANTIZED] if device.quantization != "none" else []
    factors += [SLOWER_OFFLOADED] if device.offload else []
    low, high = LARGE_SECONDS_PER_BILLION
    for factor in factors:
        low, high = low * factor[0], high * factor[1]
    # one sampled image is about `default_steps` forwards, twice with guidance; a forward is a third of a step
    work = recipe.steps * images * pixels * _passes(recipe) + sample_count * base.default_steps * 2 / 3
    return LARGE_START_SECONDS[0] + work * low * billions, LARGE_START_SECONDS[1] + work * high * billions


def _passes(recipe: Recipe) -> float:
    if not recipe.preservation:
        return 1.0
    return 1.0 + PRESERVED_PASSES * preserved_count(recipe.batch_size) / recipe.batch_size


def _disk_bytes(
    recipe: Recipe, base: BaseDescription, image_count: int, prompt_count: int, checkpoint_bytes: int
) -> int:
    """Checkpoints (adapter and two moments each), the result twice, and the caches of latents and text."""
    checkpoints = min(recipe.keep_checkpoints + 1, recipe.steps // recipe.checkpoint_every + 1)
    text = base.max_prompt_tokens * (1_000 if base.is_small else 16_000)
    latents = sum(side**2 for side in (recipe.resolution, *recipe.more_resolutions)) // 2 * (2 if recipe.flip else 1)
    cache = image_count * (text + latents) + prompt_count * text
    return int(checkpoint_bytes * checkpoints + 2 * adapter_bytes(recipe, base) + cache)


@lru_cache(maxsize=1)
def _nvidia() -> tuple[int, float]:
    """Return memory in bytes and compute capability of the first NVIDIA GPU, or zeros."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return 0, 0.0
    command = [tool, "--query-gpu=memory.total,compute_cap", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
        memory, capability = answer.splitlines()[0].split(",")
        return int(memory) * 2**20, float(capability)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0, 0.0
