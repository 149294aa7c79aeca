"""Names of tensors in LoRA files, taken apart: what programs put before and after a layer's name."""

import re
from dataclasses import dataclass
from typing import Literal

Side = Literal["down", "up", "alpha", "magnitude"]
Layout = Literal["diffusers", "peft", "kohya", "bfl", "xlabs", "onetrainer", "lycoris"]

TITLES: dict[Layout, str] = {
    "diffusers": "diffusers",
    "peft": "PEFT",
    "kohya": "kohya sd-scripts",
    "bfl": "BFL (ComfyUI, ai-toolkit)",
    "xlabs": "XLabs",
    "onetrainer": "OneTrainer",
    "lycoris": "LyCORIS",
}
# Longest first. What follows is a layer's name, with dots or with underscores.
PREFIXES = (
    "base_model.model.transformer.", "base_model.model.diffusion_model.", "base_model.model.",
    "model.diffusion_model.", "diffusion_model.", "transformer.",
    "lora_unet_", "lora_transformer_", "lycoris_",
)  # fmt: skip
TEXT_ENCODERS = (
    "lora_te", "text_encoder", "text_encoders.", "clip_l.", "t5.", "t5xxl.", "te1.", "te2.", "conditioner.",
    "base_model.model.text_encoder", "bundle_emb",
)  # fmt: skip
_ENDS: tuple[tuple[Side, re.Pattern[str]], ...] = (
    ("down", re.compile(r"\.(?:lora_A|lora_down|lora\.down|down)(?:\.default(?:_\d)?)?(?:\.weight)?$")),
    ("up", re.compile(r"\.(?:lora_B|lora_up|lora\.up|up)(?:\.default(?:_\d)?)?(?:\.weight)?$")),
    ("alpha", re.compile(r"\.(?:lora_)?alpha$")),
    ("magnitude", re.compile(r"\.(?:dora_scale|lora_magnitude_vector)(?:\.default(?:_\d)?)?(?:\.weight)?$")),
)
_NUMBER = re.compile(r"(?<=blocks_)(\d+)(?=_)|(?<=blocks_image_)(\d+)(?=_)|(?<=blocks_image_cond_)(\d+)(?=_)")
OTHER_METHODS = (
    ("lokr_", "LoKr"), ("hada_", "LoHa"), ("oft_", "OFT"), ("boft_", "BOFT"), ("lora_mid", "LoCon with a Tucker core"),
    ("glora", "GLoRA"), ("ia3", "IA³"), ("vera_", "VeRA"),
)  # fmt: skip


@dataclass(frozen=True)
class Key:
    """A tensor's name: the layer's with `#` for the block's number and underscores for dots, the number, the side."""

    layer: str
    number: int
    side: Side
    stem: str
    """The name without its end: tensors of one layer share it."""
    prefix: str


def parse(name: str) -> Key | None:
    """Take a tensor's name apart; None where its end is not that of a LoRA's tensor."""
    for side, end in _ENDS:
        found = end.search(name)
        if found:
            stem = name[: found.start()]
            prefix = next((prefix for prefix in PREFIXES if stem.startswith(prefix)), "")
            body = stem[len(prefix) :].replace(".", "_")
            body = body.replace("sformer_blocks_", "transformer_blocks_", 1) if body.startswith("sformer_") else body
            number = _NUMBER.search(body)
            if number is None:
                return Key(body, 0, side, stem, prefix)
            value = number.group()
            if len(value) > 4:  # no model has ten thousand blocks, and a long number is slow to read
                return None
            return Key(body[: number.start()] + "#" + body[number.end() :], int(value), side, stem, prefix)
    return None


def layout_of(key: Key, is_fused_tree: bool, odd_tree: bool) -> Layout:
    """Return whose way of naming one key follows."""
    if "_processor_" in key.layer:
        return "xlabs"
    if key.prefix == "lycoris_":
        return "lycoris"
    if key.prefix == "lora_transformer_" or odd_tree:
        return "onetrainer"
    if key.prefix == "lora_unet_":
        return "kohya"
    if key.prefix.startswith("base_model."):
        return "peft"
    return "bfl" if is_fused_tree else "diffusers"
