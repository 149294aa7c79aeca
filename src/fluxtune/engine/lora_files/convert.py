"""LoRA files from any layout into diffusers' names, and from those into any layout that other programs read.

Every step keeps the product of the matrices: splitting a fused layer copies A and cuts B's rows; joining layers with
different A puts them corner to corner (B block by block, the rank adds up); alphas are kept where a layout has them
and multiplied into B where it has none. Splitting what was joined that way gives the same matrices back.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.known_bases import Family
from fluxtune.engine.lora_files.layers import FAMILIES, Blocks, Layer
from fluxtune.engine.lora_files.matrices import Matrix, diagonal, is_diagonal, stacked, stored, write_safetensors, zeros
from fluxtune.engine.lora_files.reading import Group, LoraFile, Reading, recognise_lora

Target = Literal["diffusers", "kohya", "bfl"]
PREFIX = "transformer."
CANT_EXPORT = "This model can't be written in that layout"


@dataclass(frozen=True)
class Change:
    """What a LoRA does to one layer: alpha / rank times up @ down, and for a DoRA the rows' lengths.

    `down` is rank x input, `up` output x rank, `lengths` output x 1.
    """

    down: Matrix
    up: Matrix
    alpha: float
    lengths: Matrix | None

    @property
    def rank(self) -> int:
        """The matrices' common side."""
        return self.down.rows

    @property
    def scale(self) -> float:
        """What the product counts."""
        return self.alpha / self.rank


Changes = dict[str, Change]
"""By the layer's name in diffusers."""


def convert(
    source: Path, target: Path, layout: Target, metadata: dict[str, str], reading: Reading | None = None
) -> None:
    """Write a LoRA file anew in a layout: the whole of it or nothing.

    `reading`: for which family, where the file fits several. `metadata` is written beside what the layout itself needs.
    Raises `InvalidInput` for what is no LoRA and for what a layout can't hold.
    """
    lora = recognise_lora(source)
    reading = reading or lora.readings[0]
    with ExitStack() as stack:
        file = stack.enter_context(source.open("rb"))
        changes = _changes(lora, reading, file)
        write = {"diffusers": _write_diffusers, "kohya": _write_kohya, "bfl": _write_bfl}[layout]
        write(changes, reading.family, reading.width, target, metadata)


def _changes(lora: LoraFile, reading: Reading, file: BinaryIO) -> Changes:
    """Return the changes of a file by diffusers' names, in the order of the names."""
    found: Changes = {}
    for group in reading.groups:
        prefix = f"{group.name.blocks.diffusers}.{group.number}." if group.name.blocks.diffusers else ""
        whole = _whole(lora, group, file)
        if group.name.is_fused_tree and group.name.layer.is_swapped:
            lengths = whole.lengths.halves_swapped() if whole.lengths else None
            whole = replace(whole, up=whole.up.halves_swapped(), lengths=lengths)
        heights = [(part.out or 0) * reading.width for part in group.name.parts]
        names = [prefix + part.name for part in group.name.parts]
        if len(names) == 1:
            found[names[0]] = whole
        else:
            found |= _split(whole, names, heights)
    return dict(sorted(found.items(), key=lambda item: _order(item[0])))


def _order(name: str) -> list[tuple[int, str]]:
    """Sort block 10 after block 9."""
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in name.split(".")]


def _whole(lora: LoraFile, group: Group, file: BinaryIO) -> Change:
    up = stored(file, lora.header, group.tensors["up"])
    lengths = group.tensors.get("magnitude")
    return Change(
        down=stored(file, lora.header, group.tensors["down"]),
        up=up,
        alpha=group.alpha,
        lengths=stored(file, lora.header, lengths, (up.rows, 1)) if lengths else None,
    )


def _split(whole: Change, names: Sequence[str], heights: Sequence[int]) -> Changes:
    """Take a fused layer's change apart. One that was joined corner to corner gives its own matrices back."""
    firsts = [sum(heights[:place]) for place in range(len(heights))]
    for places in _sharers(whole, heights, firsts):
        rank = whole.rank // len(places)
        return {
            names[place]: Change(
                down=whole.down.take_rows(turn * rank, rank),
                up=whole.up.take_rows(firsts[place], heights[place]).take_columns(turn * rank, rank),
                alpha=whole.alpha / len(places),
                lengths=whole.lengths.take_rows(firsts[place], heights[place]) if whole.lengths else None,
            )
            for turn, place in enumerate(places)
        }
    return {
        name: Change(
            down=whole.down,
            up=whole.up.take_rows(first, height),
            alpha=whole.alpha,
            lengths=whole.lengths.take_rows(first, height) if whole.lengths else None,
        )
        for name, first, height in zip(names, firsts, heights, strict=True)
    }


