"""A command line whose data folder is thrown away, and a studio without a worker to talk to."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fluxtune.api.server import Studio
from fluxtune.cli.main import run
from fluxtune.config import load_settings
from fluxtune.config.logs import set_up_logs
from tests.places import Places


@dataclass
class Result:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs commands in this process on one data folder."""

    def __init__(self, data: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.data = data
        self._capture = capture

    def __call__(self, *arguments: str | Path) -> Result:
        self._capture.readouterr()
        code = run(["--data", str(self.data), *map(str, arguments)])
        captured = self._capture.readouterr()
        return Result(code, captured.out, captured.err)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places: Places) -> Iterator[Path]:
    folder = tmp_path / "data"
    monkeypatch.setenv("FLUXTUNE_DATA", str(folder))  # commands set it for what they start; undone with the test
    with places.prepared(folder):
        yield folder


@pytest.fixture
def fluxtune(data: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(data, capsys)


@pytest.fixture
def studio(data: Path):
    """A running studio on the data folder, without a worker."""
    settings = load_settings(data)
    set_up_logs(settings, "server", console=False)
    server = Studio(settings, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"with_worker": False}, daemon=True)
    thread.start()
    while not server.server.started:
        assert thread.is_alive()
        thread.join(0.01)
    yield server
    server.stop()
    thread.join()
