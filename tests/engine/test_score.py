"""The score: what it says in cases where the answer is known."""

import shutil
from pathlib import Path

import pytest
import torch

from fluxtune.core.errors import InvalidInput, NotFound
from fluxtune.engine.score import distance, score_run
from tests.engine import tiny


def test_samples_that_are_the_training_images_reach_the_top(
    flux2: Path, finished_runs: dict[Path, Path], tmp_path: Path
) -> None:
    run = shutil.copytree(finished_runs[flux2], tmp_path / "run")
    untouched = score_run(run)
    assert untouched.step == 6
    assert untouched.sample_count == 1
    assert untouched.base_distance > 0
    shutil.copy(run / "samples" / "base-0.png", run / "samples" / "step-000006-0.png")
    assert score_run(run).gain == 0
    shutil.copy(run / "snapshot" / "1.png", run / "samples" / "step-000006-0.png")
    assert score_run(run).gain == pytest.approx(1, abs=1e-3)


def test_without_samples_there_is_nothing_to_compare(flux2: Path, tmp_path: Path) -> None:
    run = tiny.make_run(tmp_path / "run", flux2)
    with pytest.raises(NotFound):
        score_run(run)
    with pytest.raises(InvalidInput, match="trigger"):
        score_run(tiny.make_run(tmp_path / "other", flux2, sample_prompts=["b"]))


def test_the_distance_looks_for_each_token_among_the_others() -> None:
    one, other = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[0.0, 0.0]])
    assert distance(one, one) == distance(other, one) == 0
    assert distance(one, other) == 2.5
