"""What a run is told while it lives, and what comes after it: sample and save now, waiting, extending, restarting."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fluxtune.engine import memory
from fluxtune.engine.__main__ import train
from fluxtune.engine.config import Recipe
from fluxtune.engine.runfolder import RunFolder
from tests.engine import tiny
from tests.engine.steering import adapter_of, ask, at_step

MakeRun = Callable[..., Path]


def of_type(run: Path, type_: str) -> list[dict[str, Any]]:
    return [event["data"] for event in tiny.events_of(run) if event["type"] == type_]


def change_run(run: Path, **changes: Any) -> None:
    """Change settings (those of the recipe, too) in run.json."""
    config = json.loads((run / "run.json").read_text())
    for name, value in changes.items():
        (config if name in config else config["recipe"])[name] = value
    (run / "run.json").write_text(json.dumps(config))


def test_samples_and_checkpoints_come_when_asked_for_and_change_nothing(
    finished_runs: dict[Path, Path], flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(flux2)

    def wish() -> None:
        ask(run, "sample")
        ask(run, "save")

    at_step(4, wish, monkeypatch)
    assert train(RunFolder(run)) == 0
    assert [data["step"] for data in of_type(run, "run.sampled")] == [0, 3, 5, 6]
    assert [data["step"] for data in of_type(run, "run.checkpointed")] == [2, 4, 5, 6]
    assert os.listdir(run / "control") == []
    assert adapter_of(run) == adapter_of(finished_runs[flux2])


def when_paused(run: Path, action: Callable[[], None]) -> threading.Thread:
    """Do something as soon as a run says that it is paused."""

    def watch() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if (run / "events.jsonl").is_file() and '"run.paused"' in (run / "events.jsonl").read_text():
                action()
                return
            time.sleep(0.02)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_a_paused_run_keeps_its_model_and_goes_on(
    finished_runs: dict[Path, Path], flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUXTUNE_PAUSE_SECONDS", "60")
    monkeypatch.setattr("fluxtune.engine.reporter.HEARTBEAT_SECONDS", 0.02)
    run = make_run(flux2)
    at_step(2, lambda: ask(run, "pause"), monkeypatch)

    def resume() -> None:
        assert json.loads((run / "checkpoints" / "step-000003" / "state.json").read_text())["step"] == 3
        time.sleep(0.3)
        ask(run, "resume")

    watcher = when_paused(run, resume)
    assert train(RunFolder(run)) == 0
    watcher.join()
    types = [event["type"] for event in tiny.events_of(run)]
    assert types.count("run.started") == 1
    paused = types.index("run.paused")
    assert types[paused + 1] == "run.resumed"  # and not a heartbeat in between
    assert of_type(run, "run.paused") == [{"step": 3, "reason": "user", "is_loaded": True}]
    assert of_type(run, "run.resumed") == [{"step": 3}]
    assert adapter_of(run) == adapter_of(finished_runs[flux2])
    assert os.listdir(run / "control") == []


@pytest.mark.parametrize("ending", ["leave", "time", "signal"])
def test_a_waiting_run_leaves_without_another_word_and_can_be_resumed(
    finished_runs: dict[Path, Path], flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setenv("FLUXTUNE_PAUSE_SECONDS", "0.3" if ending == "time" else "60")
    run = make_run(flux2)
    at_step(2, lambda: ask(run, "pause"), monkeypatch)
    if ending == "leave":
        when_paused(run, lambda: ask(run, "leave"))
    elif ending == "signal":
        when_paused(run, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert train(RunFolder(run)) == 0
    assert tiny.types_of(run)[-1] == "run.paused"
    assert train(RunFolder(run)) == 0
    assert adapter_of(run) == adapter_of(finished_runs[flux2])


@pytest.mark.parametrize(("control", "end"), [("stop", "run.succeeded"), ("cancel", "run.cancelled")])
def test_a_waiting_run_can_be_ended(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, control: str, end: str
) -> None:
    monkeypatch.setenv("FLUXTUNE_PAUSE_SECONDS", "60")
    run = make_run(flux2)
    at_step(2, lambda: ask(run, "pause"), monkeypatch)
    when_paused(run, lambda: ask(run, control))
    assert train(RunFolder(run)) == 0
    assert tiny.types_of(run)[-1] == end
    assert (run / "adapter.safetensors").is_file() == (control == "stop")
    assert os.listdir(run / "control") == []


def test_a_resumed_run_keeps_to_what_auto_meant(
    finished_runs: dict[Path, Path], flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With less memory free than before, the plan would compute activations twice, and round otherwise."""
    run = make_run(flux2)
    with monkeypatch.context() as patch:
        at_step(2, lambda: ask(run, "pause"), patch)
        assert train(RunFolder(run)) == 0
    original, asked = memory.resolve, []

    def resolve(recipe: Recipe, *others: Any) -> Any:
        asked.append(recipe.gradient_checkpointing)
        plan = original(recipe, *others)
        return replace(plan, gradient_checkpointing=recipe.gradient_checkpointing == "auto")

    monkeypatch.setattr("fluxtune.engine.workbench.resolve", resolve)
    assert train(RunFolder(run)) == 0
    assert asked == ["off"]
    assert adapter_of(run) == adapter_of(finished_runs[flux2])


