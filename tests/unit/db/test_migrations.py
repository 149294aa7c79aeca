"""The migrations make exactly the tables the code declares, once, whoever starts at the same time."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import fluxtune.api.routers
import fluxtune.contract.tables  # noqa: F401  with the line before: all tables
from fluxtune.db import Base, Database, migrate
from fluxtune.db.migrate import SCHEMA, DatabaseTooNew, alembic_config, current_revision, newest_revision
from tools.schema import schema_script


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    return Database.at(tmp_path / "empty.sqlite")


def test_migrated_schema_is_the_declared_one(empty: Database, tmp_path: Path) -> None:
    migrate(empty, tmp_path / "lock")
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == [], "run: alembic revision --autogenerate"


def test_the_script_for_empty_files_is_what_the_migrations_make() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_script(), "run: python -m tools.schema"


def test_an_empty_file_is_made_by_the_script(empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # By its name it is the function: the package gives that the same one.
    module = importlib.import_module("fluxtune.db.migrate")
    monkeypatch.setattr(module, "upgrade", lambda _database: pytest.fail("Migrations ran."))
    migrate(empty, tmp_path / "lock")
    assert current_revision(empty) == newest_revision()


def test_an_older_file_is_migrated(empty: Database, tmp_path: Path) -> None:
    command.upgrade(alembic_config(empty), "0005")
    migrate(empty, tmp_path / "lock")
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_newest_revision_is_the_head(empty: Database) -> None:
    assert ScriptDirectory.from_config(alembic_config(empty)).get_current_head() == newest_revision()


def test_migrating_twice_changes_nothing(empty: Database, tmp_path: Path) -> None:
    migrate(empty, tmp_path / "lock")
    with empty.transaction() as session:
        session.execute(text("INSERT INTO worker VALUES ('a', 'b', '2026-01-01', '2026-01-01')"))
    migrate(empty, tmp_path / "lock")
    with empty.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM worker")) == 1
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_data_of_a_newer_version_is_left_alone(empty: Database, tmp_path: Path) -> None:
    migrate(empty, tmp_path / "lock")
    with empty.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew):
        migrate(empty, tmp_path / "lock")
    assert current_revision(empty) == "9999"


def test_processes_that_start_together_do_not_race(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from fluxtune.db import Database, migrate;"
        "folder = Path(sys.argv[1]); migrate(Database.at(folder / 'd.sqlite'), folder / 'lock')"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stderr=subprocess.PIPE) for _ in range(3)
    ]
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors.decode()
    assert inspect(Database.at(tmp_path / "d.sqlite").engine).has_table("job")
