"""Small things the training scripts share."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Log:
    """Prints a line with the time of day, and keeps it in a file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path

    def __call__(self, line: str) -> None:
        """Say one line."""
        line = f"{time.strftime('%H:%M:%S')} {line}"
        print(line, flush=True)
        with self.path.open("a") as file:
            file.write(line + "\n")


def batch_of(pictures: list[np.ndarray]) -> Tensor:
    """Byte pictures to a float batch in -1..1, channels first."""
    stack = np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2))
    return torch.from_numpy(stack).float().div_(127.5).sub_(1)


def to_bytes(batch: Tensor) -> np.ndarray:
    """The reverse of `batch_of`: `(count, height, width, 3)` bytes."""
    values = ((batch.clamp(-1, 1) + 1) * 127.5).round().byte()
    return values.permute(0, 2, 3, 1).numpy()


def psnr(made: Tensor, wanted: Tensor) -> float:
    """Mean signal-to-noise ratio per picture in decibels, for values in -1..1."""
    error = (made.clamp(-1, 1) - wanted).square().flatten(1).mean(1).clamp_min(1e-8)
    return float((10 * torch.log10(4 / error)).mean())


def save_state(path: Path, state: dict[str, Any], parts: dict[str, Any]) -> None:
    """Write a resumable state in one go: a crash leaves the old file or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    torch.save({"state": state, **{name: part.state_dict() for name, part in parts.items()}}, new)
    os.replace(new, path)


def load_state(path: Path, parts: dict[str, Any]) -> dict[str, Any]:
    """Read what `save_state` wrote into `parts`, and return the counters."""
    saved = torch.load(path, weights_only=True, map_location="cpu")
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return saved["state"]
