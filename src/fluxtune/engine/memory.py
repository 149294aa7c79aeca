"""The memory plan: what a recipe needs on a machine, and what its `auto` settings become there. No torch here.

One function, `resolve`, decides for estimate, probe and trainer alike, so that what was promised is what is done.
The model: weights (by their number format), what the adapter and its optimizer keep, and activations. Those of one
block are proportional to tokens x width; how many times that is saved for the backward pass was taken from published
peaks of LoRA training at 1024 px in bf16 (engine guide): 8.9 B in 26 GiB and 6 B in 21.3 GiB without gradient
checkpointing, 17.7 and 12.9 GiB with it. Hence the ranges. A probe on this machine replaces them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Literal, Protocol

from fluxtune.core.errors import InvalidInput, OutOfMemory
from fluxtune.engine.config import Recipe

GIB = 2**30

Range = tuple[float, float]
Quantization = Literal["none", "int8", "fp8"]
Placement = Literal["whole", "parts", "blocks"]

SAVED_PER_BLOCK: Range = (7.0, 20.0)  # tokens x width, of each block, without checkpointing
SAVED_CHECKPOINTED: Range = (1.0, 1.5)  # of each block; besides, one block is recomputed at a time
RECOMPUTED: Range = (20.0, 40.0)
TEXT_TOKENS = 512  # what a caption is padded to, at most
OVERHEAD: Range = (0.8 * GIB, 1.8 * GIB)  # CUDA's own, cuBLAS workspaces, fragments
DECODING: Range = (1.2 * GIB, 3.0 * GIB)  # VAE on one picture of 1024 px
QUANTIZED_SHARE = 0.95  # of the transformer's weights lie in linear layers of blocks; 0.995 in FLUX.1 (counted)
BLOCKS_AT_HAND = 3  # with offload: the one that computes, the one that comes, the one that goes
TEXT_SHARE_AT_HAND = 0.15  # of a text encoder whose layers come from main memory: word embeddings, one layer
# Of the device's memory; the rest belongs to the desktop, other programs and fragments.
USABLE = 0.94
# pocket: 0.5 GiB at its peak (benchmarks/train.py)
SMALL_MEMORY: Range = (0.4 * GIB, 0.7 * GIB)
PIXELS_OF_SMALL = 128 * 128
COMPILE_FROM_STEPS = 400  # compiling takes a minute or two, and saves a tenth or two of each step


class Size(Protocol):
    """What a plan wants to know of a base: described from its folder, or known though absent."""

    @property
    def is_small(self) -> bool: ...  # noqa: D102 - as in `BaseDescription`
    @property
    def transformer_parameters(self) -> float: ...  # noqa: D102
    @property
    def text_encoder_parameters(self) -> float: ...  # noqa: D102
    @property
    def block_count(self) -> int: ...  # noqa: D102
    @property
    def hidden_size(self) -> int: ...  # noqa: D102
    @property
    def max_prompt_tokens(self) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class Machine:
    """What a plan is for."""

    device: Literal["cpu", "cuda", "mps"]
    memory_bytes: int  # of the device: GPU memory, else what is available of the computer's
    core_count: int
    free_disk_bytes: int
    can_fp8: bool = False
    can_quantize: bool = False


@dataclass(frozen=True)
class ResolvedDevice:
    """What the settings of the group Device mean on a machine; `reasons` says why, by the setting's name."""

    precision: Literal["fp32", "bf16"]
    gradient_checkpointing: bool
    quantization: Quantization
    offload: bool
    compile: bool
    memory_bytes: Range
    fits: bool
    reasons: dict[str, str]

    def __str__(self) -> str:
        chosen = {
            "precision": self.precision,
            "gradient_checkpointing": f"gradient checkpointing {'on' if self.gradient_checkpointing else 'off'}",
            "quantization": f"{self.quantization if self.quantization != 'none' else 'unquantised'} weights",
            "offload": "blocks in main memory" if self.offload else "all on the device",
            "compile": "compiled" if self.compile else "not compiled",
        }
        low, high = (part / GIB for part in self.memory_bytes)
        settings = ", ".join(f"{text} ({self.reasons[name]})" for name, text in chosen.items())
        return f"For this device: {settings}; about {low:.0f}–{high:.0f} GB of memory."


