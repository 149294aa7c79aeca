"""A run from its folder to its adapter, and everything that can come between."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from fluxtune.core.errors import DiskFull
from fluxtune.engine import runfolder, runtime
from fluxtune.engine.__main__ import LOCKED, train
from fluxtune.engine.flux import checkpoint
from fluxtune.engine.runfolder import EventLog, RunFolder
from tests.engine import tiny
from tests.engine.steering import adapter_of, ask, at_step

MakeRun = Callable[..., Path]


def test_a_run_tells_its_whole_story(finished: Path) -> None:
    events = tiny.events_of(finished)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "run.started"
    assert events[0]["data"] == {
        "steps": 6,
        "resumed_from": None,
        "device": events[0]["data"]["device"],
        "image_count": 3,
    }
    assert events[-1]["type"] == "run.succeeded"
    assert events[-1]["data"] == {"step": 6, "adapter": "adapter.safetensors", "stopped_early": False}
    steps = [event["data"] for event in events if event["type"] == "run.progressed"]
    assert [data["step"] for data in steps] == [1, 2, 3, 4, 5, 6]
    assert all(0 < data["loss"] < 100 and data["grad_norm"] > 0 for data in steps)
    sampled = [event["data"] for event in events if event["type"] == "run.sampled"]
    assert [(data["step"], data["index"]) for data in sampled] == [(0, 0), (3, 0), (6, 0)]
    assert sampled[0]["prompt"] == "zwx a"
    assert all(Image.open(finished / data["file"]).size == (64, 64) for data in sampled)
    saved = [event["data"]["folder"] for event in events if event["type"] == "run.checkpointed"]
    assert saved == ["checkpoints/step-000002", "checkpoints/step-000004", "checkpoints/step-000006"]
    result = json.loads((finished / "result.json").read_text())
    assert result["step"] == 6
    assert result["adapter_bytes"] == len(adapter_of(finished))
    assert not (finished / "cache").exists()


def test_starting_a_finished_run_again_only_says_so(finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "again")
    assert train(RunFolder(run)) == 0
    assert tiny.types_of(run)[-2:] == ["run.succeeded", "run.succeeded"]
    assert adapter_of(run) == adapter_of(finished)


@pytest.mark.parametrize("step", [1, 2])
def test_a_paused_and_resumed_run_equals_an_uninterrupted_one(
    finished: Path, base: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    run = make_run(base)
    at_step(step, lambda: ask(run, "pause"), monkeypatch)
    assert train(RunFolder(run)) == 0
    last = tiny.events_of(run)[-1]
    assert (last["type"], last["data"]) == ("run.paused", {"step": step + 1, "reason": "user", "is_loaded": False})
    torch.manual_seed(99)  # whatever another process would have there
    assert train(RunFolder(run)) == 0
    started = [event["data"]["resumed_from"] for event in tiny.events_of(run) if event["type"] == "run.started"]
    assert started == [None, step + 1]
    assert adapter_of(run) == adapter_of(finished)
    for sample in (finished / "samples").iterdir():
        assert (run / "samples" / sample.name).read_bytes() == sample.read_bytes()


def test_dropout_flips_shapes_and_accumulation_resume_exactly(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"dropout": 0.3, "flip": True, "gradient_accumulation": 2, "caption_dropout": 0.5,
                                "schedule": "cosine", "sample_every": 0}  # fmt: skip
    runs = [make_run(flux2, **settings) for _ in range(2)]
    for run in runs:
        tiny.draw_image(2, (160, 64)).save(run / "snapshot" / "2.png")
    assert train(RunFolder(runs[0])) == 0
    at_step(3, lambda: ask(runs[1], "pause"), monkeypatch)
    assert train(RunFolder(runs[1])) == 0
    assert train(RunFolder(runs[1])) == 0
    assert adapter_of(runs[0]) == adapter_of(runs[1])


def test_a_killed_run_resumed_equals_an_uninterrupted_one(flux2: Path, make_run: MakeRun) -> None:
    """Kill -9 at any moment: here, in the middle of the steps, in another process."""
    runs = [make_run(flux2, steps=20, sample_every=0, checkpoint_every=4, keep_checkpoints=1) for _ in range(2)]
    environment = {**os.environ, "FLUXTUNE_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "fluxtune.engine", "train", str(runs[0])]
    child = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while '"run.checkpointed"' not in (events := _text(runs[0] / "events.jsonl")) or '"step":6,' not in events:
        assert child.poll() is None, child.communicate()[1]
        time.sleep(0.01)
    child.kill()
    child.communicate()
    with (runs[0] / "events.jsonl").open("a") as log:
        log.write('{"seq":99,"at":"2026-')
    (runs[0] / "checkpoints" / ".step-000099.1.part").mkdir()
    for run in runs:
        assert train(RunFolder(run)) == 0
    assert adapter_of(runs[0]) == adapter_of(runs[1])
    events_of_killed = tiny.events_of(runs[0])
    assert [event["seq"] for event in events_of_killed] == list(range(1, len(events_of_killed) + 1))
    assert os.listdir(runs[0] / "checkpoints") == ["step-000020"]


def test_stop_keeps_what_was_learned(flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(flux2)
    at_step(3, lambda: ask(run, "stop"), monkeypatch)
    assert train(RunFolder(run)) == 0
    last = tiny.events_of(run)[-1]
    assert (last["type"], last["data"]["step"], last["data"]["stopped_early"]) == ("run.succeeded", 4, True)
    assert (run / "samples" / "step-000004-0.png").is_file()
    assert json.loads((run / "result.json").read_text())["steps"] == 6
    assert os.listdir(run / "control") == []


@pytest.mark.parametrize(("control", "step"), [("cancel", 3), ("stop", None), ("cancel", None)])
def test_cancelling_ends_the_run(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, control: str, step: int | None
) -> None:
    run = make_run(flux2)
    if step is None:
        ask(run, control)
    else:
        at_step(step, lambda: ask(run, control), monkeypatch)
    assert train(RunFolder(run)) == 0
    assert tiny.types_of(run)[-1] == "run.cancelled"
    assert not (run / "adapter.safetensors").exists()
    assert os.listdir(run / "control") == []


def test_the_system_asking_to_end_saves_and_pauses(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(flux2)
    before = signal.getsignal(signal.SIGTERM)
    at_step(2, lambda: os.kill(os.getpid(), signal.SIGTERM), monkeypatch)
    assert train(RunFolder(run)) == 0
    assert signal.getsignal(signal.SIGTERM) == before
    assert tiny.events_of(run)[-1]["data"] == {"step": 3, "reason": "shutdown", "is_loaded": False}
    assert (run / "checkpoints" / "step-000003" / "state.json").is_file()


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        (ValueError("something else"), "/errors/engine-crashed"),
        (RuntimeError("another thing"), "/errors/engine-crashed"),
    ],
)
def test_failures_have_names(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, failure: Exception, problem: str
) -> None:
    run = make_run(flux2, sample_every=0)

    def fail() -> None:
        raise failure

    at_step(2, fail, monkeypatch)
    assert train(RunFolder(run)) == 1
    last = tiny.events_of(run)[-1]
    assert last["type"] == "run.failed"
    assert last["data"]["error"]["type"] == problem
    assert "training" in last["data"]["error"]["detail"]


def test_a_full_disk_pauses_and_the_run_goes_on(
    finished_runs: dict[Path, Path], flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(flux2)
    original = runfolder.write_atomic

    def write(path: Path, content: bytes) -> None:
        if "step-000004" in str(path) and path.name == "optimizer.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        original(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_atomic", write)
        assert train(RunFolder(run)) == 0
    assert tiny.events_of(run)[-1]["data"] == {"step": 2, "reason": "disk-full", "is_loaded": False}
    assert os.listdir(run / "checkpoints") == ["step-000002"]
    assert train(RunFolder(run)) == 0
    assert adapter_of(run) == adapter_of(finished_runs[flux2])


def test_a_disk_too_full_for_events_leaves_the_log_whole(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(flux2, sample_every=0)
    original = os.write
    full: list[bool] = []

    def write(file: int, content: bytes) -> int:
        if b'"step":3' in content or full:
            full.append(True)
            return original(file, content[:20])
        return original(file, content)

    monkeypatch.setattr(os, "write", write)
    assert train(RunFolder(run)) == 1
    monkeypatch.undo()
    assert tiny.events_of(run)[-1]["data"]["step"] == 2


def test_only_one_trainer_works_in_a_folder(flux2: Path, make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(flux2)
    with RunFolder(run).locked():
        assert train(RunFolder(run)) == LOCKED
    assert "Another trainer" in capsys.readouterr().err
    assert not (run / "events.jsonl").exists()


def test_a_checkpoint_of_other_images_is_not_gone_on_with(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(flux2, sample_every=0)
    at_step(3, lambda: ask(run, "pause"), monkeypatch)
    assert train(RunFolder(run)) == 0
    file = run / "snapshot" / "snapshot.json"
    file.write_text(file.read_text().replace("s" * 64, "t" * 64))
    assert train(RunFolder(run)) == 1
    assert "The dataset is not the one" in tiny.events_of(run)[-1]["data"]["error"]["detail"]


def test_a_broken_checkpoint_is_passed_over(flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(flux2, sample_every=0)
    at_step(4, lambda: ask(run, "pause"), monkeypatch)
    assert train(RunFolder(run)) == 0
    (run / "checkpoints" / "step-000005" / "optimizer.safetensors").write_bytes(b"half")
    found = checkpoint.newest_checkpoint(run / "checkpoints")
    assert found is not None
    assert found[1].step == 4


@pytest.mark.parametrize("what", ["no images", "missing image", "broken image", "no run.json", "missing base"])
def test_broken_input_is_named(flux2: Path, make_run: MakeRun, what: str) -> None:
    run = make_run(flux2, image_count=0 if what == "no images" else 2)
    if what == "missing image":
        (run / "snapshot" / "1.png").unlink()
    elif what == "broken image":
        (run / "snapshot" / "1.png").write_bytes(b"no image")
    elif what == "no run.json":
        (run / "run.json").unlink()
    elif what == "missing base":
        (run / "run.json").write_text((run / "run.json").read_text().replace(str(flux2), "/nowhere/base"))
    assert train(RunFolder(run)) == 1
    error = tiny.events_of(run)[-1]["data"]["error"]
    assert error["status"] == 422
    assert error["detail"]
    if "image" in what and what != "no images":
        assert "1.png" in error["detail"]


def test_the_loss_falls_on_one_image(base: Path, make_run: MakeRun) -> None:
    run = make_run(
        base, image_count=1, steps=24, batch_size=4, sample_every=0, checkpoint_every=100, caption_dropout=0.0
    )
    assert train(RunFolder(run)) == 0
    losses = [event["data"]["loss"] for event in tiny.events_of(run) if event["type"] == "run.progressed"]
    assert sum(losses[-6:]) < 0.8 * sum(losses[:6])


def test_computing_activations_twice_gives_the_same_losses(flux2: Path, make_run: MakeRun) -> None:
    losses = []
    for choice in ("off", "on"):
        run = make_run(flux2, steps=3, sample_every=0, gradient_checkpointing=choice)
        assert train(RunFolder(run)) == 0
        losses.append([event["data"]["loss"] for event in tiny.events_of(run) if event["type"] == "run.progressed"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_long_captions_are_told(flux2: Path, make_run: MakeRun) -> None:
    run = make_run(flux2, steps=1, sample_every=0)
    file = run / "snapshot" / "snapshot.json"
    file.write_text(file.read_text().replace("drawing 0", "a very long drawing of a very long thing"))
    assert train(RunFolder(run)) == 0
    logged = [event["data"] for event in tiny.events_of(run) if event["type"] == "run.logged"]
    assert len(logged) == 1
    assert logged[0]["level"] == "warning"
    assert "16 tokens" in logged[0]["message"]


def test_the_heart_beats_while_a_step_takes_long(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fluxtune.engine.reporter.HEARTBEAT_SECONDS", 0.02)
    run = make_run(flux2, steps=2, sample_every=0)
    at_step(1, lambda: time.sleep(0.3), monkeypatch)
    assert train(RunFolder(run)) == 0
    assert sum(event["type"] == "run.heartbeat" for event in tiny.events_of(run)) >= 5


def test_disk_full_is_recognised_when_a_library_says_it() -> None:
    problem = runtime.as_fluxtune_error(RuntimeError("I/O error: No space left on device (os error 28)"), "saving")
    assert isinstance(problem, DiskFull)


def test_the_event_log_goes_on_after_a_cut_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.write("run.logged", level="info", message="one")
    log.write("run.sampled", step=0, index=1, prompt="", file="", seed=1)
    log.close()
    whole = path.read_bytes()
    for cut in range(1, 60, 7):
        path.write_bytes(whole + whole[:cut])
        log = EventLog(path)
        assert log.sampled == {(0, 1)}
        log.write("run.heartbeat")
        log.close()
        assert [event["seq"] for event in tiny.events_of(tmp_path)] == [1, 2, 3]


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
