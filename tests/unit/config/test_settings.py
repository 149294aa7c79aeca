"""Settings come from arguments, the environment and one file, in this order; nothing is read or made before."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from fluxtune.config import Paths, load_settings


def test_environment_wins_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fluxtune.toml").write_text('[server]\nport = 1111\nallowed_hosts = ["box"]\n[engine]\nmax_tries = 7\n')
    monkeypatch.setenv("FLUXTUNE_SERVER__PORT", "2222")
    settings = load_settings(tmp_path)
    assert (settings.server.port, settings.server.allowed_hosts, settings.engine.max_tries) == (2222, ["box"], 7)


def test_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUXTUNE_DATA", str(tmp_path / "from-environment"))
    assert load_settings().data == tmp_path / "from-environment"
    assert load_settings(tmp_path / "given").data == tmp_path / "given"


def test_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "else.toml"
    file.write_text("[server]\nport = 3333\n")
    monkeypatch.setenv("FLUXTUNE_CONFIG", str(file))
    assert load_settings(tmp_path).server.port == 3333


def test_nonsense_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUXTUNE_SERVER__PORT", "99999")
    with pytest.raises(ValidationError):
        load_settings(tmp_path)


def test_settings_touch_nothing(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "new")
    assert settings.is_local
    assert not (tmp_path / "new").exists()


def test_data_is_the_owners_alone(tmp_path: Path) -> None:
    Paths(tmp_path / "new").create()
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_team_settings_are_not_local(tmp_path: Path) -> None:
    assert not load_settings(tmp_path, database_url="postgresql+psycopg://host/name").is_local