def can_quantize() -> bool:
    """Is torchao installed? Looks without importing it."""
    return find_spec("torchao") is not None


def resolve(recipe: Recipe, base: Size, machine: Machine) -> ResolvedDevice:
    """Return what `auto` means here: the quickest settings whose memory fits, else those that need the least.

    What the recipe says outright stays as it is. Tried in turn, from quick to slow: nothing, gradient checkpointing,
    8-bit weights, blocks offloaded to main memory. Raises `InvalidInput` for settings that contradict each other.
    """
    _check(recipe)
    precision, why = _precision(recipe, machine)
    tried: list[ResolvedDevice] = []
    for choice in _choices(recipe, base, machine):
        needs = training_memory(recipe, base, machine, precision, *choice)
        checkpointing, quantization, offload = choice
        tried.append(
            ResolvedDevice(
                precision=precision,
                gradient_checkpointing=checkpointing,
                quantization=quantization,
                offload=offload,
                compile=_compiles(recipe, base, machine, is_fetched=offload or quantization != "none"),
                memory_bytes=needs,
                fits=needs[1] <= USABLE * machine.memory_bytes,
                reasons={},
            )
        )
        if tried[-1].fits:
            break
    chosen = tried[-1] if tried[-1].fits else min(tried, key=lambda one: (one.memory_bytes[1], tried.index(one)))
    return replace(chosen, reasons={"precision": why} | _reasons(recipe, chosen, machine))


def require_room(plan: ResolvedDevice, base: Size, machine: Machine) -> None:
    """Raise `OutOfMemory` when even the low end of what a run needs is more than the machine has.

    Said before anything is loaded: a processor's memory that runs out takes other programs along.
    """
    needed = plan.memory_bytes[0]
    if base.is_small or needed <= machine.memory_bytes:
        return
    where = "of GPU memory" if machine.device == "cuda" else "of memory"
    raise OutOfMemory(
        f"This run needs at least {needed / GIB:.1f} GB {where}; {machine.memory_bytes / GIB:.1f} GB is there.",
        action="Choose a smaller base or resolution, or turn on gradient checkpointing, 8-bit weights or offload.",
    )


def settled(recipe: Recipe, plan: ResolvedDevice) -> Recipe:
    """Return the recipe with a plan's answers in place of `auto`."""
    return recipe.model_copy(
        update={
            "precision": plan.precision,
            "gradient_checkpointing": "on" if plan.gradient_checkpointing else "off",
            "quantization": plan.quantization,
            "offload": "blocks" if plan.offload else "none",
            "compile": "on" if plan.compile else "off",
        }
    )


def training_memory(
    recipe: Recipe,
    base: Size,
    machine: Machine,
    precision: str,
    checkpointing: bool,
    quantization: Quantization,
    offload: bool,
) -> Range:
    """Return the peak of a run in bytes: encoding captions, training and sampling come one after the other."""
    if base.is_small:
        pixels = max(recipe.resolution, *recipe.more_resolutions, 0) ** 2 / PIXELS_OF_SMALL
        activations = 0.02 * GIB * recipe.batch_size * pixels
        return SMALL_MEMORY[0] + activations, SMALL_MEMORY[1] + 2 * activations
    width = 4 if precision == "fp32" else 2
    weights = _weights(base, width, quantization, offload)
    trained = _trained(recipe, base)
    activations_low, activations_high = _activations(recipe, base, width, checkpointing)
    text = _text_encoder(base, width, machine)
    low = max(weights + trained + max(activations_low, DECODING[0]), text) + OVERHEAD[0]
    high = max(weights + trained + max(activations_high, DECODING[1]), 1.05 * text) + OVERHEAD[1]
    return low, high


