"""A transformer in one safetensors file as a base: recognised by its names and shapes, without reading a weight.

Such a file (in BFL's naming or in diffusers') has no text encoder and no VAE. Those are taken from a folder in the
diffusers layout with the same architecture: the one that `NAME.json` beside the file names (`{"parts": "FOLDER"}`),
else the best match beside the file or in the Hugging Face cache. No torch here.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.bases import BaseDescription, describe_base, index_of
from fluxtune.engine.known_bases import KNOWN, Family, in_hub_cache
from fluxtune.engine.weight_files import Tensor, read_header

PREFIXES = ("model.diffusion_model.", "diffusion_model.", "transformer.")
# Of each family: names of one tensor that only it has, in BFL's naming and in diffusers'.
SIGNS: tuple[tuple[Family, str, str], ...] = (
    ("flux3", "early_stream_modulations.image.lin.weight", "early_stream_modulations.image.linear.weight"),
    ("flux2", "single_stream_modulation.lin.weight", "single_stream_modulation.linear.weight"),
    ("flux1", "double_blocks.0.img_mod.lin.weight", "transformer_blocks.0.norm1_context.linear.weight"),
)
IMAGE_IN = ("img_in.weight", "x_embedder.weight", "emb_in.image.weight", "x_embedders.image.weight")
TEXT_IN = ("txt_in.weight", "context_embedder.weight")
DOUBLE = re.compile(r"^(?:double_blocks|transformer_blocks|content_mode_blocks\.image|mode_blocks\.image)\.(\d+)\.")
SINGLE = re.compile(r"^(?:single_blocks|single_transformer_blocks)\.(\d+)\.")
PLAIN = {"F64", "F32", "F16", "BF16", "F8_E4M3"}
SCALES = ("scale_weight", "weight_scale", "scale_input", "input_scale", "scaled_fp8", "absmax", "quant_state")
FAMILY_TITLE = {"flux1": "FLUX.1", "flux2": "FLUX.2", "flux3": "FLUX.3"}
REFUSED = "This file can't be a base"


@dataclass(frozen=True)
class Architecture:
    """What a transformer's file must have in common with the folder whose other parts it uses."""

    family: Family
    double_blocks: int
    single_blocks: int
    hidden_size: int
    in_channels: int
    text_width: int
    has_guidance: bool
    is_flow_map: bool

    def __str__(self) -> str:
        return (
            f"{FAMILY_TITLE[self.family]}, {self.double_blocks} + {self.single_blocks} blocks of width "
            f"{self.hidden_size}"
        )


def recognise(tensors: Mapping[str, Tensor], name: str) -> Architecture:
    """Return the architecture that names and shapes belong to; raise `InvalidInput` for any other file."""
    own = {without_prefix(key): tensor for key, tensor in tensors.items()}
    _refuse_others(own, name)
    family = next((family for family, *signs in SIGNS if any(sign in own for sign in signs)), None)
    image = next((own[key] for key in IMAGE_IN if key in own), None)
    text = next((own[key] for key in TEXT_IN if key in own), None)
    if family is None or image is None or text is None or len(image.shape) != 2 or len(text.shape) != 2:
        raise InvalidInput(
            f"{name} is no transformer of FLUX.1, FLUX.2 or FLUX.3: its tensors have other names.",
            title=REFUSED,
            action="Choose a FLUX transformer as safetensors, or a folder in the diffusers layout.",
        )
    return Architecture(
        family=family,
        double_blocks=_count(own, DOUBLE, name),
        single_blocks=_count(own, SINGLE, name),
        hidden_size=image.shape[0],
        in_channels=image.shape[1],
        text_width=text.shape[1],
        has_guidance=any("guidance_in." in key or "guidance_embedder." in key for key in own),
        is_flow_map=any(key.startswith(("ref_time_in.", "target_timestep_embedder.")) for key in own),
    )


def without_prefix(key: str) -> str:
    """Return a tensor's name without what some programs put in front of all of them."""
    for prefix in PREFIXES:
        if key.startswith(prefix):
            return key[len(prefix) :]
    return key


def architecture_of(folder: Path) -> Architecture | None:
    """Return the architecture of a folder's transformer, from its configuration, or None for other folders."""
    try:
        base = describe_base(folder)
        config = json.loads((folder / "transformer" / "config.json").read_text(encoding="utf-8"))
        return Architecture(
            family=base.family,
            double_blocks=int(config["num_layers"]),
            single_blocks=int(config["num_single_layers"]),
            hidden_size=base.hidden_size,
            in_channels=int(config["in_channels"]),
            text_width=int(config["joint_attention_dim"]),
            has_guidance=bool(config.get("guidance_embeds", base.family == "flux2")) and base.family != "flux3",
            is_flow_map=base.is_flow_map,
        )
    except (InvalidInput, OSError, ValueError, KeyError, TypeError):
        return None


