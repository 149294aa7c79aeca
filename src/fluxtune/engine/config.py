"""What the engine is told: the recipe and the run. No torch here."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fluxtune.core.parameters import parameter

Mode = Literal["character", "product", "style", "general"]
Resolution = Annotated[int, Field(ge=64, le=2048, multiple_of=16)]


class Recipe(BaseModel):
    """Every setting of a finetune, complete: the same recipe, snapshot and base give the same adapter."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["lora", "dora", "full"] = parameter(
        "lora",
        "Method",
        "LoRA trains small matrices beside the base. DoRA also trains how strong each direction is: a little better "
        "at low rank, slower. Full trains the weights of the blocks themselves and extracts an adapter from what has "
        "changed; it needs several times the memory.",
        level="expert",
        group="Adapter",
    )
    steps: int = parameter(
        300,
        "Steps",
        "How many times the adapter is improved.",
        level="more",
        group="Training",
        unit="steps",
        ge=1,
        le=20_000,
    )
    learning_rate: float = parameter(
        1e-3,
        "Learning rate",
        "How large each improvement is. Too high becomes unstable, too low learns little.",
        level="more",
        group="Training",
        gt=0,
        le=1.0,
    )
    rank: int = parameter(
        16,
        "Rank",
        "How much the adapter can hold. Higher learns finer detail and makes a larger file.",
        level="more",
        group="Adapter",
        ge=1,
        le=256,
    )
    alpha: float | None = parameter(
        None,
        "Alpha",
        "Scale of the adapter; empty means equal to the rank.",
        level="expert",
        group="Adapter",
        gt=0,
        le=1024,
    )
    target_layers: Literal["all", "attention"] = parameter(
        "all", "Layers", "Which layers of the transformer get adapter weights.", level="expert", group="Adapter"
    )
    dropout: float = parameter(
        0.0,
        "Adapter dropout",
        "Share of adapter inputs dropped at random while training.",
        level="expert",
        group="Adapter",
        ge=0,
        lt=1,
    )
    optimizer: Literal["adamw", "adamw8bit", "prodigy"] = parameter(
        "adamw",
        "Optimizer",
        "AdamW; AdamW with 8-bit state, which saves memory where the adapter is large; or Prodigy, which finds the "
        "learning rate itself (set it to 1).",
        level="expert",
        group="Training",
    )
    resolution: int = parameter(
        512,
        "Resolution",
        "Images are trained at about this many pixels squared, in their own shape.",
        level="more",
        group="Images",
        unit="px",
        ge=64,
        le=2048,
        multiple_of=16,
    )
    more_resolutions: list[Resolution] = parameter(
        [],
        "More resolutions",
        "Every image is also trained at these resolutions, as far as it is large enough: the adapter then works at "
        "several sizes.",
        level="expert",
        group="Images",
        unit="px",
        max_length=4,
    )
    batch_size: int = parameter(
        1,
        "Batch size",
        "Images looked at together in each step.",
        level="more",
        group="Training",
        unit="images",
        ge=1,
        le=64,
    )
    gradient_accumulation: int = parameter(
        1,
        "Gradient accumulation",
        "Batches added up before each step, to imitate a larger batch.",
        level="expert",
        group="Training",
        ge=1,
        le=64,
    )
    caption_dropout: float = parameter(
        0.05,
        "Caption dropout",
        "Share of captions left empty, so that the concept does not depend on wording.",
        level="expert",
        group="Captions",
        ge=0,
        le=1,
    )
    timestep_sampling: Literal["auto", "uniform", "logit_normal"] = parameter(
        "auto",
        "Noise levels",
        "Which noise levels are practised. Auto: as the base was trained.",
        level="expert",
        group="Training",
    )
    timestep_shift: float | None = parameter(
        None,
        "Shift of noise levels",
        "Above 1 practises more noise (composition), below 1 less (detail). Empty: as the base wants.",
        level="expert",
        group="Training",
        gt=0,
        le=100,
    )
    preservation: float = parameter(
        0.0,
        "Preservation",
        "Weight of a second goal: without the trigger word the base's images stay as they are. Keeps the concept from "
        "leaking into other prompts, and makes it slower to learn; each step takes a third longer, or twice as long at "
        "batch size 1.",
        level="more",
        group="Captions",
        ge=0,
        le=10,
    )
    ema_decay: float = parameter(
        0.0,
        "Averaging (EMA)",
        "The result is a running average of the adapter; 0.99 averages over about 100 steps, 0 is off.",
        level="expert",
        group="Training",
        ge=0,
        lt=1,
    )
    validation_images: int = parameter(
        0,
        "Images held out",
        "So many images are not trained on, but used to measure the validation loss. With 0 it is measured on training "
        "images, and says less.",
        level="expert",
        group="Samples",
        unit="images",
        ge=0,
        le=64,
    )
    validate_every: int = parameter(
        0,
        "Validate every",
        "The validation loss (fixed images, noise and noise levels) is measured at these steps; 0 means never.",
        level="expert",
        group="Samples",
        unit="steps",
        ge=0,
        le=20_000,
    )
    flip: bool = parameter(
        False,
        "Mirror images",
        "Also train on mirrored images. Off for lettering and lopsided subjects.",
        level="more",
        group="Images",
    )
    warmup_steps: int = parameter(
        10,
        "Warm-up",
        "Steps in which the learning rate rises from zero.",
        level="expert",
        group="Training",
        unit="steps",
        ge=0,
        le=5_000,
    )
    schedule: Literal["constant", "linear", "cosine"] = parameter(
        "constant", "Schedule", "How the learning rate moves after the warm-up.", level="expert", group="Training"
    )
    weight_decay: float = parameter(
        0.01,
        "Weight decay",
        "Pull of the adapter weights towards zero (AdamW).",
        level="expert",
        group="Training",
        ge=0,
        le=1,
    )
    max_grad_norm: float = parameter(
        1.0,
        "Gradient clipping",
        "Gradients longer than this are shortened to it.",
        level="expert",
        group="Training",
        gt=0,
        le=1000,
    )
    precision: Literal["auto", "fp32", "bf16"] = parameter(
        "auto",
        "Precision",
        "Number format of the frozen base; auto takes what the device does well.",
        level="expert",
        group="Device",
    )
    gradient_checkpointing: Literal["auto", "on", "off"] = parameter(
        "auto", "Gradient checkpointing", "Saves memory by computing activations twice.", level="expert", group="Device"
    )
    quantization: Literal["auto", "none", "int8", "fp8"] = parameter(
        "auto",
        "Quantisation of the base",
        "Keeps the frozen base in 8 bits to save memory. Slower than 16 bits where those fit, so auto uses it only "
        "where they do not.",
        level="expert",
        group="Device",
    )
    offload: Literal["auto", "none", "blocks"] = parameter(
        "auto",
        "Offload",
        "Keeps the base's blocks in the computer's memory and brings each to the GPU when its turn comes. Saves the "
        "most memory and costs the most time; auto uses it only where nothing else fits.",
        level="expert",
        group="Device",
    )
    compile: Literal["auto", "on", "off"] = parameter(
        "auto",
        "Compile",
        "Compiles the transformer's blocks (torch.compile): minutes at the start, faster steps after. Auto: on a GPU, "
        "for runs long enough to gain from it.",
        level="expert",
        group="Device",
    )
    sample_every: int = parameter(
        100,
        "Sample every",
        "Images are drawn with the unfinished adapter at these steps; 0 means never.",
        level="more",
        group="Samples",
        unit="steps",
        ge=0,
        le=20_000,
    )
    sample_prompts: list[str] = parameter(
        [],
        "Sample prompts",
        "What to draw at each of these steps; [trigger] stands for the trigger word. "
        "Empty: prompts that suit the mode.",
        level="more",
        group="Samples",
        max_length=8,
    )
    sample_seed: int = parameter(
        7,
        "Sample seed",
        "The same for all samples, so that they can be compared.",
        level="expert",
        group="Samples",
        ge=0,
        le=2**32 - 1,
    )
    checkpoint_every: int = parameter(
        100,
        "Checkpoint every",
        "How often the run is saved so that nothing is lost.",
        level="expert",
        group="Samples",
        unit="steps",
        ge=1,
        le=20_000,
    )
    keep_checkpoints: int = parameter(
        4, "Checkpoints kept", "Older ones are removed.", level="expert", group="Samples", ge=1, le=50
    )
    seed: int = parameter(
        42,
        "Seed",
        "The same seed, recipe and images give the same result.",
        level="more",
        group="Training",
        ge=0,
        le=2**32 - 1,
    )


