"""LoRA files of every layout, made on the spot from random weights."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from fluxtune.engine.known_bases import Family
from fluxtune.engine.lora_files.layers import FAMILIES

Tensors = dict[str, torch.Tensor]


def diffusers_lora(
    family: Family,
    *,
    width: int = 32,
    doubles: int = 2,
    singles: int = 3,
    rank: int = 4,
    only: str = "",
    dtype: torch.dtype = torch.float32,
) -> Tensors:
    """Return a LoRA of every layer inside the blocks (or those with `only` in their name), as diffusers names them."""
    generator = torch.Generator().manual_seed(5)
    found: Tensors = {}
    for blocks in FAMILIES[family]:
        count = {"double": doubles, "single": singles, "outer": 0}[blocks.role]
        for number in range(count):
            for layer in blocks.layers:
                for part in layer.parts:
                    name = f"transformer.{blocks.diffusers}.{number}.{part.name}"
                    if only not in name:
                        continue
                    assert part.into is not None
                    assert part.out is not None
                    down = torch.randn(rank, part.into * width, generator=generator)
                    up = torch.randn(part.out * width, rank, generator=generator)
                    found[f"{name}.lora_A.weight"] = down.to(dtype)
                    found[f"{name}.lora_B.weight"] = up.to(dtype)
    return found


def save(path: Path, tensors: Tensors, metadata: dict[str, Any] | None = None) -> Path:
    """Write a safetensors file; values of the metadata that are no strings become JSON."""
    texts = {key: each if isinstance(each, str) else json.dumps(each) for key, each in (metadata or {}).items()}
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path, metadata=texts or None)
    return path


def deltas(tensors: Tensors, scale: dict[str, float] | float = 1.0) -> Tensors:
    """Return what a LoRA adds to each layer, in double precision."""
    return {stem: scaled * up @ down for stem, scaled, up, down in _layers(tensors, scale)}


def effects(tensors: Tensors, scale: dict[str, float] | float = 1.0) -> Tensors:
    """Return what a LoRA does to four random inputs of each layer: tells changes apart and never makes them whole."""
    return {
        stem: scaled * up @ (down @ torch.randn(down.shape[1], 4, generator=torch.Generator().manual_seed(9)).double())
        for stem, scaled, up, down in _layers(tensors, scale)
    }


def _layers(
    tensors: Tensors, scale: dict[str, float] | float
) -> Iterator[tuple[str, float, torch.Tensor, torch.Tensor]]:
    for name, down in tensors.items():
        if name.endswith(".lora_A.weight"):
            stem = name.removesuffix(".lora_A.weight")
            factor = scale if isinstance(scale, float) else scale.get(stem, 1.0)
            yield stem, factor, tensors[f"{stem}.lora_B.weight"].double(), down.double()


def load(path: Path) -> Tensors:
    """Read a file with the library itself."""
    return load_file(path)
