"""LoRA adapters: attached through PEFT, kept as safetensors in the layout diffusers reads."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Recipe, RunConfig

NAME = "default"
PREFIX = "transformer."
# Of FLUX.1 and FLUX.2 the first two; FLUX.3 has blocks for image and text alone (its third, for reference images, is
# not used when training from text), then the single ones.
BLOCKS = ("transformer_blocks.", "single_transformer_blocks.", "mode_blocks.image.", "txt_mode_blocks.")


def target_layers(transformer: Any, choice: str) -> list[str]:
    """Name the linear layers that get adapter weights: those of the blocks, without the modulation of their norms.

    `attention` takes only those inside attention (in single blocks, where attention and MLP share one, that too).
    """
    names = [
        name
        for name, module in transformer.named_modules()
        if isinstance(module, torch.nn.Linear) and name.startswith(BLOCKS) and ".norm" not in name
    ]
    return [name for name in names if ".attn." in name] if choice == "attention" else names


def attach(transformer: Any, recipe: Recipe) -> list[str]:
    """Add a fresh adapter to the transformer, in 32-bit, and make it all that is trained; return the layers' names.

    It starts as no change at all: A is drawn from torch's global generator, B is zero, DoRA's lengths are the base's.
    """
    layers = target_layers(transformer, recipe.target_layers)
    make_config: Any = LoraConfig  # says that alpha is an integer; any number does
    config = make_config(
        r=recipe.rank,
        lora_alpha=alpha_of(recipe),
        lora_dropout=recipe.dropout,
        init_lora_weights="gaussian",
        target_modules=layers,
        use_dora=recipe.method == "dora",
    )
    transformer.add_adapter(config, adapter_name=NAME)
    for _, parameter in adapter_parameters(transformer):
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
    return layers


def alpha_of(recipe: Recipe) -> float:
    """Return the adapter's scale: the recipe's alpha, or its rank, which is right for what a full run extracts."""
    return recipe.alpha if recipe.alpha is not None and recipe.method != "full" else float(recipe.rank)


def adapter_parameters(transformer: Any) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """Yield the adapter's weights under the names they have in its file (PEFT's, which diffusers reads)."""
    for name, parameter in transformer.named_parameters():
        if ".lora_A." in name or ".lora_B." in name:
            yield PREFIX + name.replace(f".{NAME}.", "."), parameter
        elif ".lora_magnitude_vector." in name:
            yield PREFIX + name.removesuffix(f".{NAME}.weight"), parameter


def file_bytes(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str], dtype: torch.dtype) -> bytes:
    """Return an adapter as the content of a safetensors file in a number format."""
    weights = {name: tensor.to("cpu", dtype).contiguous() for name, tensor in tensors.items()}
    return _in_order(save(weights, metadata=dict(metadata)))


def metadata_for(
    config: RunConfig, base: BaseDescription, snapshot_hash: str, layers: list[str], step: int
) -> dict[str, str]:
    """Return the file's metadata: what diffusers needs, who made it from what, and modelspec's essentials.

    The same recipe, snapshot and base give the same metadata: it holds no time and no path.
    """
    recipe = config.recipe
    lora = {
        "r": recipe.rank,
        "lora_alpha": alpha_of(recipe),
        "lora_dropout": recipe.dropout,
        "target_modules": layers,
        "init_lora_weights": "gaussian",
        "bias": "none",
    } | ({"use_dora": True} if recipe.method == "dora" else {})
    architecture = {"flux1": "flux-1-dev/lora", "flux2": "Flux.2/lora", "flux3": "Flux.3/lora"}[base.family]
    return {
        "format": "pt",
        "lora_adapter_metadata": json.dumps({PREFIX + key: value for key, value in lora.items()}, sort_keys=True),
        "fluxtune.base": base.name,
        "fluxtune.base_fingerprint": base.fingerprint,
        "fluxtune.trigger_word": config.trigger_word,
        "fluxtune.mode": config.mode,
        "fluxtune.method": recipe.method,
        "fluxtune.rank": str(recipe.rank),
        "fluxtune.alpha": f"{alpha_of(recipe):g}",
        "fluxtune.steps": str(step),
        "fluxtune.snapshot_hash": snapshot_hash,
        "fluxtune.recipe": recipe.model_dump_json(),
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": architecture,
        "modelspec.implementation": "https://github.com/huggingface/diffusers",
        "modelspec.title": config.name,
        "modelspec.resolution": f"{recipe.resolution}x{recipe.resolution}",
        "modelspec.prediction_type": "flow",
        "modelspec.trigger_phrase": config.trigger_word,
        "ss_base_model_version": base.name,
        "ss_network_dim": str(recipe.rank),
        "ss_network_alpha": f"{alpha_of(recipe):g}",
        "ss_steps": str(step),
        "software": "fluxtune",
    }


def read_metadata(path: Path) -> dict[str, str]:
    """Return an adapter file's metadata, empty when it has none. Raises `InvalidInput` for any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise InvalidInput(
            f"{path.name} is no safetensors file, or only part of one.",
            title="The adapter can't be read",
            technical=str(error),
        ) from error


def check_fits(transformer: Any, path: Path) -> None:
    """Raise `InvalidInput` when a file has weights for layers this transformer has not, or of other widths.

    Files in other layouts than ours are left to diffusers, which converts them.
    """
    layers = {name: module for name, module in transformer.named_modules() if hasattr(module, "in_features")}
    with safe_open(path, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 - it is no dict
            if not (key.startswith(PREFIX) and key.endswith(".lora_A.weight")):
                continue
            layer = layers.get(key.removeprefix(PREFIX).removesuffix(".lora_A.weight"))
            if layer is None or layer.in_features != file.get_slice(key).get_shape()[1]:
                raise InvalidInput(f"There is no place for {key}.", title="The adapter does not fit this base")


def _in_order(content: bytes) -> bytes:
    """Sort the header of a safetensors file: the library writes metadata in a random order, and files are compared."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    text = json.dumps({"__metadata__": dict(sorted(header.pop("__metadata__").items()))} | header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
