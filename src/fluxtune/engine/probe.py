"""A probe: a few real steps of a run, measured before anything long starts (`python -m fluxtune.engine probe DIR`).

The folder is like a run folder: `run.json` and `snapshot/`. What comes out is `probe.json`: a `ProbeResult`, or
`{"error": problem}`. Nothing that was learned is kept. The first step is not counted: it reserves memory, compiles and
chooses kernels.
"""

import contextlib
import json
import shutil
import time

import torch

from fluxtune.engine.bases import BaseDescription, require_base, require_trainable
from fluxtune.engine.config import RunConfig, Snapshot
from fluxtune.engine.data.snapshot import check_snapshot
from fluxtune.engine.estimate import ProbeResult, cost_settings
from fluxtune.engine.flux import checkpoint
from fluxtune.engine.flux.checkpoint import Progress
from fluxtune.engine.flux.sample import draw_image
from fluxtune.engine.runfolder import RunFolder, write_atomic
from fluxtune.engine.runtime import (
    Device,
    as_fluxtune_error,
    choose_device,
    machine_of,
    make_deterministic,
    peak_memory_bytes,
)
from fluxtune.engine.workbench import Workbench, prepare

RESULT_FILE = "probe.json"
MOST_IMAGES = 4
STEPS = 4
DRAWN_STEPS = 3  # of a sample; the rest is foretold from them


class Stopwatch:
    """Hears what is being prepared and remembers when; the `Voice` of a probe."""

    def __init__(self) -> None:
        self.doing = "starting"
        self._heard: list[tuple[str, float]] = []

    def phase(self, phase: str, done: int | None = None, total: int | None = None) -> None:
        """Remember that something begins."""
        self._heard.append((phase, time.perf_counter()))

    def say(self, level: str, message: str) -> None:
        """Nobody reads a probe's log."""

    def seconds_per_item(self) -> float:
        """Return what caching one image and one caption took: between the beginnings of one and the next."""
        gaps: list[list[float]] = [[]]
        for (phase, begin), (after, end) in zip(self._heard, self._heard[1:], strict=False):
            if phase == after == "caching":
                gaps[-1].append(end - begin)
            elif gaps[-1]:
                gaps.append([])
        return sum(sum(times) / len(times) for times in gaps if times)


def probe(folder: RunFolder) -> ProbeResult:
    """Measure the run of a folder and write `probe.json`; failures are written there, too, and raised."""
    watch = Stopwatch()
    target = folder.path / RESULT_FILE
    try:
        result = _measure(folder, watch)
    except Exception as error:
        problem = as_fluxtune_error(error, watch.doing)
        with contextlib.suppress(OSError):
            write_atomic(target, json.dumps({"error": problem.as_record()}).encode())
        raise problem from error
    finally:
        shutil.rmtree(folder.cache, ignore_errors=True)
        shutil.rmtree(folder.checkpoints, ignore_errors=True)
    write_atomic(target, result.model_dump_json(indent=2).encode())
    return result


def _measure(folder: RunFolder, watch: Stopwatch) -> ProbeResult:
    config, snapshot = _few_images(folder.read_config(), folder.read_snapshot())
    check_snapshot(folder.snapshot, snapshot)
    base = require_trainable(require_base(config.base_path))
    device = choose_device(config.recipe.precision)
    make_deterministic(config.recipe.seed)
    started = time.perf_counter()
    bench = prepare(config, snapshot, base, device, folder.path, watch)
    prepared = time.perf_counter() - started
    per_image = watch.seconds_per_item()
    watch.doing = "training"
    seconds = _time_steps(bench, device)
    watch.doing = "saving a checkpoint"
    bytes_of_checkpoint = _checkpoint_bytes(bench, folder)
    watch.doing = "drawing samples"
    per_sample = _seconds_per_sample(bench, base, device) if folder.read_config().recipe.sample_every else 0.0
    return ProbeResult(
        seconds_per_step=sum(seconds) / len(seconds),
        seconds_per_step_spread=(max(seconds) - min(seconds)) / 2,
        peak_memory_bytes=peak_memory_bytes(device),
        device=device.name,
        device_memory_bytes=machine_of(device).memory_bytes,
        checkpoint_bytes=bytes_of_checkpoint,
        load_seconds=max(0.0, prepared - len(snapshot.images) * per_image),
        cache_seconds_per_image=per_image,
        seconds_per_sample=per_sample,
        base_fingerprint=base.fingerprint,
        settings=cost_settings(config.recipe),
    )


def _few_images(config: RunConfig, snapshot: Snapshot) -> tuple[RunConfig, Snapshot]:
    """Keep the first images, all for training: those held out cost a step nothing."""
    recipe = config.recipe.model_copy(update={"validation_images": 0})
    few = snapshot.model_copy(update={"images": snapshot.images[:MOST_IMAGES]})
    return config.model_copy(update={"recipe": recipe}), few


def _time_steps(bench: Workbench, device: Device) -> list[float]:
    """Take one step that does not count and a few that do; return their seconds."""
    seconds = []
    for step in range(1 + STEPS):
        started = time.perf_counter()
        bench.learner.train_step(step)
        if device.is_cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def _checkpoint_bytes(bench: Workbench, folder: RunFolder) -> int:
    return checkpoint.byte_count(bench.learner.save(folder.checkpoints, Progress(step=1 + STEPS), {}))


def _seconds_per_sample(bench: Workbench, base: BaseDescription, device: Device) -> float:
    """Draw with a few steps; each step takes the same, and what is left is the beginning and the VAE."""
    recipe, learner = bench.learner.recipe, bench.learner
    steps = min(DRAWN_STEPS, base.default_steps)
    side = max(base.default_width, base.default_height) if base.is_small else recipe.resolution
    ends: list[float] = []
    started = time.perf_counter()
    with learner.as_result(), learner.in_format():
        draw_image(
            bench.pipe,
            learner.family,
            device,
            bench.texts.encoded[bench.prompts[0]],
            bench.texts.encoded[""],
            seed=recipe.sample_seed,
            width=min(base.default_width, side),
            height=min(base.default_height, side),
            steps=steps,
            guidance=base.default_guidance,
            on_step=lambda _: ends.append(time.perf_counter()),
        )
    whole = time.perf_counter() - started
    each = (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else whole
    return whole + (base.default_steps - steps) * each
