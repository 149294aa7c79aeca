"""Checkpoints: everything a run needs to go on as if it had never stopped, there whole or not at all.

adapter.safetensors     the adapter as it would be used at this step
weights.safetensors     the trained weights, where they are not the adapter itself (full, or averaged): `trained.*`,
                        and their running average, `average.*`
optimizer.safetensors   the optimizer's state and the random states
state.json              `Progress`
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from fluxtune.engine.runfolder import sync_folder, write_atomic

Files = Mapping[str, Callable[[], bytes]]
"""What a checkpoint holds beside its state: names, and what makes the content of each when its turn comes."""


@dataclass
class Progress:
    """How far a run is, as plain JSON values (`state.json`)."""

    step: int = 0
    seconds: float = 0.0
    step_seconds: float = 0.0
    timed_steps: int = 0
    """Steps in `step_seconds`: those of this run, not of one it has begun from."""
    recent_losses: list[float] = field(default_factory=list)
    order: list[list[int]] = field(default_factory=list)
    optimizer: dict[str, Any] = field(default_factory=dict)
    base_loss: dict[str, Any] = field(default_factory=dict)
    """The validation loss of the untouched base, and what it was measured on."""
    run: str = ""
    """Id of the run that has saved it."""
    settled: dict[str, str] = field(default_factory=dict)
    """The device, and what "auto" meant there: a run that goes on does as before, however much memory is free now."""
    base_fingerprint: str = ""
    snapshot_hash: str = ""
    thread_count: int = 0


def folder_of(checkpoints: Path, step: int) -> Path:
    """Return the folder of a step's checkpoint."""
    return checkpoints / f"step-{step:06d}"


def save_checkpoint(checkpoints: Path, progress: Progress, files: Files) -> Path:
    """Write a checkpoint under another name, make it durable, rename it into place; return its folder.

    Raises `OSError` when the disk is full, and leaves nothing half-written behind.
    """
    target = folder_of(checkpoints, progress.step)
    checkpoints.mkdir(parents=True, exist_ok=True)
    remove_leftovers(checkpoints)
    temporary = checkpoints / f".{target.name}.{os.getpid()}.part"
    try:
        temporary.mkdir()
        for name, content in files.items():
            write_atomic(temporary / name, content())
        write_atomic(temporary / "state.json", json.dumps(asdict(progress)).encode())
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(checkpoints)
    return target


def newest_checkpoint(checkpoints: Path) -> tuple[Path, Progress] | None:
    """Return the newest checkpoint that can be read, or None. A broken one is passed over."""
    known = {one.name for one in fields(Progress)}
    for folder in sorted(checkpoints.glob("step-*"), reverse=True):
        try:
            state = json.loads((folder / "state.json").read_text())
            progress = Progress(**{name: value for name, value in state.items() if name in known})
            for name in ("adapter.safetensors", "optimizer.safetensors", "weights.safetensors"):
                if name != "weights.safetensors" or (folder / name).exists():
                    with safe_open(folder / name, framework="pt"):
                        pass
        except (OSError, ValueError, TypeError, AttributeError, SafetensorError):
            continue
        return folder, progress
    return None


def copied(tensor: torch.Tensor) -> torch.Tensor:
    """Return a copy in main memory that training does not change."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def random_states(draws: torch.Generator) -> dict[str, torch.Tensor]:
    """Return the states of everything random: of the run's own draws, and of torch."""
    states = {"random.draws": draws.get_state(), "random.torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["random.cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_states(tensors: Mapping[str, torch.Tensor], draws: torch.Generator) -> None:
    """Put saved random states back."""
    draws.set_state(tensors["random.draws"])
    torch.set_rng_state(tensors["random.torch"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])


def prune(checkpoints: Path, keep: int) -> None:
    """Remove the oldest checkpoints, so that `keep` are left."""
    for folder in sorted(checkpoints.glob("step-*"))[:-keep]:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(checkpoints: Path) -> None:
    """Remove what interrupted saves have left."""
    for folder in checkpoints.glob(".step-*.part"):
        shutil.rmtree(folder, ignore_errors=True)


def byte_count(folder: Path) -> int:
    """Size of a checkpoint on disk."""
    return sum(file.stat().st_size for file in folder.iterdir())