def preserved_count(batch_size: int) -> int:
    """Return how many images of a batch stand for it where the base is to be preserved: one in four, at least one."""
    return -(-batch_size // 4)


class SnapshotImage(BaseModel):
    """One training image of a snapshot: a file beside the manifest, and its caption as written by the user.

    It is seen `repeats` times in each pass over the dataset.
    """

    file: str
    caption: str
    sha256: str
    repeats: int = Field(1, ge=1)


class Snapshot(BaseModel):
    """The frozen content of a dataset: `snapshot/snapshot.json` in a run folder."""

    hash: str
    dataset_name: str
    images: list[SnapshotImage]


class RunConfig(BaseModel):
    """`run.json` of a run folder: all the engine needs to know to train."""

    id: str
    name: str
    base: str
    base_path: Path
    mode: Mode
    trigger_word: str
    recipe: Recipe
    started_from: str | None = None
    """The run and step whose checkpoint this run began with, as "ID@STEP"; its folder was copied into checkpoints/."""


class GenerationRequest(BaseModel):
    """One request to the resident generator; images are written to `out_dir` as `{index}.png`."""

    id: str
    base: str
    base_path: Path
    adapter_path: Path | None = None
    finetune_strength: float = 1.0
    prompt: str
    seeds: list[int]
    width: int
    height: int
    steps: int
    guidance: float
    out_dir: Path
