"""A few real steps, measured."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.__main__ import FAILED, WRONG_USAGE, main
from fluxtune.engine.bases import describe_base
from fluxtune.engine.estimate import ProbeResult, estimate_finetune, probe_matches
from fluxtune.engine.learner import Learner
from fluxtune.engine.memory import Machine
from fluxtune.engine.probe import Stopwatch, probe
from fluxtune.engine.runfolder import RunFolder

MakeRun = Callable[..., Path]


def test_a_probe_measures_real_steps_and_leaves_nothing_else(
    base: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(base, image_count=6, batch_size=5, more_resolutions=[80], validation_images=2, validate_every=1)
    seen: list[int] = []
    original = Learner.train_step

    def train_step(self: Learner, step: int) -> tuple[float, float]:
        seen.append(len({image.image for image in self.images}))
        return original(self, step)

    monkeypatch.setattr(Learner, "train_step", train_step)
    before = sorted(path.name for path in run.iterdir())
    result = probe(RunFolder(run))
    assert seen == [4] * 5  # four images, one step that does not count and four that do
    assert sorted(path.name for path in run.iterdir()) == sorted(["probe.json", *before])
    assert ProbeResult.model_validate_json((run / "probe.json").read_bytes()) == result
    assert result.seconds_per_step > result.seconds_per_step_spread >= 0
    assert result.peak_memory_bytes > 50_000_000
    assert result.checkpoint_bytes > 10_000
    assert result.cache_seconds_per_image > 0
    assert result.load_seconds > 0
    assert result.seconds_per_sample > 0


def test_what_was_measured_is_what_the_estimate_says(flux2: Path, make_run: MakeRun) -> None:
    run = make_run(flux2, sample_every=0)
    result, recipe, base = probe(RunFolder(run)), RunFolder(run).read_config().recipe, describe_base(flux2)
    assert probe_matches(result, recipe, base)
    assert result.seconds_per_sample == 0
    longer = recipe.model_copy(update={"steps": 1000, "learning_rate": 1e-5})
    estimate = estimate_finetune(longer, base, 10, 0, Machine("cpu", 2**36, 2, 2**40), result)
    assert estimate.is_measured
    assert estimate.seconds[0] <= 1000 * result.seconds_per_step + 60
    assert not probe_matches(result, recipe.model_copy(update={"rank": 8}), base)


def test_the_process_writes_its_failure_down(flux2: Path, make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(flux2)
    (run / "snapshot" / "1.png").unlink()
    with pytest.raises(InvalidInput):
        probe(RunFolder(run))
    error = json.loads((run / "probe.json").read_text())["error"]
    assert "1.png" in error["detail"]
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "FLUXTUNE_THREADS": "1"}
    command = [sys.executable, "-m", "fluxtune.engine", "probe"]
    assert subprocess.run([*command, str(run)], env=environment, capture_output=True).returncode == FAILED
    assert (
        subprocess.run([*command, str(tmp_path / "no")], env=environment, capture_output=True).returncode == WRONG_USAGE
    )
    assert main(["probe"]) == WRONG_USAGE


def test_the_stopwatch_averages_captions_and_images_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1.0, 2.0, 3.0, 10.0, 10.5, 11.0])
    monkeypatch.setattr("fluxtune.engine.probe.time.perf_counter", lambda: next(times))
    watch = Stopwatch()
    for phase in ("caching", "caching", "caching", "loading", "caching", "caching", "caching"):
        watch.phase(phase)
    assert watch.seconds_per_item() == pytest.approx(1.0 + 0.5)
