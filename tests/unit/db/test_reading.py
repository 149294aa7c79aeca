"""Reading on PostgreSQL: nothing can be written, and a connection that was lost is replaced before it is used."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from fluxtune.db import Database
from tests.places import Places


@pytest.fixture
def postgresql(places: Places) -> Iterator[Database]:
    url = places.any_postgresql.create()
    database = Database(url)
    yield database
    database.close()
    places.any_postgresql.remove(url)


def test_what_only_reads_can_not_write(postgresql: Database) -> None:
    with postgresql.reading() as session, pytest.raises(InternalError, match="read-only"):
        session.execute(text("CREATE TABLE of_mine (value INTEGER)"))
    with postgresql.transaction() as session:
        session.execute(text("CREATE TABLE of_mine (value INTEGER)"))


def test_lost_connections_are_replaced_before_they_are_used(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fluxtune.db.database._TRUSTED_S", 0.0)
    ask = text("SELECT pg_backend_pid()")
    with postgresql.reading() as session, postgresql.transaction() as other:
        lost = [session.scalar(ask), other.scalar(ask)]
        other.execute(text("SELECT 1"))
    with postgresql.transaction() as session:
        lost.append(session.scalar(ask))
    with Database(postgresql.url).transaction() as elsewhere:
        for each in set(lost):
            elsewhere.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": each})
    with postgresql.reading() as session, postgresql.transaction() as other:
        assert not {session.scalar(ask), other.scalar(ask)} & set(lost)
