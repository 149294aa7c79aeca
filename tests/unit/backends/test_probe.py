"""A probe's process is followed to its end, however it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from fluxtune.backends.base import RunEnd
from fluxtune.backends.local.probe import ProbeRun
from fluxtune.config import Settings
from fluxtune.core.errors import OutOfMemory
from fluxtune.engine.estimate import ProbeResult
from tests.unit.backends.test_training import Wishes

RESULT = ProbeResult(
    seconds_per_step=0.5, seconds_per_step_spread=0.1, peak_memory_bytes=1, device="cpu", device_memory_bytes=2,
    checkpoint_bytes=3, load_seconds=4, cache_seconds_per_image=5, seconds_per_sample=6,
)  # fmt: skip


@pytest.fixture
def folder(settings: Settings) -> Path:
    folder = settings.paths.probe("p")
    folder.mkdir()
    return folder


def follow(settings: Settings, folder: Path, behaviour: Any, wishes: Wishes | None = None) -> RunEnd:
    (folder / "behaviour.json").write_text(json.dumps(behaviour))
    return ProbeRun(settings, folder, wishes or Wishes()).follow()


def test_what_was_measured(settings: Settings, folder: Path) -> None:
    end = follow(settings, folder, RESULT.model_dump(mode="json"))
    assert (end.state, ProbeResult.model_validate(end.data)) == ("succeeded", RESULT)
    assert follow(settings, folder, "crash").state == "succeeded", "measured once is enough"


def test_a_crash_says_what_was_printed(settings: Settings, folder: Path) -> None:
    end = follow(settings, folder, "crash")
    assert end.error is not None
    assert (end.state, end.error.type) == ("failed", "/errors/engine-crashed")
    assert "Bus error of the tests" in (end.error.technical or "")


def test_a_failure_is_its_own(settings: Settings, folder: Path) -> None:
    end = follow(settings, folder, {"error": OutOfMemory("Too much.").as_record()})
    assert end.error is not None
    assert end.error.title == "Out of memory"


def test_one_that_takes_too_long_is_ended(settings: Settings, folder: Path) -> None:
    settings.engine.probe_seconds = 0.3
    end = follow(settings, folder, "slow")
    assert end.error is not None
    assert end.error.title == "Measuring takes too long"


def test_cancelled_and_handed_back(settings: Settings, folder: Path) -> None:
    wishes = Wishes()
    wishes.wish = "cancel"
    assert follow(settings, folder, "slow", wishes).state == "cancelled"
    wishes.wish, wishes.leaving = None, True
    assert follow(settings, folder, "slow", wishes).state == "handed_back"