def describe_file(file: Path, name: str | None = None) -> BaseDescription:
    """Describe a transformer's file as a base.

    Raises `InvalidInput` when it is no FLUX transformer, is cut short, or no folder with its other parts is found.
    """
    tensors = read_header(file)
    architecture = recognise(tensors, file.name)
    parts = _find_parts(file, architecture)
    if parts is None:
        raise InvalidInput(
            f"{file.name} is a transformer alone ({architecture}); its text encoder and VAE are not here.",
            title="Parts of this base are missing",
            action=f"Put a folder in the diffusers layout with the same architecture beside it, or name one in "
            f'{file.stem}.json: {{"parts": "FOLDER"}}.',
        )
    base = describe_base(parts)
    return base.model_copy(
        update={
            "name": name or file.stem,
            "path": file,
            "parts_path": parts,
            "title": name or file.stem,
            "description": f"{architecture}, from one file; the other parts are those of {base.title}.",
            "licence": "not stated; see where the file came from",
            "transformer_bytes": file.stat().st_size,
            "transformer_parameters": float(sum(tensor.size for tensor in tensors.values())),
            "fingerprint": _fingerprint(file, base.fingerprint),
        }
    )


def _refuse_others(own: Mapping[str, Tensor], name: str) -> None:
    """Refuse adapters and weights that were made small in ways that can't be undone here."""
    if any(".lora_" in key or key.startswith("lora_") for key in own):
        raise InvalidInput(
            f"{name} is an adapter (LoRA), not a base.", title=REFUSED, action="Choose the base it was made for."
        )
    odd = next((tensor.dtype for tensor in own.values() if tensor.dtype not in PLAIN), None)
    if odd or any(key.endswith(SCALES) for key in own):
        raise InvalidInput(
            f"{name} is quantised{f' ({odd})' if odd else ' with scales'}; here everything starts from 16 bits.",
            title=REFUSED,
            action="Get the file in 16 bits; fluxtune makes it smaller itself where memory is short.",
        )


def _count(own: Mapping[str, Tensor], pattern: re.Pattern[str], name: str) -> int:
    """Count blocks, which must be numbered without gaps."""
    numbers = {int(found.group(1)) for key in own if (found := pattern.match(key))}
    if not numbers or numbers != set(range(len(numbers))):
        raise InvalidInput(
            f"{name} lacks blocks of its transformer: {len(numbers)} are there, the last is number "
            f"{max(numbers, default=0) + 1}.",
            title=REFUSED,
            action="Download the file again; if it is one of several parts, use the folder they belong to.",
        )
    return len(numbers)


def _find_parts(file: Path, architecture: Architecture) -> Path | None:
    """Return the folder whose other parts fit: the one named, else the likeliest by its name."""
    named = file.with_suffix(".json")
    if named.is_file():
        return _named_parts(named, architecture)
    cached = (in_hub_cache(known) for known in KNOWN)
    places = [*_bases_in(file.parent), *(folder for folder in cached if folder)]
    fitting = [place for place in places if architecture_of(place) == architecture]
    return min(fitting, key=lambda place: _unlikeness(file, place), default=None)


def _named_parts(named: Path, architecture: Architecture) -> Path:
    try:
        folder = (named.parent / str(json.loads(named.read_text(encoding="utf-8"))["parts"])).resolve()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{named.name} does not name a folder of parts.", technical=str(error)) from error
    found = architecture_of(folder)
    if found != architecture:
        what = f"is {found}" if found else "is no base"
        raise InvalidInput(
            f"{named.name} names {folder.name}, which {what}; {named.stem} is {architecture}.",
            title="The parts are those of another base",
            action="Name a folder with the same architecture.",
        )
    return folder


def _bases_in(folder: Path) -> list[Path]:
    return [child for child in sorted(folder.iterdir()) if child.is_dir() and index_of(child) is not None]


def _unlikeness(file: Path, folder: Path) -> tuple[bool, bool]:
    """Order folders: one called like the file first; distilled ones last, since most files one trains on are not."""
    base = describe_base(folder)
    plain = [re.sub(r"[^a-z0-9]", "", text.lower()) for text in (file.stem, base.name)]
    return plain[0] != plain[1], base.training != "yes"


def _fingerprint(file: Path, parts: str) -> str:
    """Name the content: size, beginning and end of the file, and the other parts."""
    size = file.stat().st_size
    digest = hashlib.sha256(f"{parts} {size}".encode())
    with file.open("rb") as weights:
        digest.update(weights.read(65_536))
        weights.seek(max(0, size - 65_536))
        digest.update(weights.read())
    return digest.hexdigest()[:16]
