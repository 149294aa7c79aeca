"""Data of the first released schema, of every kind, comes through all migrations whole, and is copied and restored."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import inspect, text

from fluxtune.db import Database, migrate
from fluxtune.db.copying import frozen, load
from fluxtune.db.migrate import alembic_config, current_revision, newest_revision
from tests.places import Places

FIRST = "0001"
MARK = "2026-01-02 03:04:05.000000"


def value_for(column: Any, table: str, number: int) -> object:
    """Return a value that a column of the first schema takes, told apart by table, column and row."""
    kind = str(column["type"]).split("(")[0]
    if kind in ("INTEGER", "BIGINT"):
        return number
    if kind in ("FLOAT", "REAL", "DOUBLE"):
        return number + 0.5
    if kind == "BOOLEAN":
        return number % 2
    if kind == "DATETIME":
        return MARK
    if kind == "JSON":
        return f'{{"images": [], "number": {number}}}'
    limit = getattr(column["type"], "length", None) or 200
    return f"{table}-{column['name']}-{number}"[:limit]


@pytest.fixture
def first(tmp_path: Path) -> Database:
    """A database as the first release made it, with two rows in every table, foreign keys that hold."""
    database = Database.at(tmp_path / "first.sqlite")
    command.upgrade(alembic_config(database), FIRST)
    with database.transaction() as session:
        looked = inspect(session.connection())
        session.execute(text("PRAGMA defer_foreign_keys=ON"))
        for table in looked.get_table_names():
            if table == "alembic_version":
                continue
            leads = {key["constrained_columns"][0]: key for key in looked.get_foreign_keys(table)}
            columns = looked.get_columns(table)
            for number in (1, 2):
                row = {}
                for column in columns:
                    lead = leads.get(column["name"])
                    row[column["name"]] = (
                        value_of_key(looked, lead, number) if lead else value_for(column, table, number)
                    )
                names = ", ".join(f'"{name}"' for name in row)
                places = ", ".join(f":{name}" for name in row)
                session.execute(text(f'INSERT INTO "{table}" ({names}) VALUES ({places})'), row)
    return database


def value_of_key(looked, lead: Any, number: int) -> object:
    """Return what row `number` of the table a foreign key leads to has there."""
    table, name = lead["referred_table"], lead["referred_columns"][0]
    column = next(each for each in looked.get_columns(table) if each["name"] == name)
    return value_for(column, table, number)


def rows(database: Database) -> dict[str, list[dict]]:
    """Return the rows of every table as the database has them."""
    found = {}
    with database.engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            if table != "alembic_version":
                lines = connection.execute(text(f'SELECT * FROM "{table}"')).mappings()
                found[table] = [dict(line) for line in lines]
    return found


def test_nothing_is_lost_on_the_way(first: Database, tmp_path: Path) -> None:
    before = rows(first)
    assert all(len(lines) == 2 for lines in before.values())
    migrate(first, tmp_path / "lock")
    after = rows(first)
    assert current_revision(first) == newest_revision()
    for table, lines in before.items():
        assert len(after[table]) == 2, table
        for old, new in zip(lines, after[table], strict=True):
            changed = {name: (value, new[name]) for name, value in old.items() if name in new and new[name] != value}
            assert not changed, f"{table}: {changed}"
    with first.engine.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_it_can_be_read_with_the_code_of_today(first: Database, tmp_path: Path) -> None:
    import fluxtune.api.routers  # noqa: F401  all tables
    from fluxtune.db import Base

    migrate(first, tmp_path / "lock")
    with first.reading() as session:
        for mapper in Base.registry.mappers:
            session.query(mapper.class_).all()


def test_a_copy_of_it_becomes_what_an_upgrade_makes(first: Database, tmp_path: Path) -> None:
    with frozen(first) as copy:
        lines = {name: list(copy.lines(name)) for name in copy.columns}
        columns, sequences, revision = dict(copy.columns), copy.sequences(), copy.revision
    assert revision == FIRST
    loaded = Database.at(tmp_path / "loaded.sqlite")
    load(loaded, revision, columns, sequences, lines.__getitem__, tmp_path / "lock")
    migrate(first, tmp_path / "lock")
    ours, theirs = rows(loaded), rows(first)
    for table in set(ours) - {"worker"}:  # who works is not copied
        assert ours[table] == theirs[table], table


def test_it_comes_through_the_migrations_of_postgresql_as_well(first: Database, places: Places, tmp_path: Path) -> None:
    with frozen(first) as copy:
        lines = {name: list(copy.lines(name)) for name in copy.columns}
        columns, sequences = dict(copy.columns), copy.sequences()
    url = places.any_postgresql.create(migrated=False)
    loaded = Database(url)
    load(loaded, FIRST, columns, sequences, lines.__getitem__, tmp_path / "lock")
    migrate(first, tmp_path / "lock")
    with frozen(first) as ours, frozen(loaded) as theirs:
        assert theirs.revision == newest_revision()
        assert set(theirs.columns) == set(ours.columns)
        for table in ours.columns:
            assert list(theirs.lines(table)) == list(ours.lines(table)), table
    loaded.close()
    places.any_postgresql.remove(url)