def test_a_finished_run_is_extended_exactly(flux2: Path, make_run: MakeRun) -> None:
    long, short = make_run(flux2, steps=10, sample_every=0), make_run(flux2, steps=6, sample_every=0)
    for run in (long, short):
        assert train(RunFolder(run)) == 0
    change_run(short, steps=10)
    assert train(RunFolder(short)) == 0  # the result of fewer steps does not count
    assert [data["resumed_from"] for data in of_type(short, "run.started")] == [None, 6]
    assert json.loads((short / "result.json").read_text())["steps"] == 10
    assert len(of_type(short, "run.progressed")) == 10
    assert (long / "checkpoints/step-000010/weights.safetensors").exists() is False
    assert weights_of(short) == weights_of(long)


def weights_of(run: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return {name: tensor.tolist() for name, tensor in load_file(run / "adapter.safetensors").items()}


def restart(parent: Path, run: Path, step: int, **changes: Any) -> Path:
    """Begin `run` from a checkpoint of `parent`, as the studio does."""
    name = f"step-{step:06d}"
    shutil.copytree(parent / "checkpoints" / name, run / "checkpoints" / name)
    config = json.loads((run / "run.json").read_text()) | {"id": "child", "started_from": f"run@{step}"}
    (run / "run.json").write_text(json.dumps(config))
    change_run(run, **changes)
    return run


def test_a_run_begins_where_another_was(finished_runs: dict[Path, Path], flux2: Path, make_run: MakeRun) -> None:
    parent = finished_runs[flux2]
    run = restart(parent, make_run(flux2, sample_every=0), 4)
    assert train(RunFolder(run)) == 0
    assert weights_of(run) == weights_of(parent)
    result = json.loads((run / "result.json").read_text())
    assert result["step"] == 6
    assert of_type(run, "run.logged") == []
    assert of_type(run, "run.started")[0]["resumed_from"] == 4


def test_what_does_not_fit_is_left_out_and_said(
    finished_runs: dict[Path, Path], flux2: Path, make_run: MakeRun
) -> None:
    pytest.importorskip("prodigyopt")
    run = restart(finished_runs[flux2], make_run(flux2, sample_every=0), 4, optimizer="prodigy", learning_rate=1.0)
    file = run / "snapshot" / "snapshot.json"
    file.write_text(file.read_text().replace("s" * 64, "t" * 64))  # other images, too
    assert train(RunFolder(run)) == 0
    assert [data["message"] for data in of_type(run, "run.logged")] == [
        "The checkpoint is of other settings; not taken over: the optimizer's state."
    ]


def test_other_weights_than_the_parents_are_refused(
    finished_runs: dict[Path, Path], flux2: Path, make_run: MakeRun
) -> None:
    run = restart(finished_runs[flux2], make_run(flux2, sample_every=0), 4, rank=8)
    assert train(RunFolder(run)) == 1
    assert "another base or recipe" in of_type(run, "run.failed")[0]["error"]["detail"]
