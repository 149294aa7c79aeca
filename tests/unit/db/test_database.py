"""Transactions: all or nothing, writers take turns, readers never wait."""

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from fluxtune.db import ChangeWatch, Database, UtcDateTime, is_disk_full


@pytest.fixture
def counter(tmp_path: Path) -> Database:
    database = Database.at(tmp_path / "test.sqlite")
    with database.transaction() as session:
        session.execute(text("CREATE TABLE counter (value INTEGER)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))
    return database


def value(session: Session) -> int:
    return int(session.scalar(text("SELECT value FROM counter")) or 0)


def test_all_or_nothing(counter: Database) -> None:
    def fail() -> None:
        with counter.transaction() as session:
            session.execute(text("UPDATE counter SET value = 5"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with counter.reading() as session:
        assert value(session) == 0


def test_reading_keeps_nothing(counter: Database) -> None:
    with counter.reading() as session:
        session.execute(text("UPDATE counter SET value = 5"))
    with counter.reading() as session:
        assert value(session) == 0


def test_writers_that_read_first_take_turns(counter: Database) -> None:
    """With deferred transactions this fails at once with "database is locked"."""

    def increase() -> None:
        for _ in range(20):
            with counter.transaction() as session:
                current = value(session)
                session.execute(text("UPDATE counter SET value = :value"), {"value": current + 1})

    threads = [threading.Thread(target=increase) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with counter.reading() as session:
        assert value(session) == 80


def test_readers_do_not_wait_for_writers(counter: Database) -> None:
    with counter.transaction() as writer:
        writer.execute(text("UPDATE counter SET value = 5"))
        started_at = time.monotonic()
        with counter.reading() as reader:
            assert value(reader) == 0
        assert time.monotonic() - started_at < 5


def test_foreign_keys_and_wal(counter: Database) -> None:
    with counter.reading() as session:
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"


def test_changes_are_noticed(counter: Database) -> None:
    watch = ChangeWatch(counter)
    assert watch.has_changed()
    assert not watch.has_changed()
    with counter.transaction() as session:
        session.execute(text("UPDATE counter SET value = 1"))
    assert watch.has_changed()
    assert not watch.has_changed()
    watch.close()


def test_times_are_aware_and_utc(counter: Database) -> None:
    column, dialect = UtcDateTime(), counter.engine.dialect
    there = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert column.process_bind_param(there, dialect) == datetime(2026, 1, 1, 10, tzinfo=UTC)
    back = column.process_result_value(datetime(2026, 1, 1, 10), dialect)
    assert back == there
    with pytest.raises(ValueError, match="zone"):
        column.process_bind_param(datetime(2026, 1, 1), dialect)


def test_a_full_disk_is_recognised() -> None:
    assert is_disk_full(OSError(28, "No space left on device"))
    assert is_disk_full(OperationalError("INSERT", {}, Exception("database or disk is full")))
    assert not is_disk_full(OperationalError("INSERT", {}, Exception("database is locked")))
    assert is_disk_full(OperationalError("INSERT", {}, psycopg.errors.DiskFull("could not extend file")))
    assert not is_disk_full(ValueError())
