"""A LoRA file recognised from its header: whose names it has, which FLUX models it can belong to, rank and alpha.

No weight is read, only the alphas (a number each).
"""

import json
import math
import struct
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.known_bases import Family
from fluxtune.engine.lora_files.keys import OTHER_METHODS, TEXT_ENCODERS, TITLES, Key, Layout, Side, layout_of, parse
from fluxtune.engine.lora_files.layers import FAMILIES, Name, names_of
from fluxtune.engine.weight_files import Header, Tensor, read_whole_header

LONGEST_HEADER = 24_000_000  # a thumbnail and the tags of a large dataset take a few megabytes
LARGEST_RANK = 4096
NUMBERS = {"F32", "F16", "BF16"}
REFUSED = "This file can't be imported"
ELSE_THAN_FLUX = (
    (("down_blocks", "up_blocks", "input_blocks", "output_blocks", "mid_block"), "Stable Diffusion 1, 2 or XL"),
    (("joint_blocks",), "Stable Diffusion 3"),
    (("blocks_#_self_attn", "blocks_#_cross_attn"), "Wan"),
    (("img_mlp_net", "txt_mlp_net"), "Qwen-Image"),
    (("individual_token_refiner", "img_attn_qkv_proj", "img_mlp_fc1"), "HunyuanVideo"),
    (("layers_",), "another kind of transformer"),
)


@dataclass(frozen=True)
class Group:
    """The tensors of one layer: their names in the file, and what the layer's name stands for."""

    name: Name
    number: int
    tensors: Mapping[Side, str]
    rank: int
    alpha: float


@dataclass(frozen=True)
class Reading:
    """A file read as one for models of a family: their width, and how many blocks they have at least."""

    family: Family
    width: int
    doubles: int
    singles: int
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class LoraFile:
    """What a file's header says."""

    path: Path
    header: Header
    layout: Layout
    readings: tuple[Reading, ...]
    notes: tuple[str, ...] = field(default=())
    """What the file has that is left out, in sentences."""

    @property
    def layout_title(self) -> str:
        """The layout's name for people."""
        return TITLES[self.layout]

    @property
    def ranks(self) -> dict[int, int]:
        """How many layers have which rank, the commonest first."""
        return dict(Counter(group.rank for group in self.readings[0].groups).most_common())

    @property
    def rank(self) -> int:
        """The commonest rank."""
        return next(iter(self.ranks))

    @property
    def scale(self) -> float | None:
        """What the product of the matrices is multiplied by (alpha / rank); None where layers differ."""
        scales = {group.alpha / group.rank for group in self.readings[0].groups}
        return scales.pop() if len(scales) == 1 else None

    @property
    def dtype(self) -> str:
        """The commonest number format, as safetensors calls it."""
        names = (group.tensors["down"] for group in self.readings[0].groups)
        return Counter(self.header.tensors[name].dtype for name in names).most_common(1)[0][0]

    @property
    def is_dora(self) -> bool:
        """Has it lengths beside the matrices (DoRA)?"""
        return any("magnitude" in group.tensors for group in self.readings[0].groups)


def recognise_lora(path: Path) -> LoraFile:
    """Recognise a LoRA file of any FLUX model.

    Raises `InvalidInput` saying what it is instead, or what is wrong with it.
    """
    name = path.name
    header = read_whole_header(path, LONGEST_HEADER)
    keys = {tensor: parse(tensor) for tensor in header.tensors if not tensor.startswith(TEXT_ENCODERS)}
    _refuse_others(header, keys, name)
    stems: dict[str, dict[Side, str]] = defaultdict(dict)
    of_stem: dict[str, Key] = {}
    for tensor, key in keys.items():
        if key is not None:
            if key.side in stems[key.stem]:
                raise _refused(name, f"has two tensors for {key.stem}.")
            stems[key.stem][key.side] = tensor
            of_stem[key.stem] = key
    for stem, sides in stems.items():
        _check_pair(stem, sides, header.tensors, name)
    problems: dict[Family, str] = {}
    resolved: dict[Family, dict[str, Name]] = {}
    for family in FAMILIES:
        found = {stem: names_of(family).get(key.layer) for stem, key in of_stem.items()}
        strange = next((stem for stem, each in found.items() if each is None), None)
        if strange is not None:
            problems[family] = f"no layer is called {strange[:120]}"
            continue
        resolved[family] = {stem: each for stem, each in found.items() if each is not None}
    alphas = _Alphas(path, header, of_stem)
    readings = []
    for family, layers in resolved.items():
        try:
            readings.append(_read_as(family, layers, of_stem, stems, header.tensors, alphas))
        except _DoesNotFit as error:
            problems[family] = str(error)
    if not readings:
        raise _fits_no_family(name, of_stem, problems)
    layout = _layout(resolved[readings[0].family], of_stem)
    return LoraFile(path, header, layout, tuple(readings), _notes(header))