def encodes_from_main_memory(base: Size, width: int, device_bytes: int) -> bool:
    """Is the text encoder too large for the device, so that its layers come from main memory one by one?"""
    return base.text_encoder_parameters * width + OVERHEAD[1] > USABLE * device_bytes


def generating_memory(base: Size) -> Range:
    """Return what drawing one picture of 1024 px needs in bytes: layer after layer, and with everything loaded."""
    if base.is_small:
        return SMALL_MEMORY
    transformer, text = 2 * base.transformer_parameters, 2 * base.text_encoder_parameters
    return TEXT_SHARE_AT_HAND * (transformer + text) + OVERHEAD[0] + DECODING[0], transformer + text + OVERHEAD[
        1
    ] + DECODING[1]


def generation_plan(base: Size, device: str, free_bytes: int) -> Placement | None:
    """Return how a base is kept for drawing, or None when there is no room for it at all.

    `whole`: everything on the device. `parts`: text encoder, transformer and VAE come to the device in turn. `blocks`:
    their layers stay in main memory, and each comes when it is used. A processor has only its own memory: `whole`.
    """
    if base.is_small:
        return "whole"
    if not device.startswith("cuda"):
        weights = 4 * (base.transformer_parameters + base.text_encoder_parameters)
        return "whole" if weights + DECODING[1] <= free_bytes else None
    transformer, text = 2 * base.transformer_parameters, 2 * base.text_encoder_parameters
    work = OVERHEAD[1] + DECODING[1]
    if transformer + text + work <= free_bytes:
        return "whole"
    if max(transformer, text) + work <= free_bytes:
        return "parts"
    at_hand = TEXT_SHARE_AT_HAND * (transformer + text)
    return "blocks" if at_hand + work <= free_bytes else None


def adapter_parameters(recipe: Recipe, base: Size) -> float:
    """Estimate how many numbers an adapter has: rank times the widths of the adapted layers.

    From two measured points: klein 4B (3072 wide) has 24.1 M at rank 16; they grow with the 0.7th power of the
    transformer's size, and attention alone is about a third of all.
    """
    share = 1.0 if recipe.target_layers == "all" else 0.35
    if base.is_small:
        return float(recipe.rank * share * 0.025e6 * (base.transformer_parameters / 3.2e6) ** 0.5)
    return float(recipe.rank / 16 * share * 24.1e6 * (base.transformer_parameters / 3.9e9) ** 0.7)


def _text_encoder(base: Size, width: int, machine: Machine) -> float:
    """Bytes the text encoder takes while captions are encoded."""
    full = base.text_encoder_parameters * width
    is_moved = machine.device == "cuda" and encodes_from_main_memory(base, width, machine.memory_bytes)
    return full * TEXT_SHARE_AT_HAND if is_moved else full


def _weights(base: Size, width: int, quantization: Quantization, offload: bool) -> float:
    """Bytes of the frozen transformer that stay on the device."""
    full = base.transformer_parameters * width
    if quantization != "none":
        full = base.transformer_parameters * (QUANTIZED_SHARE * 1.02 + (1 - QUANTIZED_SHARE) * width)
    if offload:
        return full * min(1.0, 0.05 + BLOCKS_AT_HAND / max(1, base.block_count))
    return full


def _trained(recipe: Recipe, base: Size) -> float:
    """Bytes of what is trained: the weights themselves in 32 bits, their gradient, and the optimizer's moments."""
    moments = {"adamw": 8, "adamw8bit": 2.1, "prodigy": 16}[recipe.optimizer]
    if recipe.method == "full":
        return base.transformer_parameters * (2 + moments)  # gradients; the weights themselves are counted already
    return adapter_parameters(recipe, base) * (8 + moments + (4 if recipe.ema_decay else 0))


