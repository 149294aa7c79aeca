"""Steps a second, ours against diffusers' own script, at equal settings and with start-up left out.

    python -m benchmarks.train_vs_diffusers --diffusers-script …/train_dreambooth_lora_flux2_klein.py

Both train the same adapter layers of the same base on the same images with one caption, AdamW and cached latents and
texts. Each run is a process of its own; time is taken at every `AdamW.step`, so everything between two steps counts.
The runs alternate, and medians are compared, so that other work on the machine hits both alike. On a busy machine the
processor time of a step says more than its duration; threads that wait sleep, so it counts work only.
"""

import argparse
import itertools
import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.train import SAMPLES, SUFFIXES, write_run
from fluxtune.engine.bases import describe_base, shipped_bases
from fluxtune.engine.config import Recipe
from fluxtune.engine.runtime import ENVIRONMENT

CAPTION = "a zubo creature"
LEFT_OUT = 5  # first steps: caches warm up, memory is laid out


def main() -> None:
    """Run both in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--diffusers-script", type=Path, required=True)
    parser.add_argument("--base", type=Path, default=shipped_bases() / "pocket")
    parser.add_argument("--images", type=Path, default=SAMPLES / "character")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--resolution", type=int)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--our", action="append", default=[], metavar="NAME=VALUE", help="another setting of ours")
    parser.add_argument("--child", choices=["fluxtune", "diffusers"], help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.resolution = options.resolution or describe_base(options.base).train_resolution
    if options.child:
        run_child(options)
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Alternate the two and print medians and their ratio."""
    seconds: dict[str, list[float]] = {"fluxtune": [], "diffusers": []}
    processor: dict[str, list[float]] = {"fluxtune": [], "diffusers": []}
    memory: dict[str, int] = {}
    for _ in range(options.rounds):
        for name in seconds:
            with tempfile.TemporaryDirectory() as scratch:
                measured = start_child(name, Path(scratch))
            seconds[name] += measured["seconds"]
            processor[name] += measured["processor_seconds"]
            memory[name] = max(memory.get(name, 0), measured["peak_memory_bytes"])
    settings = f"{options.resolution} px, batch {options.batch}, rank {options.rank}, {options.precision}"
    print(f"base {options.base.name}, {settings}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {options.rounds} x {options.steps} steps each")
    print("             median s/step   fastest s/step   processor s/step   peak memory")
    for name, values in seconds.items():
        middle, work = statistics.median(values), statistics.median(processor[name])
        print(f"{name:10}   {middle:13.3f}   {min(values):14.3f}   {work:16.3f}   {memory[name] / 2**30:7.2f} GiB")
    for what, values_of in (("steps a second", seconds), ("steps a processor second", processor)):
        ratio = statistics.median(values_of["diffusers"]) / statistics.median(values_of["fluxtune"])
        print(f"fluxtune does {ratio:.2f} x the {what} of diffusers' script")


def start_child(name: str, scratch: Path) -> dict[str, Any]:
    """Run this program again as one of the two; return what it measured."""
    command = [sys.executable, "-m", "benchmarks.train_vs_diffusers", *sys.argv[1:], "--child", name]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(
        [*command, "--scratch", str(scratch)], env=environment, capture_output=True, text=True, check=False
    )
    result = scratch / "measured.json"
    if not result.is_file():
        raise SystemExit(f"{name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    measured: dict[str, Any] = json.loads(result.read_text())
    return measured


def run_child(options: argparse.Namespace) -> None:
    """Train with one of the two, note when each step ends, write the intervals."""
    import resource

    import torch

    ends: list[tuple[float, float]] = []
    original = torch.optim.AdamW.step

    def step(self: torch.optim.AdamW, *args: Any, **values: Any) -> Any:
        answer = original(self, *args, **values)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        ends.append((time.perf_counter(), time.process_time()))
        return answer

    setattr(torch.optim.AdamW, "step", step)  # noqa: B010 - mypy minds a plain assignment
    images = one_caption(options.images, options.scratch / "images")
    if options.child == "fluxtune":
        train_fluxtune(options, images)
    else:
        train_diffusers(options, images)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if torch.cuda.is_available():
        peak = torch.cuda.max_memory_reserved()
    pairs = list(itertools.pairwise(ends[LEFT_OUT:]))
    measured = {
        "seconds": [after[0] - before[0] for before, after in pairs],
        "processor_seconds": [after[1] - before[1] for before, after in pairs],
        "peak_memory_bytes": peak,
    }
    (options.scratch / "measured.json").write_text(json.dumps(measured))


def one_caption(images: Path, folder: Path) -> Path:
    """Copy the images beside one and the same caption."""
    folder.mkdir()
    for file in images.iterdir():
        if file.suffix in SUFFIXES:
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def train_fluxtune(options: argparse.Namespace, images: Path) -> None:
    """Train through the run folder, with events and heartbeat, as a user's run does."""
    from fluxtune.engine.__main__ import train
    from fluxtune.engine.runfolder import RunFolder

    own = {name: json.loads(value) for name, _, value in (one.partition("=") for one in options.our)}
    settings = {
        "steps": options.steps, "rank": options.rank, "batch_size": options.batch, "resolution": options.resolution,
        "learning_rate": 1e-4, "warmup_steps": 0, "caption_dropout": 0.0, "sample_every": 0, "checkpoint_every": 20_000,
        "precision": options.precision, "gradient_checkpointing": "off", "quantization": "none", "offload": "none",
    }  # fmt: skip
    recipe = Recipe.model_validate(settings | own)
    run = options.scratch / "run"
    write_run(run, options.base, images, recipe, CAPTION, "character")
    assert train(RunFolder(run)) == 0


def train_diffusers(options: argparse.Namespace, images: Path) -> None:
    """Run the script in this process, on the adapter layers that we train."""
    import torch
    from diffusers import Flux2Transformer2DModel

    from fluxtune.engine.flux.adapters import target_layers
    from fluxtune.engine.runtime import make_deterministic

    base = describe_base(options.base)
    transformer: Any = Flux2Transformer2DModel
    with torch.device("meta"):
        shape = transformer.from_config(transformer.load_config(options.base / "transformer"))
    layers = target_layers(shape, "all")
    make_deterministic(0)  # the same number of threads
    torch.use_deterministic_algorithms(False)
    text_layers = [str(layer) for layer in base.text_encoder_out_layers or (9, 18, 27)]
    sys.argv = [
        str(options.diffusers_script), "--pretrained_model_name_or_path", str(options.base),
        "--instance_data_dir", str(images), "--instance_prompt", CAPTION, "--output_dir", str(options.scratch / "out"),
        "--resolution", str(options.resolution), "--train_batch_size", str(options.batch),
        "--max_train_steps", str(options.steps), "--num_train_epochs", str(options.steps), "--repeats", "8",
        "--rank", str(options.rank), "--lora_alpha", str(options.rank), "--lora_layers", ",".join(layers),
        "--learning_rate", "1e-4", "--lr_scheduler", "constant", "--lr_warmup_steps", "0", "--optimizer", "adamw",
        "--max_sequence_length", str(base.max_prompt_tokens), "--text_encoder_out_layers", *text_layers,
        "--cache_latents", "--skip_final_inference", "--checkpointing_steps", "100000", "--mixed_precision",
        "no" if options.precision == "fp32" else options.precision,
        "--gradient_accumulation_steps", "1", "--seed", "42",
    ]  # fmt: skip
    runpy.run_path(str(options.diffusers_script), run_name="__main__")


if __name__ == "__main__":
    main()