def _layout(layers: Mapping[str, Name], keys: Mapping[str, Key]) -> Layout:
    """Return the layout most names follow; a few names are enough for the two that share most with others."""
    found = Counter(layout_of(key, layers[stem].is_fused_tree, layers[stem].odd_tree) for stem, key in keys.items())
    telling: tuple[Layout, ...] = ("onetrainer", "xlabs")
    return next((layout for layout in telling if layout in found), found.most_common(1)[0][0])


class _DoesNotFit(Exception):
    """The shapes are not those of a family."""


def _refuse_others(header: Header, keys: Mapping[str, Key | None], name: str) -> None:
    """Refuse what is no LoRA."""
    for tensor in header.tensors:
        for sign, method in OTHER_METHODS:
            if sign in tensor:
                raise _refused(
                    name,
                    f"is a {method} adapter; fluxtune reads LoRA and DoRA.",
                    "Ask its maker for a LoRA, or extract one with the program that made it.",
                )
        if tensor.endswith((".diff", ".diff_b")):
            raise _refused(name, f"changes {tensor[:120]} directly, which a LoRA can't.", "Get it as a plain LoRA.")
    if not any(key is not None and key.side in ("down", "up") for key in keys.values()):
        if any(tensor.startswith(TEXT_ENCODERS) for tensor in header.tensors):
            raise _refused(name, "changes the text encoder alone; fluxtune uses LoRAs of the transformer.")
        what = "has no tensors at all" if not header.tensors else "has whole weights, not the two matrices of a LoRA"
        action = "If it is a model of its own, put it into the data folder's bases." if header.tensors else None
        raise _refused(name, f"is no LoRA: it {what}.", action)
    odd = next((tensor for tensor, key in keys.items() if key is None), None)
    if odd is not None:
        raise _refused(name, f"has a tensor that is no part of a LoRA: {odd[:120]}.", "Get it as a plain LoRA.")


def _check_pair(stem: str, sides: Mapping[Side, str], tensors: Mapping[str, Tensor], name: str) -> None:
    """Both matrices must be there, of one rank and a number format that can be worked with."""
    if "down" not in sides or "up" not in sides:
        raise _refused(name, f"has only one of the two matrices of {stem[:120]}.", "Get the whole file again.")
    down, up = tensors[sides["down"]], tensors[sides["up"]]
    if len(down.shape) != 2 or len(up.shape) != 2:
        raise _refused(name, f"changes {stem[:120]}, which is no linear layer; FLUX has no others.")
    if down.shape[0] != up.shape[1] or not 1 <= down.shape[0] <= LARGEST_RANK or not all((*down.shape, *up.shape)):
        raise _refused(
            name,
            f"has matrices that can't be multiplied for {stem[:120]}: {list(up.shape)} and {list(down.shape)}.",
            "It was damaged or written by a faulty program; get it again.",
        )
    if down.dtype != up.dtype or down.dtype not in NUMBERS:
        raise _refused(
            name, f"has weights as {down.dtype}; fluxtune reads LoRAs in 16 or 32 bits.", "Get it in 16 or 32 bits."
        )
    lengths = tensors[sides["magnitude"]] if "magnitude" in sides else None
    if lengths is not None and (math.prod(lengths.shape) != up.shape[0] or lengths.dtype not in NUMBERS):
        raise _refused(
            name,
            f"is a DoRA that normalises {stem[:120]} the other way round than PEFT; it can't be converted.",
            "Ask for a plain LoRA, or train the DoRA with lengths of the outputs.",
        )


