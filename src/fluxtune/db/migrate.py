"""Bring a database to the newest schema, once, whoever asks first."""

import fcntl
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import fluxtune
from fluxtune.core.errors import Conflict
from fluxtune.db.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
SCHEMA = Path(__file__).parent / "schema.sql"
"""What all migrations together make of an empty SQLite file; written by `python -m tools.schema`."""
# Any number, the same for all processes of all studios on one PostgreSQL database.
_ADVISORY_LOCK = 7_105_208_921


class DatabaseTooNew(Conflict):
    """The data was written by a newer fluxtune."""

    title = "This data folder belongs to a newer fluxtune"
    action = "Install the newest fluxtune, or choose another data folder."


def newest_revision() -> str:
    """Return the revision this code needs. Revisions are numbered (`0001_first.py`), so the last file names it."""
    return max(file.name for file in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def code_version() -> str:
    """Return what two processes on one database should have in common: the package's version and its schema."""
    return f"{fluxtune.__version__} {newest_revision()}"


def current_revision(database: Database) -> str | None:
    """Return the revision a database is at, None if it is empty."""
    try:
        with database.engine.connect() as connection:
            revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return revision
    except DBAPIError:
        return None


def migrate(database: Database, lock_file: Path) -> None:
    """Upgrade to the newest schema; two processes that start together do it one after the other."""
    newest = newest_revision()
    current = current_revision(database)
    if current == newest:
        return
    if current is not None and current > newest:
        raise DatabaseTooNew(f"Its schema is {current}; this version knows up to {newest}.")
    if database.is_sqlite:
        with lock_file.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if current is not None or not _create(database, newest):
                upgrade(database)
        return
    with database.engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
        try:
            upgrade(database)
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})


def _create(database: Database, revision: str) -> bool:
    """Make an empty SQLite file what its migrations would make of it; return whether that could be done.

    One script in one transaction takes a thirtieth of the time of all migrations and of loading what runs them.
    """
    script = SCHEMA.read_text(encoding="utf-8")
    if current_revision(database) is not None or not script.startswith(f"-- Revision {revision}\n"):
        return False
    connection = database.engine.raw_connection()
    try:
        # A script that begins a transaction of its own would otherwise not wait for who holds the file.
        connection.cursor().executescript(script.replace("BEGIN TRANSACTION", "BEGIN IMMEDIATE", 1))
    finally:
        connection.close()
    return True


def alembic_config(database: Database) -> "Config":
    """Return Alembic's configuration for a database, without an ini file."""
    # Loading Alembic takes a quarter of a second that only an upgrade needs.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["database"] = database
    return config


def upgrade(database: Database) -> None:
    """Run the migrations a database lacks. `migrate` is for everybody else: it lets one process at a time do it."""
    from alembic import command

    command.upgrade(alembic_config(database), "head")