def _sharers(whole: Change, heights: Sequence[int], firsts: Sequence[int]) -> Iterable[list[int]]:
    """Yield the parts that have a share of the rank each, if it is so: all of them, or those that are not zero."""
    everyone = list(range(len(heights)))
    used = [place for place in everyone if any(whole.up.take_rows(firsts[place], heights[place]).read())]
    for places in (everyone, used):
        if len(places) > 1 and whole.rank % len(places) == 0:
            share = whole.rank // len(places)
            widths = [share if place in places else 0 for place in everyone]
            if used and is_diagonal(whole.up, heights, widths):
                yield places


def _write_diffusers(changes: Changes, _family: Family, _width: int, target: Path, metadata: dict[str, str]) -> None:
    tensors: dict[str, Matrix] = {}
    lists: list[str] = []
    for name, change in changes.items():
        tensors[f"{PREFIX}{name}.lora_A.weight"] = change.down
        tensors[f"{PREFIX}{name}.lora_B.weight"] = change.up
        if change.lengths is not None:
            key = f"{PREFIX}{name}.lora_magnitude_vector"
            tensors[key] = replace(change.lengths, rows=1, columns=change.lengths.rows)
            lists.append(key)
    config = {PREFIX + key: value for key, value in _peft_config(changes).items()}
    own = {"format": "pt", "lora_adapter_metadata": json.dumps(config, sort_keys=True)}
    write_safetensors(target, tensors, lists, metadata | own)


def _peft_config(changes: Changes) -> dict[str, Any]:
    """Return PEFT's configuration: the commonest rank and alpha, and by layer what differs."""
    rank = Counter(change.rank for change in changes.values()).most_common(1)[0][0]
    alpha = Counter(change.alpha for change in changes.values()).most_common(1)[0][0]
    ranks = {name: change.rank for name, change in changes.items() if change.rank != rank}
    alphas = {name: change.alpha for name, change in changes.items() if change.alpha != alpha}
    is_dora = any(change.lengths is not None for change in changes.values())
    return {
        "r": rank,
        "lora_alpha": alpha,
        "rank_pattern": ranks,
        "alpha_pattern": alphas,
        "lora_dropout": 0.0,
        "target_modules": list(changes),
        "init_lora_weights": "gaussian",
        "bias": "none",
    } | ({"use_dora": True} if is_dora else {})


def _write_kohya(changes: Changes, family: Family, width: int, target: Path, metadata: dict[str, str]) -> None:
    if family == "flux3":
        raise InvalidInput(
            "No program reads FLUX.3 LoRAs under kohya's names.", title=CANT_EXPORT, action="Choose diffusers or BFL."
        )
    tensors: dict[str, Matrix] = {}
    numbers: list[str] = []
    for name, change in _fused(changes, family, width).items():
        stem = "lora_unet_" + name.replace(".", "_")
        tensors[f"{stem}.lora_down.weight"] = change.down
        tensors[f"{stem}.lora_up.weight"] = change.up
        tensors[f"{stem}.alpha"] = _number(change.alpha)
        numbers.append(f"{stem}.alpha")
        if change.lengths is not None:
            tensors[f"{stem}.dora_scale"] = change.lengths
    alphas = {change.alpha for change in changes.values()}
    own = {"format": "pt", "ss_network_module": "networks.lora_flux"}
    own |= {"ss_network_alpha": f"{next(iter(alphas)):g}"} if len(alphas) == 1 else {}
    write_safetensors(target, tensors, numbers, metadata | own)


