"""How well a GPU is used: `python -m benchmarks.gpu [--diffusers-script …/train_dreambooth_lora_flux2_klein.py]`.

Trains a LoRA of rank 32 on a base of FLUX.2 klein 4B's shape with random weights, at 1024 px in bf16, in batches of 1
and 4, and prints one table: images a second, peak memory, and which part of the device's own matrix multiplications
that is (measured in the same run). With the path of diffusers' script, that runs beside ours, on the same layers and
images.

FLOPs of the model: those of the forward pass, counted by torch on the shape alone, twice: forward, and back to the
activations. Frozen weights need no gradient; the adapter's own, about 2 %, are left out, as is whatever is computed
again. The text encoder is cut to four layers: texts are encoded before the first step. `--tiny` does the same with a
base of a few thousand weights, on anything.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.train import SAMPLES
from fluxtune.engine.bases import shipped_bases
from fluxtune.engine.runtime import ENVIRONMENT


@dataclass(frozen=True)
class Shape:
    """What is trained. The text encoder has `text_layers`, of which three are read side by side."""

    layers: int
    single_layers: int
    heads: int
    head_width: int
    text_width: int
    text_heads: int
    text_tokens: int
    latent_channels: int
    vae_channels: tuple[int, ...]
    side: int
    rank: int
    precision: str
    matrix: int
    """Side of the matrices that the ceiling is measured with."""


KLEIN_4B = Shape(
    5, 20, 24, 128, text_width=2560, text_heads=20, text_tokens=512, latent_channels=32,
    vae_channels=(128, 256, 512, 512), side=1024, rank=32, precision="bf16", matrix=8192,
)  # fmt: skip
TINY = Shape(
    1, 2, 2, 16, text_width=16, text_heads=2, text_tokens=16, latent_channels=4, vae_channels=(4, 4, 8, 8), side=64,
    rank=4, precision="fp32", matrix=256,
)  # fmt: skip
CEILING_ROUNDS, CEILING_REPEATS = 5, 10
Row = tuple[str, int, float, float, int, float]
"""Who, batch, seconds a step, images a second, peak memory in bytes, share of the ceiling."""


def main() -> None:
    """Make the base, train with both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--diffusers-script", type=Path)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--our", action="append", default=[], metavar="NAME=VALUE", help="e.g. compile='\"on\"'")
    parser.add_argument("--tiny", action="store_true", help="a base of a few thousand weights, on any device")
    parser.add_argument("--scratch", type=Path, help="where the base goes (8 GB); a temporary folder if none")
    options = parser.parse_args()
    shape = TINY if options.tiny else KLEIN_4B
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        print("\n".join(lines_of(shape, *measure(shape, options, Path(scratch)))))


def measure(shape: Shape, options: argparse.Namespace, scratch: Path) -> tuple[str, float, float, list[Row]]:
    """Return the device's name, its ceiling and the model's FLOPs an image (both in FLOP), and the rows."""
    base, images = make_base(shape, scratch / "base"), make_images(scratch / "images", shape.side)
    name, ceiling = device_ceiling(shape)
    flops = flops_per_image(base, shape)
    rows: list[Row] = []
    for batch in options.batches:
        for who in ["fluxtune", *(["diffusers"] if options.diffusers_script else [])]:
            measured = train(who, shape, options, batch, base, images)
            seconds = statistics.median(measured["seconds"])
            rate = batch / seconds
            rows.append((who, batch, seconds, rate, measured["peak_memory_bytes"], rate * flops / ceiling))
    return name, ceiling, flops, rows


def lines_of(shape: Shape, device: str, ceiling: float, flops: float, rows: list[Row]) -> list[str]:
    """Return the table."""
    lines = [
        f"{device}: {ceiling / 1e12:.1f} TFLOP/s in multiplying matrices of {shape.matrix} ({shape.precision})",
        f"{shape.side} px, rank {shape.rank}, {shape.precision}: {flops / 1e12:.3g} TFLOP an image",
        "             batch   s/step   images/s   peak memory   of the ceiling",
    ]
    for who, batch, seconds, rate, memory, share in rows:
        lines.append(f"{who:10} {batch:7} {seconds:8.3f} {rate:10.2f} {memory / 2**30:9.1f} GiB {share:15.1%}")
    return lines


