"""The validation loss and the loss of each image."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.__main__ import train
from fluxtune.engine.config import Snapshot, SnapshotImage
from fluxtune.engine.data.cache import Latents
from fluxtune.engine.runfolder import RunFolder
from fluxtune.engine.validation import hold_out, split
from tests.engine import tiny
from tests.engine.steering import adapter_of, ask, at_step

MakeRun = Callable[..., Path]


def of_type(run: Path, type_: str) -> list[dict[str, Any]]:
    return [event["data"] for event in tiny.events_of(run) if event["type"] == type_]


def test_measuring_does_not_change_what_is_learned(base: Path, make_run: MakeRun) -> None:
    settings: dict[str, Any] = {"dropout": 0.3, "sample_every": 0, "caption_dropout": 0.5}
    runs = [make_run(base, validate_every=every, **settings) for every in (0, 1)]
    weights = []
    for run in runs:
        assert train(RunFolder(run)) == 0
        weights.append((run / "adapter.safetensors").read_bytes()[-1000:])
    assert weights[0] == weights[1]
    measured = of_type(runs[1], "run.validated")
    assert [data["step"] for data in measured] == [0, 1, 2, 3, 4, 5, 6]
    assert of_type(runs[0], "run.validated") == []
    first, last = measured[0], measured[-1]
    assert first["loss"] == first["base_loss"] == last["base_loss"]
    assert (first["on"], first["image_count"]) == ("training", 3)
    assert list(first["by_sigma"]) == ["0.25", "0.5", "0.75", "1"]
    assert sum(first["by_sigma"].values()) / 4 == pytest.approx(first["loss"])
    assert last["loss"] < first["loss"]  # six steps at a high learning rate on three drawings


def test_what_is_held_out_is_not_trained_on(flux2: Path, make_run: MakeRun) -> None:
    run = make_run(flux2, image_count=4, validation_images=1, validate_every=3, sample_every=0)
    assert train(RunFolder(run)) == 0
    trained = {one["index"] for data in of_type(run, "run.image_losses") for one in data["losses"]}
    measured = of_type(run, "run.validated")
    assert len(trained) == 3
    assert {(data["on"], data["image_count"]) for data in measured} == {("held-out", 1)}
    assert [data["step"] for data in measured] == [0, 3, 6]


def test_a_resumed_run_measures_the_same_and_the_base_once(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"validate_every": 2, "validation_images": 1, "sample_every": 0}
    runs = [make_run(flux2, **settings) for _ in range(2)]
    at_step(2, lambda: ask(runs[1], "pause"), monkeypatch)
    for run in (*runs, runs[1]):
        assert train(RunFolder(run)) == 0
    assert of_type(runs[0], "run.validated") == of_type(runs[1], "run.validated")
    assert adapter_of(runs[0]) == adapter_of(runs[1])


def test_the_loss_of_each_image_is_the_mean_since_the_last_checkpoint(flux2: Path, make_run: MakeRun) -> None:
    run = make_run(flux2, sample_every=0)
    assert train(RunFolder(run)) == 0
    said = of_type(run, "run.image_losses")
    assert [data["step"] for data in said] == [2, 4, 6]
    progressed = of_type(run, "run.progressed")
    for data in said:
        counts = sum(one["count"] for one in data["losses"])
        total = sum(one["loss"] * one["count"] for one in data["losses"])
        steps = [one["loss"] for one in progressed if data["step"] - 2 < one["step"] <= data["step"]]
        assert counts == 4  # two steps of two images
        assert total / counts == pytest.approx(sum(steps) / 2)


def test_images_held_out_are_spread_and_chosen_by_the_seed() -> None:
    snapshot = Snapshot(hash="", dataset_name="", images=[SnapshotImage(file="", caption="", sha256="")] * 12)
    chosen = hold_out(snapshot, 3, seed=1)
    assert {b - a for a, b in zip(sorted(chosen), sorted(chosen)[1:], strict=False)} == {4}
    assert chosen == hold_out(snapshot, 3, seed=1)
    assert len({tuple(hold_out(snapshot, 1, seed=seed)) for seed in range(20)}) > 3
    assert hold_out(snapshot, 0, seed=1) == []
    with pytest.raises(InvalidInput, match="12 images") as caught:
        hold_out(snapshot, 12, seed=1)
    assert caught.value.field == "validation_images"


def test_only_the_first_resolution_is_measured() -> None:
    images = [Latents([torch.zeros(1)], (4, side), image, side) for image in range(6) for side in (4, 8)]
    training, measured = split(images, [2])
    assert len(training) == 10
    assert [(one.image, one.resolution) for one in measured] == [(2, 4)]
    training, measured = split(images, [])
    assert len(training) == 12
    assert len({one.image for one in measured}) == 4


def test_holding_out_everything_is_refused(flux2: Path, make_run: MakeRun) -> None:
    run = make_run(flux2, validation_images=3)
    assert train(RunFolder(run)) == 1
    assert of_type(run, "run.failed")[0]["error"]["errors"][0]["field"] == "validation_images"
