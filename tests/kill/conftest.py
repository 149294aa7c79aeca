"""A real studio for the kill tests."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxtune.engine.bases import shipped_bases
from fluxtune.engine.doctor import check_engine
from tests.kill.studio import RealStudio
from tests.places import Places


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No health check after a run: nothing here looks at it, and it takes longer than the run."""
    monkeypatch.setenv("FLUXTUNE_ENGINE__HEALTH_AFTER_RUNS", "false")


@pytest.fixture
def studio(tmp_path: Path, places: Places) -> Iterator[RealStudio]:
    """A running studio on a folder of its own."""
    if not check_engine().is_ready:
        pytest.skip("the engine is not installed")
    if not (shipped_bases() / "pocket" / "model_index.json").is_file():
        pytest.skip("the pocket base is not in this copy")
    places.prepare(tmp_path / "data")
    studio = RealStudio(tmp_path / "data")
    studio.start()
    try:
        yield studio
    finally:
        studio.stop()


@pytest.fixture
def dice() -> random.Random:
    """Random moments; the seed is printed when a test fails."""
    seed = int(time.time())
    print(f"seed of the moments: {seed}")
    return random.Random(seed)
