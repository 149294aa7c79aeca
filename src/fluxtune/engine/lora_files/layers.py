"""The linear layers of FLUX transformers under the names they have in diffusers and in BFL's own code.

BFL's code keeps some layers fused (`qkv`, in FLUX.1 `linear1`) that diffusers has apart: their rows lie one under the
other, so a fused layer is a row of parts with heights. Sizes are multiples of the transformer's width; the tables
follow the checkpoint converters of `diffusers.loaders.single_file_utils`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from fluxtune.engine.known_bases import Family


@dataclass(frozen=True)
class Part:
    """One layer as diffusers has it: name inside its block, width of its input and output in model widths.

    None stands for a size that does not follow from the model's width.
    """

    name: str
    into: int | None
    out: int | None


@dataclass(frozen=True)
class Layer:
    """One layer as BFL's code has it, and the parts diffusers makes of it, top rows first."""

    name: str
    parts: tuple[Part, ...]
    is_swapped: bool = False
    """Shift and scale lie the other way round: the halves of the rows change places."""


@dataclass(frozen=True)
class Blocks:
    """One row of equal blocks: what they are called in BFL's code and in diffusers, and their layers.

    Empty names stand for what lies outside the blocks.
    """

    name: str
    diffusers: str
    layers: tuple[Layer, ...]
    role: str
    """`double`, `single` or `outer`: which count of blocks it belongs to."""


def _one(name: str, part: str, into: int | None, out: int | None) -> Layer:
    return Layer(name, (Part(part, into, out),))


def _attention(name: str, *parts: str) -> Layer:
    return Layer(name, tuple(Part(part, 1, 1) for part in parts))


def _swapped(name: str, part: str) -> Layer:
    return Layer(name, (Part(part, 1, 2),), is_swapped=True)


def _embedder(name: str, part: str) -> tuple[Layer, Layer]:
    return _one(f"{name}.in_layer", f"{part}.linear_1", None, 1), _one(f"{name}.out_layer", f"{part}.linear_2", 1, 1)


