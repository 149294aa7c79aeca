"""How long a finetune takes here, phase by phase, with its memory: `python -m benchmarks.train --images FOLDER`.

FOLDER holds images with captions in .txt files of the same names; a sample concept of the package is the default.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from fluxtune.engine.bases import describe_base, shipped_bases
from fluxtune.engine.config import Recipe, RunConfig, Snapshot, SnapshotImage
from fluxtune.engine.recipes import QUALITIES, recipe_for

SAMPLES = Path(__file__).parents[1] / "src" / "fluxtune" / "datasets" / "samples"
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


def main() -> None:
    """Train once and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=shipped_bases() / "pocket")
    parser.add_argument("--images", type=Path, default=SAMPLES / "character")
    parser.add_argument("--trigger", default="zubo")
    parser.add_argument("--mode", default="character")
    parser.add_argument("--quality", default="draft", choices=QUALITIES)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the recipe")
    parser.add_argument("--keep", type=Path, help="keep the run folder here")
    options = parser.parse_args()
    settings = {name: json.loads(value) for name, _, value in (one.partition("=") for one in options.set)}
    with tempfile.TemporaryDirectory() as scratch:
        run = options.keep or Path(scratch) / "run"
        base = describe_base(options.base)
        count = len([file for file in options.images.iterdir() if file.suffix in SUFFIXES])
        recipe = recipe_for(options.mode, options.quality, base, count, settings)
        write_run(run, options.base, options.images, recipe, options.trigger, options.mode)
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "fluxtune.engine", "train", str(run)], check=True)
        report(run, time.perf_counter() - started)


def write_run(run: Path, base: Path, images: Path, recipe: Recipe, trigger: str, mode: str) -> None:
    """Write a run folder that trains on a folder of images."""
    snapshot = run / "snapshot"
    snapshot.mkdir(parents=True)
    found = []
    for file in sorted(images.iterdir()):
        if file.suffix in SUFFIXES:
            content = file.read_bytes()
            (snapshot / file.name).write_bytes(content)
            text = file.with_suffix(".txt")
            caption = text.read_text().strip() if text.is_file() else ""
            found.append(SnapshotImage(file=file.name, caption=caption, sha256=hashlib.sha256(content).hexdigest()))
    manifest = Snapshot(hash="benchmark", dataset_name=images.name, images=found)
    (snapshot / "snapshot.json").write_text(manifest.model_dump_json())
    config = RunConfig.model_validate(
        {"id": "benchmark", "name": images.name, "base": base.name, "base_path": base.resolve(), "mode": mode,
         "trigger_word": trigger, "recipe": recipe}
    )  # fmt: skip
    (run / "run.json").write_text(config.model_dump_json())


def read_events(run: Path) -> list[dict[str, Any]]:
    """Return the events of a run."""
    return [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]


def report(run: Path, seconds: float) -> None:
    """Print phases, speed, memory and files of a finished run."""
    events = read_events(run)
    result = json.loads((run / "result.json").read_text())
    times = [datetime.fromisoformat(event["at"]).timestamp() for event in events]
    spent: dict[str, float] = {}
    phase = "loading"
    for event, before, after in zip(events, times, times[1:], strict=False):
        if event["type"] == "run.phase":
            phase = event["data"]["phase"]
        spent[phase] = spent.get(phase, 0.0) + after - before
    steps = [event["data"]["seconds_per_step"] for event in events if event["type"] == "run.progressed"]
    print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")
    print(f"total            {seconds:8.1f} s")
    print(f"  starting       {seconds - sum(spent.values()):8.1f} s")
    for name, value in spent.items():
        print(f"  {name:14} {value:8.1f} s")
    print(f"steps            {result['step']:8d}")
    print(f"steps a second   {1 / result['seconds_per_step']:8.2f}   (last {1 / steps[-1]:.2f})")
    print(f"peak memory      {result['peak_memory_bytes'] / 2**30:8.2f} GiB")
    print(f"adapter          {result['adapter_bytes'] / 2**20:8.2f} MiB")
    print(f"final loss       {result['final_loss']:8.3f}")


if __name__ == "__main__":
    main()
