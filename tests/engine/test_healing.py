"""Runs that help themselves when memory runs out or the loss stops being a number."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fluxtune.core.errors import DeviceLost
from fluxtune.engine import learner
from fluxtune.engine.__main__ import train
from fluxtune.engine.config import Recipe
from fluxtune.engine.flux import loss
from fluxtune.engine.healing import Healer
from fluxtune.engine.runfolder import EventLog, RunFolder
from fluxtune.engine.trainer import Trainer
from tests.engine import tiny
from tests.engine.steering import adapter_of, ask, at_step

MakeRun = Callable[..., Path]


def of_type(run: Path, type_: str) -> list[dict[str, Any]]:
    return [event["data"] for event in tiny.events_of(run) if event["type"] == type_]


def failing(failure: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise failure

    return fail


@pytest.mark.parametrize(
    "failure",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_steps_down_and_goes_on_from_the_checkpoint(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    run = make_run(flux2, sample_every=0)
    at_step(3, failing(failure), monkeypatch, times=2)
    assert train(RunFolder(run)) == 0
    healed = of_type(run, "run.healed")
    assert [(one["step"], one["trouble"], one["goes_on_from"]) for one in healed] == [(3, "out-of-memory", 2)] * 2
    assert [one["changes"] for one in healed] == [
        {"gradient_checkpointing": ["off", "on"]},
        {"batch_size": [2, 1], "gradient_accumulation": [1, 2]},
    ]
    assert "training" in healed[0]["message"]
    assert "Gradient checkpointing off → on" in healed[0]["message"]
    assert [one["step"] for one in of_type(run, "run.progressed")] == [1, 2, 3, 3, 3, 4, 5, 6]
    assert len(of_type(run, "run.started")) == 1
    assert json.loads((run / "healed.json").read_text())["changes"]["batch_size"] == 1
    assert json.loads((run / "result.json").read_text())["step"] == 6


def test_healing_ends_with_what_to_change(flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(flux2, sample_every=0)
    at_step(1, failing(MemoryError()), monkeypatch, times=9)
    assert train(RunFolder(run)) == 1
    assert len(of_type(run, "run.healed")) == 2  # on a CPU there are no more rungs
    assert {one["goes_on_from"] for one in of_type(run, "run.healed")} == {0}
    error = of_type(run, "run.failed")[0]["error"]
    assert error["type"] == "/errors/out-of-memory"
    assert "resolution (now 64 px)" in error["action"]


def spoil(monkeypatch: pytest.MonkeyPatch, numbers: set[int]) -> None:
    """Make the loss of these batches (counted over the whole test) no number."""
    original, count = loss.velocity_losses, 0

    def velocity_losses(*args: Any) -> torch.Tensor:
        nonlocal count
        count += 1
        return original(*args) * (float("nan") if count in numbers else 1.0)

    monkeypatch.setattr(learner, "velocity_losses", velocity_losses)


def test_a_loss_that_is_no_number_halves_the_learning_rate(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(flux2, sample_every=0)
    spoil(monkeypatch, {4})
    assert train(RunFolder(run)) == 0
    (healed,) = of_type(run, "run.healed")
    assert (healed["trouble"], healed["goes_on_from"]) == ("loss-not-finite", 2)
    assert healed["changes"] == {"learning_rate": [0.01, 0.005]}
    assert "step 4" in healed["message"]
    assert [one["learning_rate"] for one in of_type(run, "run.progressed")] == [0.005, 0.01, 0.01, *[0.005] * 4]


def test_after_three_tries_it_fails(flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(flux2, sample_every=0)
    spoil(monkeypatch, set(range(3, 99)))
    assert train(RunFolder(run)) == 1
    assert [one["changes"]["learning_rate"][1] for one in of_type(run, "run.healed")] == [0.005, 0.0025, 0.00125]
    error = of_type(run, "run.failed")[0]["error"]
    assert error["type"] == "/errors/loss-not-finite"
    assert "step 3" in error["detail"]
    assert "learning rate" in error["action"]
    assert (run / "checkpoints" / "step-000002").is_dir()


def test_a_healed_run_resumes_exactly(flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [make_run(flux2, sample_every=0) for _ in range(2)]
    with monkeypatch.context() as patch:
        at_step(1, failing(MemoryError()), patch, times=2)
        assert train(RunFolder(runs[0])) == 0
    with monkeypatch.context() as patch:
        at_step(1, failing(MemoryError()), patch, times=2)
        at_step(3, lambda: ask(runs[1], "pause"), patch)
        assert train(RunFolder(runs[1])) == 0
    assert train(RunFolder(runs[1])) == 0
    assert adapter_of(runs[0]) == adapter_of(runs[1])


def ladder(tmp_path: Path, recipe: Recipe, doing: str, device: str) -> list[dict[str, Any]]:
    healer, taken = Healer(RunFolder(tmp_path), recipe), []
    while changes := healer.heal("out-of-memory", doing, device):
        taken.append({name: after for name, (_, after) in changes.items()})
    return taken


def test_the_ladder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxtune.engine.healing.find_spec", lambda name: object())
    on_gpu = ladder(tmp_path, Recipe(), "training", "cuda")
    assert on_gpu == [{"gradient_checkpointing": "on"}, {"quantization": "int8"}, {"offload": "blocks"}]
    (tmp_path / "healed.json").unlink()
    three = ladder(tmp_path, Recipe(batch_size=3, gradient_checkpointing="on"), "training", "cpu")
    assert three == [{"batch_size": 1, "gradient_accumulation": 3}]
    (tmp_path / "healed.json").unlink()
    assert ladder(tmp_path, Recipe(batch_size=4), "loading the base", "cuda") == [
        {"quantization": "int8"}, {"offload": "blocks"},
    ]  # fmt: skip
    (tmp_path / "healed.json").unlink()
    assert ladder(tmp_path, Recipe(batch_size=4), "encoding the captions", "cuda") == []
    assert ladder(tmp_path, Recipe(method="full"), "loading the base", "cuda") == []


def test_a_broken_record_of_healing_is_named(flux2: Path, make_run: MakeRun) -> None:
    run = make_run(flux2)
    (run / "healed.json").write_text('{"changes": {"learning_rate": -1}}')
    assert train(RunFolder(run)) == 1
    assert "healed.json" in of_type(run, "run.failed")[0]["error"]["detail"]


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("CUDA error: device-side assert triggered"),
        torch.AcceleratorError("CUDA error: the launch timed out and was terminated"),
        RuntimeError("Found no NVIDIA driver on your system."),
    ],
)
def test_a_lost_device_ends_the_run_clearly_and_it_resumes(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    run = make_run(flux2, sample_every=0)
    with monkeypatch.context() as patch:
        at_step(3, failing(failure), patch)
        assert train(RunFolder(run)) == 1
    assert not of_type(run, "run.healed")
    (failed,) = of_type(run, "run.failed")
    assert failed["error"]["type"] == "/errors/device-lost"
    assert "while training" in failed["error"]["detail"]
    assert "resume the run" in failed["error"]["action"]
    assert str(failure) in failed["error"]["technical"]
    assert (run / "checkpoints" / "step-000002").is_dir()
    assert train(RunFolder(run)) == 0
    assert of_type(run, "run.started")[-1]["resumed_from"] == 2
    undisturbed = make_run(flux2, sample_every=0)
    assert train(RunFolder(undisturbed)) == 0
    assert adapter_of(run) == adapter_of(undisturbed)


def test_a_large_base_does_not_go_on_without_its_gpu(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(flux2, sample_every=0)
    at_step(3, lambda: ask(run, "pause"), monkeypatch)
    assert train(RunFolder(run)) == 0
    for file in (run / "checkpoints").glob("*/state.json"):
        file.write_text(file.read_text().replace('"device": "cpu"', '"device": "cuda"'))
    log = EventLog(run / "events.jsonl")
    trainer = Trainer(RunFolder(run), log)
    trainer.base = trainer.base.model_copy(update={"is_small": False})
    with pytest.raises(DeviceLost, match="begun on a GPU"):
        trainer.run()
    log.close()
    assert of_type(run, "run.failed")[0]["error"]["type"] == "/errors/device-lost"