def _write_bfl(changes: Changes, family: Family, width: int, target: Path, metadata: dict[str, str]) -> None:
    if any(change.lengths is not None for change in changes.values()):
        raise InvalidInput(
            "It is a DoRA; programs that read BFL's names know LoRA only.",
            title=CANT_EXPORT,
            action="Choose diffusers or kohya, or finetune with the method LoRA.",
        )
    tensors: dict[str, Matrix] = {}
    for name, change in _fused(changes, family, width).items():
        tensors[f"diffusion_model.{name}.lora_A.weight"] = change.down
        tensors[f"diffusion_model.{name}.lora_B.weight"] = change.up.scaled(change.scale)
    # with alpha multiplied in, what a reader assumes without one is right: alpha is the rank
    own = {"format": "pt"}
    left_out = {"ss_network_alpha", "ss_network_dim", "fluxtune.alpha"}
    kept = {key: value for key, value in metadata.items() if key not in left_out}
    write_safetensors(target, tensors, (), kept | own)


def _number(value: float) -> Matrix:
    return Matrix("F32", 1, 1, lambda: array("f", [value]).tobytes())


def _fused(changes: Changes, family: Family, width: int) -> Changes:
    """Return the changes under BFL's names, joined where its code has one layer for several."""
    wanted: dict[str, tuple[Layer, dict[str, Change]]] = {}
    places = {
        (blocks.diffusers, part.name): (blocks, layer)
        for blocks in FAMILIES[family]
        for layer in blocks.layers
        for part in layer.parts
    }
    for name, change in changes.items():
        blocks, number, inner = _place(name, FAMILIES[family])
        layer = places[blocks.diffusers, inner][1]
        bfl = f"{blocks.name}.{number}.{layer.name}" if blocks.name else layer.name
        wanted.setdefault(bfl, (layer, {}))[1][inner] = change
    joined: Changes = {}
    for bfl, (layer, parts) in wanted.items():
        whole = _joined(layer, parts, width) if len(layer.parts) > 1 else next(iter(parts.values()))
        if layer.is_swapped:
            lengths = whole.lengths.halves_swapped() if whole.lengths else None
            whole = replace(whole, up=whole.up.halves_swapped(), lengths=lengths)
        joined[bfl] = whole
    return joined


def _place(name: str, family: Sequence[Blocks]) -> tuple[Blocks, str, str]:
    for blocks in family:
        if blocks.diffusers and name.startswith(blocks.diffusers + "."):
            number, _, inner = name[len(blocks.diffusers) + 1 :].partition(".")
            return blocks, number, inner
    return next(blocks for blocks in family if not blocks.diffusers), "", name


def _joined(layer: Layer, parts: dict[str, Change], width: int) -> Change:
    """Join the changes of a fused layer's parts; parts that are not changed become rows of zeros.

    Where all parts share A (they were fused once), so does the whole; else the matrices go corner to corner.
    """
    present = [parts[part.name] for part in layer.parts if part.name in parts]
    if len({each.down.dtype for each in present}) > 1:
        raise InvalidInput("Parts of one layer are kept in different number formats.", title=CANT_EXPORT)
    lengths = [each.lengths for each in present if each.lengths is not None]
    if lengths and len(lengths) < len(layer.parts):
        raise InvalidInput(
            f"It is a DoRA that changes only some of the layers that are one in {layer.name}.",
            title=CANT_EXPORT,
            action="Choose diffusers.",
        )
    first = present[0]
    is_shared = len(present) == len(layer.parts) and all(
        (each.rank, each.scale) == (first.rank, first.scale) and each.down.read() == first.down.read()
        for each in present[1:]
    )
    if is_shared:
        down, up, alpha = first.down, stacked([each.up for each in present]), first.alpha
    else:
        scale = max(each.scale for each in present)
        ups = [
            parts[part.name].up.scaled(_ratio(parts[part.name].scale, scale))
            if part.name in parts
            else zeros(first.up.dtype, (part.out or 0) * width, 0)
            for part in layer.parts
        ]
        down, up = stacked([each.down for each in present]), diagonal(ups)
        alpha = sum(each.alpha for each in present) if _is_even(present) else scale * down.rows
    return Change(down, up, alpha, stacked(lengths) if lengths else None)


def _is_even(changes: Sequence[Change]) -> bool:
    return len({(change.rank, change.alpha) for change in changes}) == 1


def _ratio(scale: float, common: float) -> float:
    """Return what a part's B must be multiplied by so that the whole layer's scale is right for it."""
    return scale / common if common else 1.0