def train(who: str, shape: Shape, options: argparse.Namespace, batch: int, base: Path, images: Path) -> dict[str, Any]:
    """Train in a process of its own; return the seconds of its steps and its peak memory."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            sys.executable, "-m", "benchmarks.train_vs_diffusers", "--child", who, "--scratch", scratch,
            "--diffusers-script", str(options.diffusers_script), "--base", str(base), "--images", str(images),
            "--steps", str(options.steps), "--batch", str(batch), "--rank", str(shape.rank),
            "--resolution", str(shape.side), "--precision", shape.precision,
            *(part for one in options.our for part in ("--our", one)),
        ]  # fmt: skip
        done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False)
        result = Path(scratch) / "measured.json"
        if not result.is_file():
            raise SystemExit(f"{who} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        measured: dict[str, Any] = json.loads(result.read_text())
        return measured


def make_base(shape: Shape, folder: Path) -> Path:
    """Write a FLUX.2 klein base with random weights; its tokenizer is pocket's."""
    import diffusers
    import torch
    import transformers

    library, texts = cast_any(diffusers), cast_any(transformers)
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind = torch.bfloat16 if shape.precision == "bf16" else torch.float32
    count = len(shape.vae_channels)
    vae = {
        "block_out_channels": shape.vae_channels, "latent_channels": shape.latent_channels,
        "layers_per_block": 2, "norm_num_groups": min(32, *shape.vae_channels) // 2, "sample_size": shape.side,
        "down_block_types": ("DownEncoderBlock2D",) * count, "up_block_types": ("UpDecoderBlock2D",) * count,
    }  # fmt: skip
    text = texts.Qwen3Config(
        vocab_size=1024, hidden_size=shape.text_width, intermediate_size=2 * shape.text_width, num_hidden_layers=4,
        num_attention_heads=shape.text_heads, num_key_value_heads=shape.text_heads,
        head_dim=shape.text_width // shape.text_heads, max_position_embeddings=1024, tie_word_embeddings=True,
    )  # fmt: skip
    with torch.device(device):
        parts = {
            "transformer": library.Flux2Transformer2DModel(**transformer_config(shape)),
            "vae": library.AutoencoderKLFlux2(**vae),
            "text_encoder": texts.Qwen3ForCausalLM(text),
        }
    tokenizer = texts.AutoTokenizer.from_pretrained(shipped_bases() / "pocket" / "tokenizer")
    library.Flux2KleinPipeline(
        scheduler=library.FlowMatchEulerDiscreteScheduler(shift=3.0),
        tokenizer=tokenizer,
        **{name: part.to(kind) for name, part in parts.items()},
    ).save_pretrained(folder)
    own = {
        "title": "klein 4B, random", "licence": "none", "default_width": shape.side, "default_height": shape.side,
        "default_steps": 4, "default_guidance": 1.0, "max_sequence_length": shape.text_tokens,
        "text_encoder_out_layers": [1, 2, 3],
    }  # fmt: skip
    (folder / "fluxtune.json").write_text(json.dumps(own))
    parts.clear()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()  # the processes that train want it
    return folder


def transformer_config(shape: Shape) -> dict[str, Any]:
    """Return the transformer's configuration, as diffusers' class takes it."""
    width = shape.head_width
    return {
        "in_channels": 4 * shape.latent_channels, "num_layers": shape.layers, "num_single_layers": shape.single_layers,
        "attention_head_dim": width, "num_attention_heads": shape.heads, "joint_attention_dim": 3 * shape.text_width,
        "axes_dims_rope": (width // 4,) * 4, "guidance_embeds": False,
    }  # fmt: skip


def make_images(folder: Path, side: int) -> Path:
    """Write the sample character's images at the size that is trained at."""
    from PIL import Image

    folder.mkdir()
    for file in sorted((SAMPLES / "character").glob("*.png")):
        with Image.open(file) as image:
            image.convert("RGB").resize((side, side)).save(folder / file.name)
        shutil.copy(file.with_suffix(".txt"), folder)
    return folder


def flops_per_image(base: Path, shape: Shape) -> float:
    """Return the model's FLOPs to train on one image, counted on shapes without numbers."""
    import diffusers
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from fluxtune.engine.flux.family import functions_of

    kind = cast_any(diffusers).Flux2Transformer2DModel
    grid = (shape.side // 16, shape.side // 16)
    family = functions_of("flux2")
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        transformer = kind.from_config(kind.load_config(base / "transformer"))
        tokens = torch.empty(1, grid[0] * grid[1], transformer.config.in_channels)
        texts = {"embeds": torch.empty(1, shape.text_tokens, transformer.config.joint_attention_dim)}
        family.predict(transformer, tokens, torch.empty(1), texts, family.position_ids(grid, shape.text_tokens, "meta"))
    return 2.0 * counter.get_total_flops()


def device_ceiling(shape: Shape) -> tuple[str, float]:
    """Return the device's name and the FLOP a second it reaches at nothing but multiplying large square matrices."""
    import torch

    is_cuda = torch.cuda.is_available()
    kind = torch.bfloat16 if shape.precision == "bf16" else torch.float32
    one, other = (torch.randn(shape.matrix, shape.matrix, device="cuda" if is_cuda else "cpu").to(kind) for _ in "ab")
    best = 0.0
    for _ in range(CEILING_ROUNDS + 1):  # the first warms up, and is never the best
        started = time.perf_counter()
        for _ in range(CEILING_REPEATS):
            one @ other
        if is_cuda:
            torch.cuda.synchronize()
        best = max(best, 2 * shape.matrix**3 * CEILING_REPEATS / (time.perf_counter() - started))
    del one, other
    if is_cuda:
        torch.cuda.empty_cache()
    return torch.cuda.get_device_name(0) if is_cuda else f"CPU, {torch.get_num_threads()} threads", best


def cast_any(library: Any) -> Any:
    """Return a library as something without types; its constructors have none."""
    return library


if __name__ == "__main__":
    main()
