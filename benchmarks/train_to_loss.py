"""Seconds of training to the same validation loss: our recipe against diffusers' own script at its defaults.

    python -m benchmarks.train_to_loss --diffusers-script …/train_dreambooth_lora_flux2_klein.py

Both learn from the same images with the same caption; two images are held out of both. Checkpoints of both are then
measured by the same code on the same fixed grid (`fluxtune.engine.validation`: the held-out images, noise and noise
levels), loaded as any diffusers pipeline loads an adapter. The loss to reach is the lowest that diffusers' script
reaches within its steps, unless `--target` states another. Time counts from the first step, checkpoints included. On a
busy machine the processor time says more.
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
from benchmarks.train_vs_diffusers import CAPTION, one_caption
from fluxtune.engine.bases import describe_base, shipped_bases
from fluxtune.engine.recipes import QUALITIES, recipe_for
from fluxtune.engine.runfolder import RunFolder
from fluxtune.engine.runtime import ENVIRONMENT

HELD_OUT = 2
Curve = list[tuple[int, float, float, float]]
"""(step, validation loss, seconds of training, processor seconds of training) of each checkpoint."""


def main() -> None:
    """Train both, measure all their checkpoints, print both curves and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--diffusers-script", type=Path, required=True)
    parser.add_argument("--base", type=Path, default=shipped_bases() / "pocket")
    parser.add_argument("--images", type=Path, default=SAMPLES / "character")
    parser.add_argument("--mode", default="character")
    parser.add_argument("--quality", default="draft", choices=QUALITIES)
    parser.add_argument("--our", action="append", default=[], metavar="NAME=VALUE", help="a setting of our recipe")
    parser.add_argument("--their-steps", type=int, default=500, help="500: the script's own default")
    parser.add_argument("--their", action="append", default=[], metavar="NAME=VALUE", help="another of its arguments")
    parser.add_argument("--every", type=int, default=25, help="steps between checkpoints")
    parser.add_argument("--target", type=float, help="the validation loss to reach")
    parser.add_argument("--child", choices=["fluxtune", "diffusers", "measure"], help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        {"fluxtune": train_fluxtune, "diffusers": train_diffusers, "measure": measure}[options.child](options)
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Run the three processes one after another and print what they found."""
    with tempfile.TemporaryDirectory() as scratch:
        options.scratch = Path(scratch)
        prepare_run(options)
        for child in ("fluxtune", "diffusers", "measure"):
            start_child(child, options.scratch)
        losses = json.loads((options.scratch / "losses.json").read_text())
        curves = {name: curve_of(options.scratch, name, losses[name]) for name in ("fluxtune", "diffusers")}
    print(f"base {options.base.name}, validation loss of the untouched base {losses['base']:.4f}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, curve in curves.items():
        print(f"{name:10} " + "  ".join(f"{step}: {loss:.4f} ({seconds:.0f} s)" for step, loss, seconds, _ in curve))
    target = options.target or min(loss for _, loss, *_ in curves["diffusers"])
    reached = {name: next((one for one in curve if one[1] <= target), None) for name, curve in curves.items()}
    print(f"validation loss to reach: {target:.4f}")
    for name, found in reached.items():
        says = f"step {found[0]}, {found[2]:.1f} s, {found[3]:.1f} processor s" if found else "did not reach it"
        print(f"{name:10} {says}")
    ours, theirs = reached["fluxtune"], reached["diffusers"]
    if ours and theirs:
        by_time, by_work = theirs[2] / ours[2], theirs[3] / ours[3]
        print(f"fluxtune is there {by_time:.2f} x as fast as diffusers' script ({by_work:.2f} x by processor time)")


def prepare_run(options: argparse.Namespace) -> None:
    """Write our run folder, and the images that both train on into a folder for diffusers' script."""
    from fluxtune.engine.validation import hold_out

    base = describe_base(options.base)
    images = one_caption(options.images, options.scratch / "all")
    count = len([file for file in images.iterdir() if file.suffix in SUFFIXES])
    own = {name: json.loads(value) for name, _, value in (one.partition("=") for one in options.our)}
    recipe = recipe_for(options.mode, options.quality, base, count, {
        "validation_images": HELD_OUT, "validate_every": 0, "sample_every": 0, "checkpoint_every": options.every,
        "keep_checkpoints": 50, **own,
    })  # fmt: skip
    run = options.scratch / "run"
    write_run(run, options.base, images, recipe, CAPTION, options.mode)
    snapshot = RunFolder(run).read_snapshot()
    held_out = hold_out(snapshot, HELD_OUT, recipe.seed)
    (options.scratch / "images").mkdir()
    for place, image in enumerate(snapshot.images):
        if place not in held_out:
            (options.scratch / "images" / image.file).write_bytes((images / image.file).read_bytes())


def start_child(name: str, scratch: Path) -> None:
    """Run this program again as one of its parts."""
    command = [sys.executable, "-m", "benchmarks.train_to_loss", *sys.argv[1:], "--child", name]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(
        [*command, "--scratch", str(scratch)], env=environment, capture_output=True, text=True, check=False
    )
    if not (scratch / ("losses.json" if name == "measure" else f"{name}.json")).is_file():
        raise SystemExit(f"{name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def curve_of(scratch: Path, name: str, losses: dict[str, float]) -> Curve:
    """Put a trainer's times and losses together."""
    ends: list[list[float]] = json.loads((scratch / f"{name}.json").read_text())
    usual = [statistics.median(b[clock] - a[clock] for a, b in itertools.pairwise(ends)) for clock in (0, 1)]
    spent = [[end[clock] - ends[0][clock] + usual[clock] for clock in (0, 1)] for end in ends]
    return [(int(step), loss, *spent[int(step) - 1]) for step, loss in losses.items()]  # type: ignore[misc]


def note_steps() -> list[tuple[float, float]]:
    """Note when each optimizer step ends, from now on, by the wall clock and in processor time."""
    import torch

    ends: list[tuple[float, float]] = []
    original = torch.optim.AdamW.step

    def step(self: torch.optim.AdamW, *args: Any, **values: Any) -> Any:
        answer = original(self, *args, **values)
        ends.append((time.perf_counter(), time.process_time()))
        return answer

    setattr(torch.optim.AdamW, "step", step)  # noqa: B010 - mypy minds a plain assignment
    return ends


def train_fluxtune(options: argparse.Namespace) -> None:
    """Train by our recipe through the run folder, as a user's run does."""
    from fluxtune.engine.__main__ import train

    ends = note_steps()
    assert train(RunFolder(options.scratch / "run")) == 0
    (options.scratch / "fluxtune.json").write_text(json.dumps(ends))


def train_diffusers(options: argparse.Namespace) -> None:
    """Run the script in this process with its own defaults; only what the base prescribes is given."""
    from fluxtune.engine.runtime import make_deterministic

    ends = note_steps()
    import torch

    make_deterministic(0)  # the same number of threads
    torch.use_deterministic_algorithms(False)
    base = describe_base(options.base)
    sys.argv = [
        str(options.diffusers_script), "--pretrained_model_name_or_path", str(options.base),
        "--instance_data_dir", str(options.scratch / "images"), "--instance_prompt", CAPTION,
        "--output_dir", str(options.scratch / "out"), "--resolution", str(base.train_resolution),
        "--max_train_steps", str(options.their_steps), "--num_train_epochs", str(options.their_steps),
        "--max_sequence_length", str(base.max_prompt_tokens),
        "--text_encoder_out_layers", *[str(layer) for layer in base.text_encoder_out_layers or (9, 18, 27)],
        "--cache_latents", "--skip_final_inference", "--checkpointing_steps", str(options.every),
        "--mixed_precision", "no", "--seed", "42",
    ]  # fmt: skip
    for setting in options.their:
        name, _, value = setting.partition("=")
        sys.argv += [f"--{name}", value]
    runpy.run_path(str(options.diffusers_script), run_name="__main__")
    (options.scratch / "diffusers.json").write_text(json.dumps(ends))


def measure(options: argparse.Namespace) -> None:
    """Measure every checkpoint of both on the grid of our run, and the untouched base."""
    import torch

    from fluxtune.engine.bases import require_base
    from fluxtune.engine.reporter import Reporter
    from fluxtune.engine.runfolder import EventLog
    from fluxtune.engine.runtime import choose_device, make_deterministic
    from fluxtune.engine.workbench import prepare

    make_deterministic(0)
    folder = RunFolder(options.scratch / "run")
    voice = Reporter(folder, EventLog(options.scratch / "measuring.jsonl"))
    config, snapshot = folder.read_config(), folder.read_snapshot()
    bench = prepare(config, snapshot, require_base(options.base), choose_device(), folder.path, voice)
    bench.learner.transformer.eval()
    found: dict[str, Any] = {"base": bench.validator.measure_base().loss, "fluxtune": {}, "diffusers": {}}
    files = [("fluxtune", file) for file in sorted(folder.checkpoints.glob("step-*/adapter.safetensors"))]
    theirs = (options.scratch / "out").glob("checkpoint-*/pytorch_lora_weights.safetensors")
    files += [("diffusers", file) for file in sorted(theirs, key=lambda file: int(file.parent.name.split("-")[1]))]
    for number, (name, file) in enumerate(files):
        adapter = f"a{number}"
        with torch.no_grad():
            bench.pipe.load_lora_weights(file.parent, weight_name=file.name, adapter_name=adapter)
            bench.pipe.set_adapters([adapter])
            found[name][str(int(file.parent.name.split("-")[1]))] = bench.validator.measure_as_it_is().loss
            bench.pipe.delete_adapters(adapter)
    (options.scratch / "losses.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
