"""What the browser says holds where nothing stronger was said, in place, and can be taken back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as property_settings
from hypothesis import strategies as st

from fluxtune.config import load_settings
from fluxtune.config.registry import SECRET_SHOWN, adjust, declared_settings, group_words, read, without_password


def test_each_value_knows_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fluxtune.toml").write_text('[server]\nport = 1111\n[engine.bases]\nown = "/x"\n')
    monkeypatch.setenv("FLUXTUNE_SERVER__PORT", "2222")
    monkeypatch.setenv("FLUXTUNE_TRASH__KEEP_DAYS", "7")
    settings = load_settings(tmp_path, log={"level": "debug"})
    adjust(settings, {"hosted.timeout_seconds": 5})
    keys = ("log.level", "server.port", "trash.keep_days", "engine.bases", "hosted.timeout_seconds", "engine.max_tries")
    assert [settings.origins.source_of(key) for key in keys] == [
        "argument", "environment", "environment", "file", "browser", "default",
    ]  # fmt: skip


def test_whoever_holds_a_group_sees_the_change(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    group = settings.engine
    assert adjust(settings, {"engine.max_tries": 9, "trash.keep_days": 30}) == {"engine.max_tries"}
    assert group.max_tries == 9
    assert adjust(settings, {}) == {"engine.max_tries"}
    assert group.max_tries == 3
    assert settings.origins.source_of("engine.max_tries") == "default"


def test_what_file_and_environment_say_stays(tmp_path: Path) -> None:
    (tmp_path / "fluxtune.toml").write_text("[engine]\nmax_tries = 7\n")
    settings = load_settings(tmp_path)
    assert adjust(settings, {"engine.max_tries": 9}) == set()
    assert (settings.engine.max_tries, settings.origins.source_of("engine.max_tries")) == (7, "file")


def test_what_is_read_at_the_start_waits_for_one(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert adjust(settings, {"log.keep": 9}) == set()
    assert settings.origins.waiting == {"log.keep"}
    assert settings.log.keep == 3
    assert adjust(settings, {}) == set()
    assert settings.origins.waiting == set()
    assert adjust(settings, {"log.keep": 9}, is_start=True) == {"log.keep"}
    assert (settings.log.keep, settings.origins.waiting) == (9, set())


def test_what_an_older_version_allowed_does_no_harm(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert adjust(settings, {"engine.max_tries": -4, "engine.gone": 1, "data": "/etc"}) == set()
    assert settings.engine.max_tries == 3


def test_bad_values_are_told_in_words() -> None:
    for key, value, words in (
        ("engine.max_tries", 0, "greater than or equal to 1"),
        ("log.level", "loud", "Must be 'debug', 'info'"),
        ("captions.local_endpoints", [1], "0: Must be a valid string"),
        ("hosted.public_url", "ftp://x", "pattern"),
    ):
        with pytest.raises(ValueError, match=words):
            declared_settings()[key].parse(value)


def test_every_setting_has_words_and_a_schema() -> None:
    for key, declared in declared_settings().items():
        assert declared.info.description, key
        assert declared.schema, key
        assert len(key) <= 120
        assert all(group_words(declared.group)) or not declared.group, key


def test_defaults_survive_as_plain_values(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    for key, declared in declared_settings().items():
        if not declared.is_secret and key != "data":
            assert declared.parse(declared.plain(read(settings, key))) == declared.default, key


@given(st.text(st.characters(exclude_characters=":@/"), min_size=1), st.text(st.characters(exclude_characters="@/")))
@property_settings(max_examples=30)
def test_passwords_of_addresses_are_dots(user: str, password: str) -> None:
    shown = without_password(f"postgresql+psycopg://{user}:{password}@host/name")
    assert shown == f"postgresql+psycopg://{user}:{SECRET_SHOWN}@host/name"


def test_every_setting_has_a_name_and_words_for_people() -> None:
    for key, declared in declared_settings().items():
        assert declared.info.title, f"{key} has no title"
        assert declared.info.description, f"{key} has no description"
        assert not {"url", "bytes", "seconds", "max", "min", "smtp"} & set(declared.title.lower().split()), key
        ways = declared.schema.get("anyOf", [declared.schema])
        choices: list[str] = next((each["enum"] for each in ways if "enum" in each), [])
        assert set(declared.labels) == set(choices), f"{key}: its choices are called something, and nothing else is"


def test_settings_of_a_group_are_told_apart() -> None:
    names = [(declared.group, declared.title) for declared in declared_settings().values()]
    assert len(set(names)) == len(names)