FLUX1 = (
    Blocks("double_blocks", "transformer_blocks", (
        _attention("img_attn.qkv", "attn.to_q", "attn.to_k", "attn.to_v"),
        _attention("txt_attn.qkv", "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
        _one("img_attn.proj", "attn.to_out.0", 1, 1), _one("txt_attn.proj", "attn.to_add_out", 1, 1),
        _one("img_mlp.0", "ff.net.0.proj", 1, 4), _one("img_mlp.2", "ff.net.2", 4, 1),
        _one("txt_mlp.0", "ff_context.net.0.proj", 1, 4), _one("txt_mlp.2", "ff_context.net.2", 4, 1),
        _one("img_mod.lin", "norm1.linear", 1, 6), _one("txt_mod.lin", "norm1_context.linear", 1, 6),
    ), "double"),
    Blocks("single_blocks", "single_transformer_blocks", (
        Layer("linear1", (Part("attn.to_q", 1, 1), Part("attn.to_k", 1, 1), Part("attn.to_v", 1, 1),
                          Part("proj_mlp", 1, 4))),
        _one("linear2", "proj_out", 5, 1), _one("modulation.lin", "norm.linear", 1, 3),
    ), "single"),
    Blocks("", "", (
        _one("img_in", "x_embedder", None, 1), _one("txt_in", "context_embedder", None, 1),
        *_embedder("time_in", "time_text_embed.timestep_embedder"),
        *_embedder("guidance_in", "time_text_embed.guidance_embedder"),
        *_embedder("vector_in", "time_text_embed.text_embedder"),
        _one("final_layer.linear", "proj_out", 1, None), _swapped("final_layer.adaLN_modulation.1", "norm_out.linear"),
    ), "outer"),
)  # fmt: skip
FLUX2 = (
    Blocks("double_blocks", "transformer_blocks", (
        *FLUX1[0].layers[:4],
        _one("img_mlp.0", "ff.linear_in", 1, 6), _one("img_mlp.2", "ff.linear_out", 3, 1),
        _one("txt_mlp.0", "ff_context.linear_in", 1, 6), _one("txt_mlp.2", "ff_context.linear_out", 3, 1),
    ), "double"),
    Blocks("single_blocks", "single_transformer_blocks", (
        _one("linear1", "attn.to_qkv_mlp_proj", 1, 9), _one("linear2", "attn.to_out", 4, 1),
    ), "single"),
    Blocks("", "", (
        _one("img_in", "x_embedder", None, 1), _one("txt_in", "context_embedder", None, 1),
        *_embedder("time_in", "time_guidance_embed.timestep_embedder"),
        *_embedder("guidance_in", "time_guidance_embed.guidance_embedder"),
        _one("double_stream_modulation_img.lin", "double_stream_modulation_img.linear", 1, 6),
        _one("double_stream_modulation_txt.lin", "double_stream_modulation_txt.linear", 1, 6),
        _one("single_stream_modulation.lin", "single_stream_modulation.linear", 1, 3),
        _one("final_layer.linear", "proj_out", 1, None), _swapped("final_layer.adaLN_modulation.1", "norm_out.linear"),
    ), "outer"),
)  # fmt: skip
_APART = (
    _one("q_proj", "attn.to_q", 1, 1), _one("k_proj", "attn.to_k", 1, 1), _one("v_proj", "attn.to_v", 1, 1),
    _one("attn_out", "attn.to_out.0", 1, 1), _one("mlp_in", "ff.linear_in", 1, 6),
    _one("mlp_out", "ff.linear_out", 3, 1),
)  # fmt: skip
FLUX3 = (
    Blocks("content_mode_blocks.image", "mode_blocks.image", _APART, "double"),
    Blocks("content_mode_blocks.image_cond", "mode_blocks.image_cond", _APART, "double"),
    Blocks("txt_mode_blocks", "txt_mode_blocks", _APART, "double"),
    Blocks("single_blocks", "single_transformer_blocks", _APART, "single"),
)
FAMILIES: dict[Family, tuple[Blocks, ...]] = {"flux1": FLUX1, "flux2": FLUX2, "flux3": FLUX3}


@dataclass(frozen=True)
class Name:
    """What a name in some file stands for: blocks, a fused layer, and which of its parts."""

    blocks: Blocks
    layer: Layer
    parts: tuple[Part, ...]
    is_fused_tree: bool
    """Is the name that of BFL's code (or of those who follow it), where rows may be swapped?"""
    odd_tree: bool = False
    """OneTrainer's own: BFL's names with the parts numbered."""


@cache
def names_of(family: Family) -> dict[str, Name]:
    """Return every name a layer may have, dots as underscores and the block's number as `#`."""
    found: dict[str, Name] = {}
    for blocks in FAMILIES[family]:
        for name, what in _names(blocks):
            found[name.replace(".", "_")] = what
    return found


def _names(blocks: Blocks) -> Iterator[tuple[str, Name]]:
    ours = f"{blocks.diffusers}.#." if blocks.diffusers else ""
    theirs = f"{blocks.name}.#." if blocks.name else ""
    for layer in blocks.layers:
        yield theirs + layer.name, Name(blocks, layer, layer.parts, True)
        for number, part in enumerate(layer.parts):
            yield ours + part.name, Name(blocks, layer, (part,), False)
            if len(layer.parts) > 1:
                yield f"{theirs}{layer.name}.{number}", Name(blocks, layer, (part,), True, odd_tree=True)
    if blocks.diffusers == "transformer_blocks":
        yield from _xlabs(blocks, {"proj_lora1": 2, "proj_lora2": 3, "qkv_lora1": 0, "qkv_lora2": 1})
    elif blocks.name == "single_blocks" and blocks.layers[0].name == "linear1":
        yield from _xlabs(blocks, {"proj_lora": 1, "qkv_lora": 0})
    if not blocks.name:
        first = blocks.layers[0]
        yield "img_in.proj", Name(blocks, first, first.parts, True)


def _xlabs(blocks: Blocks, names: dict[str, int]) -> Iterator[tuple[str, Name]]:
    """Yield XLabs' names; its single blocks leave the MLP's rows of `linear1` alone."""
    for name, place in names.items():
        layer = blocks.layers[place]
        yield f"{blocks.name}.#.processor.{name}", Name(blocks, layer, layer.parts[:3], True)
