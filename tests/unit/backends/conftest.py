"""A backend whose engine is the fake one."""

import sys
from pathlib import Path

import pytest

from fluxtune.backends.local import children
from fluxtune.config import Settings

FAKE_ENGINE = Path(__file__).with_name("fake_engine.py")


@pytest.fixture(autouse=True)
def _fake_engine(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(children, "engine_command", lambda *words: [sys.executable, str(FAKE_ENGINE), *words])
    settings.engine.poll_seconds = 0.02
    settings.paths.create()
