"""Tiny bases, made once, and finished runs that several tests look at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fluxtune.engine.__main__ import train
from fluxtune.engine.runfolder import RunFolder
from tests.engine import tiny


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread: the tensors are tiny, and a result is exact only for one number of threads."""
    monkeypatch.setenv("FLUXTUNE_THREADS", "1")
    monkeypatch.setenv("FLUXTUNE_PAUSE_SECONDS", "0")  # a paused run ends at once, unless a test lets it wait
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def flux2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_flux2(tmp_path_factory.mktemp("bases") / "tiny-flux2")


@pytest.fixture(scope="session")
def flux1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_flux1(tmp_path_factory.mktemp("bases") / "tiny-flux1")


@pytest.fixture(scope="session")
def flux3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_flux3(tmp_path_factory.mktemp("bases") / "tiny-flux3")


@pytest.fixture(params=["flux1", "flux2", "flux3"])
def base(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Make run folders with names of their own."""
    count = 0

    def make(base: Path, **settings: Any) -> Path:
        nonlocal count
        count += 1
        return tiny.make_run(tmp_path / f"run-{count}", base, **settings)

    return make


@pytest.fixture(scope="session")
def finished_runs(flux1: Path, flux2: Path, flux3: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """Runs of six steps that nothing has disturbed, by their base."""
    runs = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLUXTUNE_THREADS", "1")
        for base in (flux1, flux2, flux3):
            runs[base] = tiny.make_run(tmp_path_factory.mktemp("finished") / "run", base)
            assert train(RunFolder(runs[base])) == 0
    return runs


@pytest.fixture
def finished(finished_runs: dict[Path, Path], base: Path) -> Path:
    """A finished run on the base of this test, to look at only."""
    return finished_runs[base]
