"""A whole check on tiny bases: every part of the report, going on after an interruption, the process around it."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from fluxtune.core.errors import NotFound
from fluxtune.engine.bases import BaseDescription, describe_base
from fluxtune.engine.config import GenerationRequest, RunConfig
from fluxtune.engine.generator import Generator
from fluxtune.engine.health.base_features import BaseEmbedder, middle_block
from fluxtune.engine.health.check import Check, locked, read_report
from fluxtune.engine.health.drawing import Drawer
from fluxtune.engine.health.plan import Plan, plan_for
from fluxtune.engine.health.process import Stopped
from fluxtune.engine.health.samples import RunSamples
from fluxtune.engine.reports import REPORT_FILE
from fluxtune.engine.runfolder import RunFolder, RunLocked
from tests.engine import tiny
from tests.engine.plain import assert_same


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    return shutil.copytree(finished, tmp_path / "run")


# what is the same for all families, and takes its time
one_family = pytest.mark.parametrize("base", ["flux2"], indirect=True)


def few_images(run: Path, config: RunConfig, base: BaseDescription) -> Plan:
    """A third of what is drawn otherwise, of every kind."""
    plan = plan_for(run, config, base)
    return dataclasses.replace(plan, prompts=plan.prompts[:2], neutral=plan.neutral[:1], strengths=(0.8, 1.0))


def quietly(*_: object) -> None:
    """Take progress."""


def test_the_report_is_whole(run: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    report = Check(run, lambda *each: seen.append(each)).run()
    assert read_report(run) == report
    assert report.is_complete
    assert report.features.source == "base"
    assert [each.step for each in report.checkpoints] == [2, 4, 6]
    for checkpoint in report.checkpoints:
        assert {"copying", "bleed"} <= checkpoint.reading.measures.keys()
        assert len(checkpoint.nearest) == len(report.prompts) * len(report.seeds)
        assert checkpoint.reasons
    assert report.sheet is not None
    rows = len(report.sheet.prompts)
    assert len(report.sheet.cells) == rows * (1 + len(report.sheet.steps) * len(report.sheet.strengths))
    for file in {cell.file for cell in report.sheet.cells} | {each.file for each in report.checkpoints[0].nearest}:
        assert (run / file).is_file()
    assert report.recommendation is not None
    assert report.recommendation.text.startswith(f"Step {report.recommendation.step} at ")
    assert report.advice
    assert report.verdict
    total = seen[-1][1]
    assert seen[-1][0] == total
    assert [each[0] for each in seen] == sorted(each[0] for each in seen)


@one_family
def test_it_goes_on_where_it_was_stopped_and_ends_with_the_same_report(run: Path, tmp_path: Path) -> None:
    whole = Check(shutil.copytree(run, tmp_path / "whole"), quietly, few_images).run()
    drawn = 0

    def until_the_second_checkpoint(done: int, total: int, what: str) -> None:
        nonlocal drawn
        drawn = done
        if what == "drawing with step 4" and done > total * 2 // 5:
            raise Stopped

    with pytest.raises(Stopped):
        Check(run, until_the_second_checkpoint, few_images).run()
    assert drawn
    half = read_report(run)
    assert half is not None
    assert not half.is_complete
    assert [each.step for each in half.checkpoints] == [2]
    images = {file: file.stat().st_mtime_ns for file in (run / "health").glob("*.png")}
    resumed = Check(run, quietly, few_images).run()
    assert all(file.stat().st_mtime_ns == at for file, at in images.items())
    ignored = {"seconds", "measured_at"}
    assert resumed.model_dump(exclude=ignored) == whole.model_dump(exclude=ignored)


@one_family
def test_what_is_measured_is_measured_again_only_for_another_adapter(run: Path) -> None:
    first = Check(run, quietly, few_images).run()
    shutil.copy(
        run / "checkpoints" / "step-000002" / "adapter.safetensors",
        run / "checkpoints" / "step-000004" / "adapter.safetensors",
    )
    shutil.rmtree(run / "checkpoints" / "step-000006")
    second = Check(run, quietly, few_images).run()
    assert [each.step for each in second.checkpoints] == [2, 4]
    assert second.checkpoints[0] == first.checkpoints[0]
    assert second.checkpoints[1].adapter_sha256 == first.checkpoints[0].adapter_sha256
    assert not list((run / "health").glob("step-000006-*"))


@one_family
def test_what_the_run_drew_itself_is_taken_where_it_is_the_same(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (run / "samples").iterdir():  # as if the disk had been quick: a sample comes after its checkpoint
        os.utime(file)
    drawn: list[str] = []
    original = Drawer._draw

    def draw(self: Drawer, request: GenerationRequest, file: Path) -> None:
        drawn.append(file.name)
        original(self, request, file)

    monkeypatch.setattr(Drawer, "_draw", draw)
    anew = shutil.copytree(run, tmp_path / "anew")
    shutil.rmtree(anew / "samples")
    Check(anew, quietly, few_images).run()
    count = len(drawn)
    drawn.clear()
    report = Check(run, quietly, few_images).run()
    taken = {file.name for file in (run / "health").glob("*.png")} - set(drawn)
    assert len(drawn) == count - 2
    assert sorted(name.split("-")[0] for name in taken) == ["base", "step"]
    for name in taken:
        assert_same((run / "health" / name).read_bytes(), (anew / "health" / name).read_bytes())
    assert report.is_complete


def made_anew(base: Path, folder: Path) -> Path:
    """As if somebody had just said how the base draws."""
    folder.mkdir()
    shutil.copyfile(base / "fluxtune.json", folder / "fluxtune.json")
    os.utime(folder / "fluxtune.json", (time.time() + 60, time.time() + 60))
    return folder


@one_family
def test_samples_of_another_adapter_base_or_kind_are_not_taken(run: Path) -> None:
    folder = RunFolder(run)
    config, base = folder.read_config(), describe_base(folder.read_config().base_path)
    for file in (run / "samples").iterdir():
        os.utime(file)

    def found(config: RunConfig = config, base: BaseDescription = base, strength: float = 1.0) -> list[bool]:
        plan = plan_for(run, config, base)
        samples = RunSamples(folder, config, base, plan)
        prompt, seed = plan.prompts[0], plan.seeds[0]
        return [samples.find(each, strength, prompt, seed) is not None for each in (None, plan.checkpoints[-1])]

    def with_settings(**settings: object) -> RunConfig:
        return config.model_copy(update={"recipe": config.recipe.model_copy(update=settings)})

    assert found() == [True, True]
    assert found(strength=0.8) == [True, False]
    assert found(with_settings(method="full")) == found(with_settings(precision="bf16")) == [False, False]
    assert found(base=base.model_copy(update={"fingerprint": "other"})) == [False, False]
    assert found(base=base.model_copy(update={"default_width": 32})) == [False, False]
    assert found(base=base.model_copy(update={"path": made_anew(base.path, run.parent / "base")})) == [False, False]
    os.utime(plan_for(run, config, base).checkpoints[-1].adapter)
    assert found() == [True, False]


def test_a_run_without_checkpoints_has_nothing_to_measure(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(NotFound, match="checkpoint"):
        Check(run, quietly)


def test_a_broken_report_is_begun_anew(run: Path) -> None:
    (run / REPORT_FILE).write_text("{")
    assert read_report(run) is None


def test_one_check_at_a_time(run: Path) -> None:
    with locked(run), pytest.raises(RunLocked), locked(run):
        pass


def test_the_judge_looks_from_the_middle_of_the_transformer(base: Path) -> None:
    description = describe_base(base)
    generator = Generator(quietly)  # type: ignore[arg-type]
    from fluxtune.engine.flux.load import load_whole_pipeline

    pipe = load_whole_pipeline(description, generator.device)
    _, place, count = middle_block(pipe.transformer)
    assert 1 <= place <= count
    embedder = BaseEmbedder(pipe, description, generator.device)
    images = [tiny.draw_image(index) for index in (0, 1, 0)]
    tokens = embedder.embed(images)
    assert tokens.shape[:2] == (3, 16)
    assert torch.equal(tokens[0], tokens[2])
    assert not torch.allclose(tokens[0], tokens[1])


def events(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_the_process_says_how_far_it_is_and_obeys_sigterm(finished_runs: dict[Path, Path], tmp_path: Path) -> None:
    run = shutil.copytree(next(iter(finished_runs.values())), tmp_path / "run")
    command = [sys.executable, "-P", "-m", "fluxtune.engine", "health", str(run), "--attached"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "drawing with" in line:
            break
    process.send_signal(signal.SIGTERM)
    said = events(process.communicate(timeout=60)[0])
    assert process.returncode == 0
    assert said[-1]["type"] == "health.cancelled"
    for step in (2, 4):  # one checkpoint to go on with is as good as three
        shutil.rmtree(run / "checkpoints" / f"step-{step:06d}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    last = events(done.stdout)[-1]
    assert last["type"] == "health.succeeded"
    report = read_report(run)
    assert report is not None
    assert report.is_complete


def test_it_ends_with_the_process_that_started_it(finished_runs: dict[Path, Path], tmp_path: Path) -> None:
    run = shutil.copytree(next(iter(finished_runs.values())), tmp_path / "run")
    program = (
        "import subprocess, sys, time; subprocess.Popen([sys.executable, '-P', '-m', 'fluxtune.engine', 'health', "
        "sys.argv[1], '--attached'], stdout=open(sys.argv[2], 'w')); time.sleep(600)"
    )
    said = tmp_path / "said"
    parent = subprocess.Popen([sys.executable, "-c", program, str(run), str(said)])
    until = time.monotonic() + 120
    while not (said.is_file() and "drawing" in said.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    while "health.cancelled" not in said.read_text():
        assert "health.succeeded" not in said.read_text()
        assert time.monotonic() < until
        time.sleep(0.05)
