"""Bring a database to the newest schema, once, whoever asks first."""

import fcntl
from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from fluxtune.db.database import Database

# Any number, the same for all processes of all studios on one PostgreSQL database.
_ADVISORY_LOCK = 7_105_208_921


def alembic_config(database: Database) -> Config:
    """Return Alembic's configuration for a database, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("fluxtune.db") / "migrations"))
    config.attributes["database"] = database
    return config


def migrate(database: Database, lock_file: Path) -> None:
    """Upgrade to the newest schema; two processes that start together do it one after the other."""
    if database.is_sqlite:
        with lock_file.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _upgrade(database)
        return
    with database.engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
        try:
            _upgrade(database)
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})


def _upgrade(database: Database) -> None:
    if not list(Path(str(resources.files("fluxtune.db"))).glob("migrations/versions/*.py")):  # interim
        from fluxtune.db.base import Base

        Base.metadata.create_all(database.engine)
        return
    command.upgrade(alembic_config(database), "head")
