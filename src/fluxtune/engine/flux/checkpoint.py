"""Checkpoints: everything a run needs to go on as if it had never stopped, there whole or not at all."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from fluxtune.engine.runfolder import sync_folder, write_atomic


@dataclass
class Progress:
    """How far a run is, as plain JSON values (`state.json`)."""

    step: int = 0
    seconds: float = 0.0
    step_seconds: float = 0.0
    recent_losses: list[float] = field(default_factory=list)
    order: list[list[int]] = field(default_factory=list)
    base_fingerprint: str = ""
    snapshot_hash: str = ""
    thread_count: int = 0


def folder_of(checkpoints: Path, step: int) -> Path:
    """Return the folder of a step's checkpoint."""
    return checkpoints / f"step-{step:06d}"


def save_checkpoint(
    checkpoints: Path, progress: Progress, adapter: bytes, optimizer: torch.optim.Optimizer, draws: torch.Generator
) -> Path:
    """Write a checkpoint under another name, make it durable, rename it into place; return its folder.

    Raises `OSError` when the disk is full, and leaves nothing half-written behind.
    """
    target = folder_of(checkpoints, progress.step)
    checkpoints.mkdir(parents=True, exist_ok=True)
    remove_leftovers(checkpoints)
    temporary = checkpoints / f".{target.name}.{os.getpid()}.part"
    try:
        temporary.mkdir()
        write_atomic(temporary / "adapter.safetensors", adapter)
        write_atomic(temporary / "optimizer.safetensors", save(_optimizer_tensors(optimizer) | _random_states(draws)))
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
    for folder in sorted(checkpoints.glob("step-*"), reverse=True):
        try:
            progress = Progress(**json.loads((folder / "state.json").read_text()))
            for name in ("adapter.safetensors", "optimizer.safetensors"):
                with safe_open(folder / name, framework="pt"):
                    pass
        except (OSError, ValueError, TypeError, SafetensorError):
            continue
        return folder, progress
    return None


def restore_checkpoint(folder: Path, optimizer: torch.optim.Optimizer, draws: torch.Generator) -> None:
    """Put optimizer state and random states back. The adapter is restored by `adapters.restore`."""
    tensors = load_file(folder / "optimizer.safetensors")
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            index, _, part = rest.partition(".")
            state.setdefault(int(index), {})[part] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
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


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"optimizer.{index}.{part}": value.detach().cpu().contiguous()
        for index, parts in optimizer.state_dict()["state"].items()
        for part, value in parts.items()
    }


def _random_states(draws: torch.Generator) -> dict[str, Any]:
    states = {"random.draws": draws.get_state(), "random.torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["random.cuda"] = torch.cuda.get_rng_state()
    return states