def _read_as(
    family: Family,
    layers: Mapping[str, Name],
    keys: Mapping[str, Key],
    stems: Mapping[str, Mapping[Side, str]],
    tensors: Mapping[str, Tensor],
    alphas: "_Alphas",
) -> Reading:
    """Read all tensors as a family's; raise `_DoesNotFit` where shapes contradict it."""
    widths: Counter[int] = Counter()
    counts: Counter[str] = Counter()
    groups: list[Group] = []
    taken: set[tuple[str, int, str]] = set()
    for stem, what in layers.items():
        sides, number = stems[stem], keys[stem].number
        down, up = tensors[sides["down"]], tensors[sides["up"]]
        heights = [part.out for part in what.parts]
        into = what.parts[0].into
        total = sum(height for height in heights if height is not None) if None not in heights else None
        for size, share in ((down.shape[1], into), (up.shape[0], total)):
            if share is not None:
                if size % share:
                    raise _DoesNotFit(f"{stem} has a side of {size}, which is no {share} times a width")
                widths[size // share] += 1
        for part in what.parts:
            place = (what.blocks.diffusers, number, part.name)
            if place in taken:
                raise _DoesNotFit(f"{stem} comes twice under different names")
            taken.add(place)
        if what.blocks.role != "outer":
            counts[what.blocks.role] = max(counts[what.blocks.role], number + 1)
        groups.append(Group(what, number, sides, down.shape[0], alphas.of(stem, what, number, sides, down.shape[0])))
    if len(widths) != 1:
        sizes = ", ".join(str(width) for width, _ in widths.most_common(3)) or "none"
        raise _DoesNotFit(f"its layers would belong to models of several widths ({sizes})")
    return Reading(family, next(iter(widths)), counts["double"], counts["single"], tuple(groups))


class _Alphas:
    """Finds each layer's alpha: its tensor, else PEFT's configuration in the metadata, else the rank."""

    def __init__(self, path: Path, header: Header, keys: Mapping[str, Key]) -> None:
        self._header = header
        self._name = path.name
        self._values: dict[str, float] = {}
        wanted = [name for name in header.tensors if name.endswith("alpha") and parse(name) is not None]
        if wanted:
            with path.open("rb") as file:
                self._values = {name: self._number(file, name) for name in wanted}
        self._config = _peft_config(header.metadata)

    def of(self, stem: str, what: Name, number: int, sides: Mapping[Side, str], rank: int) -> float:
        """Return a layer's alpha; the product of its matrices counts alpha / rank times."""
        if "alpha" in sides:
            return self._values[sides["alpha"]]
        if not self._config:
            return float(rank)
        prefix = f"{what.blocks.diffusers}.{number}." if what.blocks.diffusers else ""
        layer = prefix + what.parts[0].name
        alpha = self._config.get("lora_alpha", rank)
        patterns = self._config.get("alpha_pattern")
        for pattern, value in patterns.items() if isinstance(patterns, dict) else ():
            plain = str(pattern).removeprefix("^").removeprefix("transformer.").replace("\\.", ".")
            if layer == plain or layer.endswith("." + plain):
                alpha = value
                break
        if not isinstance(alpha, int | float) or isinstance(alpha, bool) or not math.isfinite(alpha) or alpha < 0:
            raise _refused(self._name, "has an alpha in its metadata that is no number.")
        return float(alpha) * (math.sqrt(rank) if self._config.get("use_rslora") is True else 1.0)

    def _number(self, file: BinaryIO, name: str) -> float:
        tensor, (begin, end) = self._header.tensors[name], self._header.places[name]
        if tensor.size != 1:
            raise _refused(self._name, f"has {name[:120]}, which should be one number.")
        file.seek(begin)
        data = file.read(end - begin)
        if tensor.dtype == "BF16":
            data, code = b"\0\0" + data, "<f"
        else:
            code = {"F16": "<e", "F32": "<f", "F64": "<d", "I64": "<q", "I32": "<i"}.get(tensor.dtype, "")
        if not code:
            raise _refused(self._name, f"has {name[:120]} as {tensor.dtype}.")
        value = float(struct.unpack(code, data)[0])
        if not math.isfinite(value) or value < 0:
            raise _refused(self._name, f"has an alpha of {value} for {name[:120]}.")
        return value


def _peft_config(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return PEFT's configuration of the transformer from what diffusers keeps in a file's metadata."""
    try:
        whole = json.loads(metadata.get("lora_adapter_metadata", "{}"))
    except (ValueError, RecursionError):
        return {}
    prefix = "transformer."
    if not isinstance(whole, dict):
        return {}
    return {name[len(prefix) :]: value for name, value in whole.items() if name.startswith(prefix)}


def _notes(header: Header) -> tuple[str, ...]:
    count = sum(1 for name in header.tensors if name.startswith(TEXT_ENCODERS))
    if not count:
        return ()
    return (f"{count} tensors for the text encoder were left out; fluxtune uses LoRAs of the transformer only.",)


def _fits_no_family(name: str, keys: Mapping[str, Key], problems: Mapping[Family, str]) -> InvalidInput:
    """Say whose LoRA it is instead, as far as its names tell."""
    for signs, whose in ELSE_THAN_FLUX:
        if any(sign in key.layer for key in keys.values() for sign in signs):
            return _refused(name, f"is a LoRA for {whose}, not for FLUX.", "Choose one made for a FLUX model.")
    titles = {"flux1": "FLUX.1", "flux2": "FLUX.2", "flux3": "FLUX.3"}
    said = "; ".join(f"of {titles[family]}: {problem}" for family, problem in problems.items())
    return InvalidInput(
        f"{name} is a LoRA that fits no FLUX model.",
        title=REFUSED,
        action="Choose one made for FLUX.1, FLUX.2 or FLUX.3.",
        technical=said,
    )


def _refused(name: str, what: str, action: str | None = None) -> InvalidInput:
    return InvalidInput(f"{name} {what}", title=REFUSED, action=action or "Choose a LoRA of a FLUX model.")
