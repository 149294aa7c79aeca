"""`fluxtune settings`: what holds, where it comes from, change, undo, export and import."""

import io
from pathlib import Path

import pytest

from fluxtune.cli.settings import read_value


def test_the_whole_life(studio, fluxtune, tmp_path):
    settings = studio.settings
    assert fluxtune("settings", "get", "trash.keep_days").out == "30\n"
    assert "as usual → 5" in fluxtune("settings", "set", "trash.keep_days", "5").out
    assert settings.trash.keep_days == 5
    assert fluxtune("settings", "set", "engine.bases", '{"own": "/x"}').code == 0
    assert settings.engine.bases == {"own": Path("/x")}
    listed = fluxtune("settings", "list", "--changed").out
    assert "engine.bases" in listed
    assert "webhooks." not in listed
    file = tmp_path / "kept.toml"
    assert fluxtune("settings", "export", file).code == 0
    assert "keep_days = 5" in file.read_text()
    assert fluxtune("settings", "reset", "trash.keep_days", "engine.bases").code == 0
    assert (settings.trash.keep_days, settings.engine.bases) == (30, {})
    assert "5" in fluxtune("settings", "import", file, "--trial").out
    assert settings.trash.keep_days == 30
    assert fluxtune("settings", "import", file).code == 0
    assert settings.trash.keep_days == 5
    newest = fluxtune("settings", "changes", "--json").json[0]
    assert newest["kind"] == "import"
    assert fluxtune("settings", "undo", str(newest["id"])).code == 0
    assert settings.trash.keep_days == 30


def test_secrets_come_by_stdin_and_are_not_printed(studio, fluxtune, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("bfl-secret-key\n"))
    said = fluxtune("settings", "set", "hosted.key", "-")
    assert said.code == 0
    assert studio.settings.hosted.key.get_secret_value() == "bfl-secret-key"
    printed = [said.out, said.err] + [fluxtune("settings", *rest).out for rest in (("get", "hosted.key"), ("list",))]
    assert not any("bfl-secret-key" in text for text in printed)
    assert "(set)" in printed[2]


def test_refusals_say_why(studio, fluxtune):
    assert "greater than or equal to 1" in fluxtune("settings", "set", "engine.max_tries", "0").err
    assert "before the database is open" in fluxtune("settings", "set", "server.port", "80").err
    assert "no setting" in fluxtune("settings", "get", "no.such").err
    assert "next start" in fluxtune("settings", "set", "log.keep", "9").err


def test_text_is_read_as_what_the_setting_takes():
    for key, text, value in (
        ("engine.max_tries", "5", 5),
        ("engine.health_after_runs", "false", False),
        ("captions.model", "5", "5"),
        ("captions.local_endpoints", "http://a:1, http://b:2", ["http://a:1", "http://b:2"]),
        ("captions.local_endpoints", '["http://a:1"]', ["http://a:1"]),
        ("defaults.style.width", "null", None),
        ("defaults.style.recipe", '{"rank": 4}', {"rank": 4}),
        ("engine.max_tries", "many", "many"),
    ):
        assert read_value(key, text) == value
