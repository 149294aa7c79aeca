"""Latents and text embeddings, computed once and kept in the run folder's `cache/`."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Recipe, Snapshot
from fluxtune.engine.data.snapshot import read_at
from fluxtune.engine.flux.family import Conditioning, functions_of
from fluxtune.engine.flux.load import load_text_pipeline, release
from fluxtune.engine.runfolder import write_atomic
from fluxtune.engine.runtime import Device

Report = Callable[[int, int], None]
"""Called before each item with (done, total); may raise to stop."""


@dataclass
class Latents:
    """One training image at one resolution: its tokens (count, channels), mirrored too if asked for.

    `grid` counts their rows and columns; `image` is its place in the snapshot, `resolution` what it was scaled for,
    `repeats` how often it is seen in each pass.
    """

    tokens: list[torch.Tensor]
    grid: tuple[int, int]
    image: int = 0
    resolution: int = 0
    repeats: int = 1


@dataclass
class Texts:
    """Encoded texts by their wording, and which of them were longer than the base reads."""

    encoded: dict[str, Conditioning]
    too_long: list[str]


def cache_texts(folder: Path, texts: Iterable[str], base: BaseDescription, device: Device, report: Report) -> Texts:
    """Encode each different text by itself (so that its neighbours don't matter), or read them from the cache.

    The text encoder is loaded for this only, and dropped. Raises `OSError` when the disk is full.
    """
    wanted = sorted(set(texts))
    key = _key(base.fingerprint, str(device.dtype), base.max_prompt_tokens, base.text_encoder_out_layers, wanted)
    path = folder / "texts.safetensors"
    cached = _read(path, key)
    if cached is None:
        tensors, too_long = _encode_texts(wanted, base, device, report)
        _write(path, key, tensors, {"too_long": too_long})
        cached = tensors, {"too_long": too_long}
    tensors, notes = cached
    encoded: dict[str, Conditioning] = {text: {} for text in wanted}
    for name, tensor in tensors.items():
        index, _, part = name.partition(".")
        encoded[wanted[int(index)]][part] = tensor
    return Texts(encoded, notes["too_long"])


def cache_latents(
    folder: Path,
    snapshot_folder: Path,
    snapshot: Snapshot,
    pipe: Any,
    base: BaseDescription,
    device: Device,
    recipe: Recipe,
    report: Report,
) -> list[Latents]:
    """Encode every image by itself, in 32-bit, or read them from the cache. Raises `OSError` when the disk is full.

    Each image comes at the recipe's resolution first, and then at each further one that it is large enough for.
    """
    contents = [image.sha256 for image in snapshot.images]
    wanted = [recipe.resolution, *recipe.more_resolutions]
    key = _key(base.fingerprint, str(device.dtype), snapshot.hash, contents, wanted, recipe.flip)
    path = folder / "latents.safetensors"
    cached = _read(path, key)
    if cached is None:
        tensors, entries = _encode_images(snapshot_folder, snapshot, pipe.vae, base, device, recipe, report)
        _write(path, key, tensors, {"entries": entries})
        cached = tensors, {"entries": entries}
    tensors, notes = cached
    sides = range(2 if recipe.flip else 1)
    return [
        Latents(
            [tensors[f"{index}.{side}"] for side in sides],
            (rows, columns),
            image,
            resolution,
            snapshot.images[image].repeats,
        )
        for index, (image, resolution, rows, columns) in enumerate(notes["entries"])
    ]


def _encode_texts(
    texts: list[str], base: BaseDescription, device: Device, report: Report
) -> tuple[dict[str, torch.Tensor], list[str]]:
    family = functions_of(base.family)
    pipe = load_text_pipeline(base, device)
    tensors: dict[str, torch.Tensor] = {}
    too_long = []
    for index, text in enumerate(texts):
        report(index, len(texts))
        if family.count_tokens(pipe, text) > base.max_prompt_tokens:
            too_long.append(text)
        with torch.no_grad():
            encoded = family.encode_text(pipe, text, base)
        tensors |= {f"{index}.{part}": tensor.to("cpu").contiguous() for part, tensor in encoded.items()}
    del pipe
    if not base.is_small:
        release()
    return tensors, too_long


def _encode_images(
    folder: Path, snapshot: Snapshot, vae: Any, base: BaseDescription, device: Device, recipe: Recipe, report: Report
) -> tuple[dict[str, torch.Tensor], list[tuple[int, int, int, int]]]:
    """Encode in 32-bit whatever the device's format: it is done once, and errors here stay for the whole run.

    Returns the tensors by "entry.side", and of each entry its image, resolution, rows and columns.
    """
    family = functions_of(base.family)
    tensors: dict[str, torch.Tensor] = {}
    entries: list[tuple[int, int, int, int]] = []
    vae.to(torch.float32)
    for index, image in enumerate(snapshot.images):
        report(index, len(snapshot.images))
        for resolution, array in read_at(folder / image.file, recipe.resolution, recipe.more_resolutions):
            pixels = torch.from_numpy(array).unsqueeze(0)
            for side, view in enumerate([pixels, pixels.flip(3)] if recipe.flip else [pixels]):
                with torch.no_grad():
                    tokens = family.encode_image(vae, view.to(device.name))[0]
                tensors[f"{len(entries)}.{side}"] = tokens.to("cpu").contiguous()
            entries.append((index, resolution, pixels.shape[2] // 16, pixels.shape[3] // 16))
    vae.to(device.dtype)
    return tensors, entries


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _write(path: Path, key: str, tensors: dict[str, torch.Tensor], notes: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, save(tensors, metadata={"key": key, "notes": json.dumps(notes)}))


def _read(path: Path, key: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """Read a cache file, or None when it is absent, broken, or of something else."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("key") != key:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(metadata["notes"])  # noqa: SIM118
    except (OSError, SafetensorError, ValueError):
        return None