def _activations(recipe: Recipe, base: Size, width: int, checkpointing: bool) -> Range:
    side = max(recipe.resolution, *recipe.more_resolutions, 0)
    tokens = (side / 16) ** 2 + min(base.max_prompt_tokens, TEXT_TOKENS)
    one = tokens * recipe.batch_size * base.hidden_size * width
    if not checkpointing:
        return one * base.block_count * SAVED_PER_BLOCK[0], one * base.block_count * SAVED_PER_BLOCK[1]
    return (
        one * (base.block_count * SAVED_CHECKPOINTED[0] + RECOMPUTED[0]),
        one * (base.block_count * SAVED_CHECKPOINTED[1] + RECOMPUTED[1]),
    )


def _check(recipe: Recipe) -> None:
    if recipe.method != "full":
        return
    for field, value, free in (
        ("quantization", recipe.quantization, ("auto", "none")),
        ("offload", recipe.offload, ("auto", "none")),
    ):
        if value not in free:
            raise InvalidInput(
                f"A full finetune trains the base's own weights, so {field} can't be {value}.",
                title="The recipe contradicts itself",
                action=f"Set {field} to none, or the method to lora.",
                field=field,
            )


def _precision(recipe: Recipe, machine: Machine) -> tuple[Literal["fp32", "bf16"], str]:
    if recipe.precision != "auto":
        return recipe.precision, "as the recipe says"
    if machine.device == "cuda":
        return "bf16", "GPUs compute quickest in 16 bits, and bf16 has the range of 32"
    return "fp32", "processors compute bf16 many times slower than 32 bits"


def _choices(recipe: Recipe, base: Size, machine: Machine) -> Iterator[tuple[bool, Quantization, bool]]:
    """Yield (checkpointing, quantization, offload) from quick to slow, as far as the recipe leaves them open."""
    is_gpu = machine.device == "cuda" and not base.is_small
    options: dict[str, tuple[bool, ...]] = {"on": (True,), "off": (False,), "auto": (False, True)}
    checkpointing = options[recipe.gradient_checkpointing]
    quantization: tuple[Quantization, ...] = ("none",) if recipe.quantization == "auto" else (recipe.quantization,)
    if recipe.quantization == "auto" and is_gpu and machine.can_quantize and recipe.method != "full":
        quantization = ("none", "int8")
    offload: tuple[bool, ...] = (recipe.offload == "blocks",) if recipe.offload != "auto" else (False,)
    if recipe.offload == "auto" and is_gpu and recipe.method != "full":
        offload = (False, True)
    if base.is_small:
        checkpointing = checkpointing[:1]
    for moved in offload:
        for bits in quantization:
            # where weights are made small or moved, activations are made small first
            wanted = checkpointing[-1:] if (bits != quantization[0] or moved != offload[0]) else checkpointing
            for again in wanted:
                yield again, bits, moved


def _compiles(recipe: Recipe, base: Size, machine: Machine, is_fetched: bool) -> bool:
    """Compile where it pays: one shape, many steps, and weights that lie there as they are (see `flux/frozen.py`)."""
    if recipe.compile != "auto":
        return recipe.compile == "on"
    pays = not recipe.more_resolutions and recipe.steps >= COMPILE_FROM_STEPS
    return machine.device == "cuda" and not base.is_small and not is_fetched and pays


def _reasons(recipe: Recipe, chosen: ResolvedDevice, machine: Machine) -> dict[str, str]:
    """Say why each setting is what it is."""
    room = f"{machine.memory_bytes / GIB:.0f} GB"
    said = "as the recipe says"
    fits_as_is = f"it fits {room} without" if chosen.fits else "it would not help enough"
    reasons = {
        "gradient_checkpointing": f"activations would not fit {room} otherwise"
        if chosen.gradient_checkpointing
        else fits_as_is,
        "quantization": f"16-bit weights would not fit {room}" if chosen.quantization != "none" else fits_as_is,
        "offload": f"8-bit weights would not fit {room} either" if chosen.offload else fits_as_is,
        "compile": "long enough for the minutes it takes at the start" if chosen.compile else "no gain here",
    }
    if recipe.quantization == "auto" and chosen.quantization == "none" and not machine.can_quantize:
        reasons["quantization"] = "torchao is not installed"
    return {name: reason if getattr(recipe, name) == "auto" else said for name, reason in reasons.items()}
