"""What one process changes, another sees."""

import time
from collections.abc import Iterator

import pytest

from fluxtune.adjustments.live import LiveSettings
from fluxtune.adjustments.schemas import SettingsUpdate
from fluxtune.adjustments.service import AdjustmentService
from fluxtune.config import Settings, load_settings
from fluxtune.db import Database


@pytest.fixture
def there(settings: Settings) -> Settings:
    """The settings of another process on the same data folder."""
    return load_settings(settings.data)


@pytest.fixture
def live(there: Settings) -> Iterator[LiveSettings]:
    """What keeps them up to date."""
    database = Database.at(there.paths.database, there.database_url)
    live = LiveSettings(there, database)
    live.load()
    yield live
    live.stop()
    database.close()


def change(database: Database, settings: Settings, **values: object) -> None:
    with database.transaction() as session:
        wanted = {key.replace("__", "."): value for key, value in values.items()}
        AdjustmentService(session, settings).update_settings(SettingsUpdate(values=wanted))


def test_another_process_sees_a_change(
    database: Database, settings: Settings, there: Settings, live: LiveSettings
) -> None:
    live.look()
    change(database, settings, trash__keep_days=3, log__level="debug", hosted__key="bfl-secret-key")
    until = time.monotonic() + 20
    while there.trash.keep_days != 3 and time.monotonic() < until:
        live.look()  # PostgreSQL's word of a commit takes a moment
    assert (there.trash.keep_days, there.log.level) == (3, "debug")
    assert there.hosted.key is not None
    assert there.hosted.key.get_secret_value() == "bfl-secret-key"


def test_a_look_reads_nothing_where_nothing_was_committed(
    database: Database, settings: Settings, live: LiveSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(database, settings, trash__keep_days=3)
    live.look()
    monkeypatch.setattr(live, "refresh", lambda: pytest.fail("It read."))
    live.look()


def test_what_waits_for_a_start_holds_after_it(database: Database, settings: Settings) -> None:
    change(database, settings, log__keep=9)
    after = load_settings(settings.data)
    LiveSettings(after, database).load()
    assert after.log.keep == 9


def test_a_secret_whose_key_is_gone_is_left_out(database: Database, settings: Settings, there: Settings) -> None:
    change(database, settings, hosted__key="bfl-secret-key", trash__keep_days=3)
    settings.paths.secret_key.unlink()
    LiveSettings(there, database).load()
    assert (there.hosted.key, there.trash.keep_days) == (None, 3)
