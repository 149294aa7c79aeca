"""Backups of a studio of one computer, whatever the other tests run on: what is copied is a file each."""

import os
import shutil
from pathlib import Path

import pytest

from fluxtune.config import Settings, load_settings


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power is cut here, and whatever else the computer writes would be waited for."""
    monkeypatch.setattr(os, "sync", lambda: None)


@pytest.fixture
def settings(tmp_path: Path, migrated_database: Path) -> Settings:
    """Settings of a studio on a data folder of its own, with SQLite and files."""
    settings = load_settings(tmp_path / "data")
    settings.paths.create()
    shutil.copy(migrated_database, settings.paths.database)
    return settings
